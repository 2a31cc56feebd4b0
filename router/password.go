package router

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// argon2id with 7 MiB and 5 passes: the same cost to a guesser as the larger
// settings, in memory that a small box can spare.
const (
	hashMemory = 7 * 1024 // KiB
	hashPasses = 5
	hashLanes  = 1
	hashSize   = 32
	saltSize   = 16
)

// hashPassword gives $argon2id$v=19$m=…,t=…,p=…$salt$hash.
func hashPassword(password string) string {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	hash := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashLanes, hashSize)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, b64(salt), b64(hash))
}

// checkPassword compares in constant time. A hash that cannot be read is an
// error, not a wrong password.
func checkPassword(encoded, password string) (bool, error) {
	fields := strings.Split(encoded, "$")
	if len(fields) != 6 || fields[1] != "argon2id" {
		return false, fmt.Errorf("stored password hash is not argon2id")
	}
	var version int
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(fields[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("stored password hash has version %q", fields[2])
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil || passes < 1 || lanes < 1 || memory > 1<<20 || passes > 100 {
		return false, fmt.Errorf("stored password hash has parameters %q", fields[3])
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil {
		return false, fmt.Errorf("salt of stored password hash: %w", err)
	}
	hash, err := base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil || len(hash) == 0 {
		return false, fmt.Errorf("stored password hash cannot be read")
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(hash)))
	return subtle.ConstantTimeCompare(got, hash) == 1, nil
}
