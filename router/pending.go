package router

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/storage"
)

const (
	pendingMemory = 10 * time.Minute // how long an index is kept that nobody uses
	mostPending   = 500_000          // messages in all indexes: some 32 MB
	pendingPage   = 2048             // records that one look at the store reads
	pendingScans  = 2                // users for whom the store is read at once
)

// pending finds messages that have not been sent by user, source and
// destination. An index on disk would cost every message a write at a random
// place, and few clients ever ask; so there is one in memory, for each user that
// has asked lately: what is accepted from then on is put in, and the store is
// read once for what was there before.
//
// What it finds are candidates. Whether a message is really pending is known
// inside storage.Change only.
type pending struct {
	r     *Router
	seed  maphash.Seed
	most  int           // mostPending, fewer in tests
	scans chan struct{} // slots for reading the store

	active atomic.Int32 // how many users there are: accepted costs others nothing

	mu    sync.Mutex
	users map[string]*pendingOf
	size  int // entries of all users
}

// pendingOf is the index of one user. The lock of pending guards it.
type pendingOf struct {
	used    storage.Time
	ready   bool // the store was read
	full    bool // there was no room: it is not kept
	ids     map[uint64][]storage.ID
	size    int
	waiting []*pendingWait // for the store to be read
}

// pendingWait is one who asked while there is no index yet. found is what the
// reading of the store has brought, should it not fit the index.
type pendingWait struct {
	key   uint64
	found []storage.ID
	then  func([]storage.ID, error)
}

func newPending(r *Router) *pending {
	return &pending{r: r, seed: maphash.MakeSeed(), most: mostPending, scans: make(chan struct{}, pendingScans), users: map[string]*pendingOf{}}
}

// plain is an address as it is compared: a + at its start means nothing.
func plain(addr string) string { return strings.TrimPrefix(addr, "+") }

// key stands for the user and both addresses. That two may share one does no
// harm.
func (p *pending) key(user, source, dest string) uint64 {
	return maphash.Comparable(p.seed, [3]string{user, plain(source), plain(dest)})
}

func (p *pending) keyOf(m *storage.Message) uint64 {
	return p.key(m.User, m.Source.Addr, m.Dest.Addr)
}

// accepted notes a message that was stored, before its client is told so.
func (p *pending) accepted(m *storage.Message) {
	if p.active.Load() == 0 || m.Kind != storage.MT {
		return
	}
	now := p.r.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.users[m.User]
	switch {
	case u == nil:
	case p.stale(u, now):
		p.drop(m.User, u)
	default:
		p.add(m.User, u, p.keyOf(m), m.ID)
	}
}

// add is called with the lock held. An index that grows too large is given up.
func (p *pending) add(user string, u *pendingOf, key uint64, id storage.ID) {
	if u.full {
		return
	}
	if p.size < p.most {
		u.ids[key] = append(u.ids[key], id)
		u.size++
		p.size++
		return
	}
	p.empty(u)
	u.full = true
	if u.ready {
		p.drop(user, u)
	}
}

func (p *pending) empty(u *pendingOf) {
	p.size -= u.size
	u.ids, u.size = nil, 0
}

// drop is called with the lock held.
func (p *pending) drop(user string, u *pendingOf) {
	p.empty(u)
	if p.users[user] == u {
		delete(p.users, user)
		p.active.Store(int32(len(p.users)))
	}
}

func (p *pending) stale(u *pendingOf, now storage.Time) bool {
	return u.ready && now-u.used > storage.Time(pendingMemory.Milliseconds())
}

// sweep drops the indexes that nobody uses.
func (p *pending) sweep(now storage.Time) {
	if p.active.Load() == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for user, u := range p.users {
		if p.stale(u, now) {
			p.drop(user, u)
		}
	}
}

// find calls then with the candidates of a key, oldest first: at once, or from
// another goroutine when the store has been read.
func (p *pending) find(user string, key uint64, then func([]storage.ID, error)) {
	p.mu.Lock()
	u := p.users[user]
	begin := u == nil
	if begin {
		u = &pendingOf{ids: map[uint64][]storage.ID{}}
		p.users[user] = u
		p.active.Store(int32(len(p.users))) // from here on nothing is missed
	}
	u.used = p.r.now()
	if u.ready {
		ids := u.list(key)
		p.mu.Unlock()
		then(ids, nil)
		return
	}
	u.waiting = append(u.waiting, &pendingWait{key: key, then: then})
	p.mu.Unlock()
	if begin && !p.r.jobs.start(func() { p.fill(user, u) }) {
		p.answer(user, u, nil, storage.ErrClosed)
	}
}

// list sorts what is there: a message may have been accepted and read.
func (u *pendingOf) list(key uint64) []storage.ID {
	ids := slices.Clone(u.ids[key])
	slices.Sort(ids)
	return slices.Compact(ids)
}

// fill reads the store for a user; again for those who came too late, when what
// was found does not fit.
func (p *pending) fill(user string, u *pendingOf) {
	p.scans <- struct{}{}
	defer func() { <-p.scans }()
	for again := true; again; {
		p.mu.Lock()
		round := slices.Clone(u.waiting)
		p.mu.Unlock()
		err := p.read(user, u, round)
		again = p.answer(user, u, round, err)
	}
}

// read adds what the store has of the user, one page after the other so that
// commits go on meanwhile.
func (p *pending) read(user string, u *pendingOf, round []*pendingWait) error {
	for after := storage.ID(0); ; {
		if p.r.jobs.stopping() {
			return storage.ErrClosed
		}
		ms, next, err := p.r.db.Pending(user, after, pendingPage)
		if err != nil {
			return err
		}
		p.mu.Lock()
		for _, m := range ms {
			if count(m.Parts).left() > 0 {
				continue
			}
			key := p.keyOf(m)
			p.add(user, u, key, m.ID)
			for _, w := range round {
				if w.key == key {
					w.found = append(w.found, m.ID)
				}
			}
		}
		p.mu.Unlock()
		if after = next; next == 0 {
			return nil
		}
	}
}

// answer gives all who wait what was found, or the error. When that did not fit
// the index, those who came after the round need another one: again.
func (p *pending) answer(user string, u *pendingOf, round []*pendingWait, err error) (again bool) {
	p.mu.Lock()
	answered := u.waiting
	if u.full && err == nil {
		answered, u.waiting = round, u.waiting[len(round):]
		again = len(u.waiting) > 0
	} else {
		u.waiting = nil
		for _, w := range answered {
			w.found = u.list(w.key)
		}
	}
	if u.ready = err == nil && !u.full; !u.ready && !again {
		p.drop(user, u)
	}
	p.mu.Unlock()
	for _, w := range answered {
		w.then(w.found, err)
	}
	return again
}

// forget takes out what is no longer pending.
func (p *pending) forget(user string, key uint64, gone map[storage.ID]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.users[user]
	if u == nil || u.full || len(gone) == 0 {
		return
	}
	before := len(u.ids[key])
	ids := slices.DeleteFunc(u.ids[key], func(id storage.ID) bool { return gone[id] })
	if u.ids[key] = ids; len(ids) == 0 {
		delete(u.ids, key)
	}
	u.size -= before - len(ids)
	p.size -= before - len(ids)
}
