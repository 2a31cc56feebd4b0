package router

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"gsmgate/storage"
)

// UserView is a user as others may see it.
type UserView struct {
	SystemID      string
	Enabled       bool
	AddressRanges []string
	Created       storage.Time
	Balance       storage.Balance
}

// UserSpec is a user to be made.
type UserSpec struct {
	SystemID, Password string
	Credits            storage.Millicredits
	AddressRanges      []string
}

// UserChange says what is to change; nil fields stay.
type UserChange struct {
	Password      *string
	Enabled       *bool
	AddressRanges *[]string
}

// dummyHash is what the password of an unknown user is compared with, so that
// the time taken does not tell whether a system_id exists.
const dummyHash = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// Authenticate says who binds with this password. A wrong password, an
// unknown and a disabled user give the same *Error of code Denied.
func (r *Router) Authenticate(ctx context.Context, systemID, password string) (storage.User, error) {
	if u, ok := r.verified(systemID, password); ok {
		return u, nil
	}
	select {
	case r.hashes <- struct{}{}:
		defer func() { <-r.hashes }()
	case <-ctx.Done():
		return storage.User{}, ctx.Err()
	}
	denied := &Error{Code: Denied, Message: "wrong system_id or password"}
	u, ok := r.db.User(systemID)
	if !ok {
		checkPassword(dummyHash, password)
		return storage.User{}, denied
	}
	match, err := checkPassword(u.Password, password)
	switch {
	case err != nil:
		return storage.User{}, &Error{Code: Internal, Message: "internal error", Err: err}
	case !match || !u.Enabled:
		return storage.User{}, denied
	}
	r.known.Store(systemID, r.proof(u, password))
	return u, nil
}

// verified says whether the password was verified before and neither it nor
// the user has changed since: such a bind does not wait while others are
// flooding with wrong ones.
func (r *Router) verified(systemID, password string) (storage.User, bool) {
	u, ok := r.db.User(systemID)
	if !ok || !u.Enabled {
		return u, false
	}
	proof, ok := r.known.Load(systemID)
	return u, ok && hmac.Equal(proof.([]byte), r.proof(u, password))
}

// proof stands for a verified password in memory. It is keyed with a secret of
// this process and bound to the stored hash.
func (r *Router) proof(u storage.User, password string) []byte {
	mac := hmac.New(sha256.New, r.secret[:])
	mac.Write([]byte(u.Password + "\x00" + password))
	return mac.Sum(nil)
}

// AddUser makes a user.
func (r *Router) AddUser(ctx context.Context, s UserSpec) (UserView, error) {
	if err := checkSystemID(s.SystemID); err != nil {
		return UserView{}, err
	}
	if err := checkNewPassword(s.Password); err != nil {
		return UserView{}, err
	}
	if s.Credits < 0 {
		return UserView{}, invalid("credits", "credits cannot be negative at the start", "")
	}
	u := storage.User{
		SystemID: s.SystemID, Password: hashPassword(s.Password), Enabled: true,
		AddressRanges: s.AddressRanges, Created: r.now(),
	}
	if err := r.putUser(ctx, u, true); err != nil {
		return UserView{}, err
	}
	if s.Credits > 0 {
		if _, err := r.Credit(ctx, s.SystemID, s.Credits, "opening balance"); err != nil {
			return UserView{}, err
		}
	}
	return r.User(s.SystemID)
}

// SetUser changes a user; it holds for the next message at once.
func (r *Router) SetUser(ctx context.Context, name string, c UserChange) (UserView, error) {
	u, ok := r.db.User(name)
	if !ok {
		return UserView{}, noUser(name)
	}
	if c.Password != nil {
		if err := checkNewPassword(*c.Password); err != nil {
			return UserView{}, err
		}
		u.Password = hashPassword(*c.Password)
	}
	if c.Enabled != nil {
		u.Enabled = *c.Enabled
	}
	if c.AddressRanges != nil {
		u.AddressRanges = *c.AddressRanges
	}
	if err := r.putUser(ctx, u, false); err != nil {
		return UserView{}, err
	}
	return r.User(name)
}

