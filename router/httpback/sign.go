package httpback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"gsmgate/storage"
)

// Headers of a post.
const (
	headerKey       = "Idempotency-Key"
	headerAttempt   = "Gsmgate-Attempt"
	headerTimestamp = "Gsmgate-Timestamp"
	headerSignature = "Gsmgate-Signature"
)

func timestamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

// signature is the value of headerSignature.
func signature(secret storage.Secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
