package provisioning

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
)

// Secret prints as ***.
type Secret string

func (Secret) String() string   { return "***" }
func (Secret) GoString() string { return "***" }

// minToken is the fewest characters that a token may have.
const minToken = 32

// LoadToken reads the admin token at path and makes one of 32 random bytes,
// mode 0600, when there is no file.
func LoadToken(path string) (Secret, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeToken(path)
	}
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < minToken {
		return "", fmt.Errorf("the admin token in %s is shorter than %d characters", path, minToken)
	}
	return Secret(token), nil
}

func makeToken(path string) (Secret, error) {
	random := make([]byte, 32)
	rand.Read(random)
	token := hex.EncodeToString(random)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(token + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return "", err
	}
	return Secret(token), nil
}

// RequireToken lets only requests with "Authorization: Bearer TOKEN" through.
func RequireToken(token Secret, next http.Handler) http.Handler {
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="gsmgate"`)
			writeProblem(w, problem(http.StatusUnauthorized, "", "a valid token is needed", "send the content of DIR/admin.token as Authorization: Bearer TOKEN"))
			return
		}
		next.ServeHTTP(w, r)
	})
}