// putUser stores a user whose address ranges are well formed and nobody
// else's.
func (r *Router) putUser(ctx context.Context, u storage.User, create bool) error {
	var ranges []addressRange
	for _, text := range u.AddressRanges {
		ar, err := parseRange(text)
		if err != nil {
			return err
		}
		ranges = append(ranges, ar)
	}
	r.users.Lock()
	defer r.users.Unlock()
	if _, exists := r.db.User(u.SystemID); exists && create {
		return &Error{Code: Conflict, Field: "system_id", Message: fmt.Sprintf("user %s exists already", u.SystemID), Hint: "change it with gsmgate user set"}
	}
	if err := conflict(r.db.Users(), u.SystemID, ranges); err != nil {
		return err
	}
	if err := r.db.PutUser(ctx, u, create); err != nil {
		return public(err)
	}
	r.owners.Store(newOwners(r.db.Users()))
	return nil
}

// checkSystemID wants what fits a bind: 1 to 15 printable ASCII characters
// [SMPP34 5.2.1].
func checkSystemID(s string) error {
	if len(s) < 1 || len(s) > 15 || slices.ContainsFunc([]byte(s), func(b byte) bool { return b <= ' ' || b > '~' }) {
		return invalid("system_id", fmt.Sprintf("%q is no system_id", s), "use 1 to 15 printable ASCII characters without spaces, as SMPP has room for")
	}
	return nil
}

// checkNewPassword wants what fits a bind: 1 to 8 ASCII characters
// [SMPP34 5.2.2]. A longer one could never be used.
func checkNewPassword(s string) error {
	if len(s) < 1 || len(s) > 8 || slices.ContainsFunc([]byte(s), func(b byte) bool { return b < ' ' || b > '~' }) {
		return invalid("password", "the password does not fit SMPP", "use 1 to 8 printable ASCII characters: a bind has room for no more")
	}
	return nil
}

func noUser(name string) *Error {
	return &Error{Code: NotFound, Field: "user", Message: fmt.Sprintf("no user %s", name), Hint: "gsmgate user list shows all users"}
}

// Users lists all users by name.
func (r *Router) Users() ([]UserView, error) {
	var views []UserView
	for _, u := range r.db.Users() {
		v, err := r.view(u)
		if err != nil {
			return nil, err
		}
		views = append(views, v)
	}
	slices.SortFunc(views, func(a, b UserView) int { return strings.Compare(a.SystemID, b.SystemID) })
	return views, nil
}

// User shows one user.
func (r *Router) User(name string) (UserView, error) {
	u, ok := r.db.User(name)
	if !ok {
		return UserView{}, noUser(name)
	}
	return r.view(u)
}

// UserRecord is a user as it is stored, without its money. It reads memory only.
func (r *Router) UserRecord(name string) (storage.User, bool) { return r.db.User(name) }

func (r *Router) view(u storage.User) (UserView, error) {
	b, err := r.db.Balance(u.SystemID)
	if err != nil {
		return UserView{}, public(err)
	}
	return UserView{SystemID: u.SystemID, Enabled: u.Enabled, AddressRanges: u.AddressRanges, Created: u.Created, Balance: b}, nil
}

// Credit adds to a user's balance, or takes from it, with a note for the
// ledger.
func (r *Router) Credit(ctx context.Context, name string, amount storage.Millicredits, note string) (storage.Balance, error) {
	if amount == 0 {
		return storage.Balance{}, invalid("amount", "the amount is zero", "use +N or -N")
	}
	if _, ok := r.db.User(name); !ok {
		return storage.Balance{}, noUser(name)
	}
	b, err := r.db.Grant(ctx, name, amount, note)
	return b, public(err)
}
