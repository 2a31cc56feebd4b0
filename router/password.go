package router

import (
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

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

// importedTag opens the stored form of a password of which only the SHA-1 of
// its UTF-16LE form is known: that of systems from which users are imported.
const importedTag = "$sha1-utf16le$"

// importedHash reads 40 hexadecimal digits, in any case.
func importedHash(digits string) (encoded string, err error) {
	sum, err := hex.DecodeString(digits)
	if err != nil || len(sum) != sha1.Size {
		return "", invalid("password_sha1", "not the SHA-1 of a password", "use 40 hexadecimal digits: the SHA-1 of the password in UTF-16LE")
	}
	return importedTag + hex.EncodeToString(sum), nil
}

// checkImported compares in constant time.
func checkImported(encoded, password string) (bool, error) {
	want, err := hex.DecodeString(strings.TrimPrefix(encoded, importedTag))
	if err != nil || len(want) != sha1.Size {
		return false, fmt.Errorf("stored SHA-1 of a password cannot be read")
	}
	got := sha1.Sum(utf16LE(password))
	return subtle.ConstantTimeCompare(got[:], want) == 1, nil
}

// utf16LE is the password as two octets a character. Octets that are no UTF-8
// are Latin-1.
func utf16LE(password string) []byte {
	runes := []rune(password)
	if !utf8.ValidString(password) {
		runes = runes[:0]
		for _, b := range []byte(password) {
			runes = append(runes, rune(b))
		}
	}
	var raw []byte
	for _, u := range utf16.Encode(runes) {
		raw = append(raw, byte(u), byte(u>>8))
	}
	return raw
}

// matchPassword checks a password against any stored form. better is the hash
// that should replace it, "" for none. All forms cost the same, so that the
// time taken does not tell which one a user has.
func matchPassword(encoded, password string) (match bool, better string, err error) {
	if !strings.HasPrefix(encoded, importedTag) {
		match, err = checkPassword(encoded, password)
		return match, "", err
	}
	better = hashPassword(password)
	match, err = checkImported(encoded, password)
	return match, better, err
}
