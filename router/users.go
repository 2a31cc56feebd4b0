package router

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"gsmgate/storage"
)

// UserView is a user as others may see it: without its password and the secret of
// its callback.
type UserView struct {
	storage.User      // Password and CallbackSecret are empty
	Imported     bool // the password is still the imported SHA-1
	Signed       bool // there is a secret of the callback
	Balance      storage.Balance
}

// UserSpec is a user to be made. It has a password or, when it comes from
// another system, the SHA-1 of its UTF-16LE form in 40 hexadecimal digits.
type UserSpec struct {
	SystemID, Password string
	PasswordSHA1       string
	Disabled           bool
	Credits            storage.Millicredits
	AddressRanges      []string
	UserSettings
}

// UserChange says what is to change; nil fields stay.
type UserChange struct {
	Password      *string
	PasswordSHA1  *string
	Enabled       *bool
	AddressRanges *[]string
	UserSettings
}

// dummyHash is what the password of an unknown user is compared with, so that
// the time taken does not tell whether a system_id exists.
const dummyHash = "$argon2id$v=19$m=7168,t=5,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// AddUser makes a user.
func (r *Router) AddUser(ctx context.Context, s UserSpec) (UserView, error) {
	u, err := r.newUser(s)
	if err != nil {
		return UserView{}, err
	}
	if err := r.createUser(ctx, u); err != nil {
		return UserView{}, err
	}
	if s.Credits > 0 {
		if _, err := r.Credit(ctx, s.SystemID, s.Credits, openingBalance); err != nil {
			return UserView{}, err
		}
	}
	return r.User(s.SystemID)
}

// openingBalance is the note of a new user's first entry in the ledger.
const openingBalance = "opening balance"

// newUser checks all of a user that can be seen without the others.
func (r *Router) newUser(s UserSpec) (u storage.User, err error) {
	if err := checkSystemID(s.SystemID); err != nil {
		return u, err
	}
	u = storage.User{SystemID: s.SystemID, Enabled: !s.Disabled, AddressRanges: s.AddressRanges, Created: r.now()}
	if s.Credits < 0 {
		return u, invalid("credits", "credits cannot be negative at the start", "")
	}
	if _, err := parseRanges(s.AddressRanges); err != nil {
		return u, err
	}
	if err := s.apply(&u); err != nil {
		return u, err
	}
	u.Password, err = storedPassword(s.Password, s.PasswordSHA1)
	return u, err
}

// storedPassword makes what is kept of exactly one of the two. It takes the
// time of a hash.
func storedPassword(password, sha1 string) (string, error) {
	switch {
	case password != "" && sha1 != "":
		return "", invalid("password_sha1", "password and password_sha1 exclude each other", "give one of them")
	case sha1 != "":
		return importedHash(sha1)
	case password == "":
		return "", invalid("password", "a password is needed", "use 1 to 8 printable ASCII characters, or password_sha1 for one that is imported")
	}
	if err := checkNewPassword(password); err != nil {
		return "", err
	}
	return hashPassword(password), nil
}

