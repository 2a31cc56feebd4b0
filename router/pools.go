package router

import (
	"fmt"
	"strings"

	"gsmgate/storage"
)

// poolOf is the pool that a user's messages to handsets go by.
func (r *Router) poolOf(u *storage.User) (string, error) {
	if u.Pool == "" || r.db.HasPool(u.Pool) {
		return u.Pool, nil
	}
	return "", &Error{
		Code: NoRoute, Field: "pool", Message: fmt.Sprintf("pool %s of user %s has no SIM", u.Pool, u.SystemID),
		Hint: "put a SIM into it with gsmgate sim set ICCID --pool " + u.Pool,
	}
}

// maxPool is the length of the name of a pool.
const maxPool = 32

// checkPool wants a name that can stand in the name of a queue. "" is the pool of
// all that are in no other.
func checkPool(name string) error {
	if len(name) > maxPool || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return invalid("pool", fmt.Sprintf("%.40q is no name of a pool", name), fmt.Sprintf("use 1 to %d of a-z, 0-9, - and _; nothing for the default pool", maxPool))
	}
	return nil
}
