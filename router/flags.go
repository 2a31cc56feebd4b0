package router

import (
	"container/list"
	"strings"
	"sync"
	"sync/atomic"

	"gsmgate/storage"
)

const (
	mostFlags    = 10_000 // raised flags of one user; beyond it the oldest is lowered
	mostAllFlags = 50_000 // of all users: some 30 MB
)

// flag is a delivery pending flag that is raised.
type flag struct {
	id     storage.ID // its message
	alert  Alert
	owed   bool // the recipient was heard of
	stored bool // and that is on disk
	// places in the lists of flags
	inAll, inUser, inOwed *list.Element
}

// flags are the delivery pending flags that are raised [SMPP34 5.3.2.29]. They
// are fields of messages, on disk; this finds them by number, and costs those who
// have none an atomic read. That a flag is here while its message has none any
// more does no harm: the message is looked at before its client is told.
type flags struct {
	r    *Router
	most int // mostFlags, fewer in tests
	wake chan struct{}

	raised atomic.Int64

	mu    sync.Mutex
	byID  map[storage.ID]*flag
	by    map[string][]*flag // by the end of the recipient's number
	all   list.List          // oldest first
	users map[string]*flagsOf
	try   map[string]struct{} // users to whom an alert may go now
	send  func(Alert) bool
}

// flagsOf are those of one user, oldest first.
type flagsOf struct{ all, owed list.List }

func newFlags(r *Router) *flags {
	return &flags{
		r: r, most: mostFlags, wake: make(chan struct{}, 1),
		byID: map[storage.ID]*flag{}, by: map[string][]*flag{}, users: map[string]*flagsOf{}, try: map[string]struct{}{},
	}
}

// tryNow is called with the lock held.
func (f *flags) tryNow(user string) {
	f.try[user] = struct{}{}
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// raise sets the flag that the client asked for.
func raise(m *storage.Message, now storage.Time) {
	if m.DPF == storage.DPFAsked {
		m.DPF = storage.DPFSet
		m.Note(now, "pending", "its client is to hear when the recipient can be reached")
	}
}

// lower clears the flag. While the message has not ended it may be set again.
func lower(m *storage.Message) {
	if m.DPF = storage.DPFNone; !ended(m) {
		m.DPF = storage.DPFAsked
	}
}

// load finds what is raised on disk.
func (f *flags) load() error {
	ids, err := f.r.db.Flagged()
	if err != nil {
		return err
	}
	for _, id := range ids {
		m, err := f.r.db.Message(id)
		if err != nil {
			return err
		}
		f.changed(m)
	}
	return nil
}

// changed takes note of a message that was stored.
func (f *flags) changed(m *storage.Message) {
	if m.DPF.Raised() {
		f.lowerAll(f.add(m))
	}
}

// add gives the messages whose flag is to be lowered for this one: the one that
// says the same, whose recipient cannot be reached after all, and the oldest when
// there are too many.
func (f *flags) add(m *storage.Message) (gone []storage.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID[m.ID] != nil {
		return nil
	}
	key := tail(m.Dest.Addr)
	fl := &flag{id: m.ID, alert: Alert{User: m.User, Session: m.Session, Source: m.Dest, ESME: m.Source}}
	for _, other := range f.by[key] {
		if other.alert.says(&fl.alert) {
			gone = append(gone, other.id)
			f.drop(other)
			break
		}
	}
	u := f.users[m.User]
	if u != nil && u.all.Len() >= f.most {
		gone = append(gone, f.dropFirst(&u.all))
	}
	if f.all.Len() >= mostAllFlags {
		gone = append(gone, f.dropFirst(&f.all))
	}
	f.put(fl, key)
	if m.DPF == storage.DPFOwed {
		fl.stored = true
		f.owe(fl)
	}
	return gone
}

// put is called with the lock held.
func (f *flags) put(fl *flag, key string) {
	u := f.users[fl.alert.User]
	if u == nil {
		u = &flagsOf{}
		f.users[fl.alert.User] = u
	}
	f.byID[fl.id] = fl
	f.by[key] = append(f.by[key], fl)
	fl.inAll, fl.inUser = f.all.PushBack(fl), u.all.PushBack(fl)
	f.raised.Store(int64(f.all.Len()))
}

// owe is called with the lock held.
func (f *flags) owe(fl *flag) {
	fl.owed = true
	fl.inOwed = f.users[fl.alert.User].owed.PushBack(fl)
	f.tryNow(fl.alert.User)
}

func (f *flags) dropFirst(l *list.List) storage.ID {
	fl := l.Front().Value.(*flag)
	f.drop(fl)
	return fl.id
}

// drop is called with the lock held.
func (f *flags) drop(fl *flag) {
	user, key := fl.alert.User, tail(fl.alert.Source.Addr)
	u := f.users[user]
	u.all.Remove(fl.inUser)
	if fl.inOwed != nil {
		u.owed.Remove(fl.inOwed)
	}
	if u.all.Len() == 0 {
		delete(f.users, user)
	}
	f.all.Remove(fl.inAll)
	delete(f.byID, fl.id)
	rest := f.by[key]
	for i := range rest {
		if rest[i] == fl {
			rest[i] = rest[len(rest)-1]
			rest = rest[:len(rest)-1]
			break
		}
	}
	if f.by[key] = rest; len(rest) == 0 {
		delete(f.by, key)
	}
	f.raised.Store(int64(f.all.Len()))
}

func (f *flags) forget(id storage.ID) {
	if f.raised.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.byID[id]; fl != nil {
		f.drop(fl)
	}
}

// reached notes that a subscriber was heard of.
func (f *flags) reached(a storage.Address) {
	const alphanumeric = 5
	if f.raised.Load() == 0 || a.TON == alphanumeric {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fl := range f.by[tail(a.Addr)] {
		if !fl.owed && sameNumber(fl.alert.Source.Addr, a.Addr) {
			f.owe(fl)
		}
	}
}

// says whether the two tell a client the same.
func (a *Alert) says(b *Alert) bool {
	return a.User == b.User && plain(a.ESME.Addr) == plain(b.ESME.Addr) && sameNumber(a.Source.Addr, b.Source.Addr)
}

// bare is a number without what stands before it: +, the international or the
// trunk prefix.
func bare(addr string) string { return strings.TrimLeft(plain(addr), "0") }

// leastNational is how many digits of a number are taken to be the subscriber's
// own, whatever comes before them.
const leastNational = 8

func tail(addr string) string {
	b := bare(addr)
	return b[max(0, len(b)-leastNational):]
}

// sameNumber says whether two addresses are of one subscriber, one of them
// perhaps in national form: a handset is known to a network by the international
// form, whatever a client writes.
func sameNumber(a, b string) bool {
	a, b = bare(a), bare(b)
	if len(a) > len(b) {
		a, b = b, a
	}
	return a == b || len(a) >= leastNational && strings.HasSuffix(b, a)
}