// SetUser changes a user. It holds for the next bind and message at once, and
// who watches the users is told, see OnUserChange.
func (r *Router) SetUser(ctx context.Context, name string, c UserChange) (UserView, error) {
	if _, ok := r.db.User(name); !ok {
		return UserView{}, noUser(name)
	}
	var stored string
	if c.Password != nil || c.PasswordSHA1 != nil {
		var err error
		if stored, err = storedPassword(deref(c.Password), deref(c.PasswordSHA1)); err != nil {
			return UserView{}, err
		}
	}
	err := r.changeUser(ctx, name, func(u *storage.User) error {
		if stored != "" {
			u.Password = stored
		}
		take(&u.Enabled, c.Enabled)
		take(&u.AddressRanges, c.AddressRanges)
		return c.apply(u)
	})
	if err != nil {
		return UserView{}, err
	}
	if stored != "" {
		r.known.Delete(name) // what was known is another password now
	}
	select {
	case r.outletsChanged <- struct{}{}:
	default:
	}
	return r.User(name)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// createUser stores a user that is not there.
func (r *Router) createUser(ctx context.Context, u storage.User) error {
	r.users.Lock()
	defer r.users.Unlock()
	if _, exists := r.db.User(u.SystemID); exists {
		return userExists(u.SystemID)
	}
	return r.putUser(ctx, u, true)
}

func userExists(name string) error {
	return &Error{Code: Conflict, Field: "system_id", Message: fmt.Sprintf("user %s exists already", name), Hint: "change it with gsmgate user set"}
}

// changeUser stores what change makes of a user, and tells of it.
func (r *Router) changeUser(ctx context.Context, name string, change func(*storage.User) error) error {
	err := func() error {
		r.users.Lock()
		defer r.users.Unlock()
		u, ok := r.db.User(name)
		if !ok {
			return noUser(name)
		}
		if err := change(&u); err != nil {
			return err
		}
		return r.putUser(ctx, u, false)
	}()
	if err != nil {
		return err
	}
	r.door.guard.forgive(name)
	r.watchers.tell(name, r.db.User)
	return nil
}

// putUser stores a user whose address ranges are well formed and nobody
// else's. It is called with users locked. A change that has begun is finished:
// else nobody could know whether it was made.
func (r *Router) putUser(ctx context.Context, u storage.User, create bool) error {
	ranges, err := parseRanges(u.AddressRanges)
	if err != nil {
		return err
	}
	if err := conflict(r.db.Users(), u.SystemID, ranges); err != nil {
		return err
	}
	if _, ok := r.db.PriceList(u.PriceList); u.PriceList != "" && !ok {
		return noPriceList(u.PriceList)
	}
	if err := r.db.PutUser(context.WithoutCancel(ctx), u, create); err != nil {
		return public(err)
	}
	r.learnUsers()
	return nil
}

// learnUsers makes anew what follows from all users.
func (r *Router) learnUsers() {
	users := r.db.Users()
	r.owners.Store(newOwners(users))
	all := newRules(users)
	r.rules.Store(&all)
}

func parseRanges(texts []string) (ranges []addressRange, err error) {
	for _, text := range texts {
		ar, err := parseRange(text)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, ar)
	}
	return ranges, nil
}

// watchers are told of users that have changed.
type watchers struct {
	mu   sync.Mutex // one is told at a time, so that the last word is the newest
	list []func(storage.User)
}

func (w *watchers) tell(name string, find func(string) (storage.User, bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ok := find(name)
	if !ok {
		return
	}
	for _, f := range w.list {
		f(u)
	}
}

// OnUserChange has f called with each user that has changed, after the commit
// and one call after the other. f must not block and must not change users.
func (r *Router) OnUserChange(f func(storage.User)) {
	r.watchers.mu.Lock()
	defer r.watchers.mu.Unlock()
	r.watchers.list = append(r.watchers.list, f)
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

// UserRecords gives all of them, by name.
func (r *Router) UserRecords() []storage.User { return r.db.Users() }

func (r *Router) view(u storage.User) (UserView, error) {
	b, err := r.db.Balance(u.SystemID)
	if err != nil {
		return UserView{}, public(err)
	}
	v := UserView{User: u, Imported: strings.HasPrefix(u.Password, importedTag), Signed: u.CallbackSecret != "", Balance: b}
	v.Password, v.CallbackSecret = "", ""
	return v, nil
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

// Statement sums what moved of a user's money from the one time up to, and not
// at, the other; 0 is the beginning, and now.
func (r *Router) Statement(ctx context.Context, name string, from, to storage.Time) (storage.Statement, error) {
	if _, err := r.db.Balance(name); err != nil { // also that of one who was removed
		return storage.Statement{}, noUser(name)
	}
	s, err := r.db.Statement(ctx, name, from, to)
	return s, public(err)
}

// Ledger gives a stretch of a user's ledger, oldest first, and where to go on; 0:
// nowhere.
func (r *Router) Ledger(f storage.LedgerFilter) ([]storage.Entry, uint64, error) {
	if _, err := r.db.Balance(f.User); err != nil { // also that of one who was removed
		return nil, 0, noUser(f.User)
	}
	entries, next, err := r.db.Ledger(f)
	return entries, next, public(err)
}
