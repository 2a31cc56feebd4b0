package storage

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"
)

// Options of Open. The zero value is fit for production.
type Options struct {
	Logger     *slog.Logger     // nil: discard
	NoSync     bool             // tests only: no fsync, a crash may lose the file
	Now        func() time.Time // nil: time.Now
	MaxGroup   int              // operations in one commit at most; 0: 2048
	MaxPending int              // operations that may wait for a commit; 0: 65536
	MaxSize    int64            // bytes of the file at most; 0: no bound on 64-bit machines, 1 GiB on others
}

// DB is the store. All methods may be called from any goroutine.
type DB struct{}

// Open opens the store at path for reading and writing, creates it when there
// is none and brings an older one to this program's schema. It fails with
// *InUseError, *NewerSchemaError, *CorruptError or the system's error.
func Open(path string, o Options) (*DB, error) { return nil, errStub }

// OpenReadOnly opens a store that no process writes to. Operations that
// change something answer ErrReadOnly.
func OpenReadOnly(path string) (*DB, error) { return nil, errStub }

// Close finishes what was asked before it, closes the file and releases it to
// other processes. Every later operation gives ErrClosed.
func (db *DB) Close() error { return errStub }

// Check reads the whole file and gives what is wrong with it, many findings
// joined (a bounded number).
func (db *DB) Check(ctx context.Context) error { return errStub }

// Backup writes a consistent copy of the file while work goes on.
func (db *DB) Backup(w io.Writer) error { return errStub }

// Stats gives counters since Open.
func (db *DB) Stats() Stats { return Stats{} }

// Stats counts what the writer did since Open.
type Stats struct {
	Commits                 uint64 // transactions on disk
	Failed                  uint64 // transactions that could not be written
	Operations              uint64 // operations in those that could
	Refused                 uint64 // operations answered ErrBusy
	Pending                 int    // operations that wait now
	LargestGroup, LastGroup int
	Bytes                   uint64 // written to the file
	FileSize                int64
}

// --- messages

// Accept stores m, gives it an ID and holds m.Held of m.User's credit, in one
// commit. m belongs to the DB until done is called; m.ID is set by then.
//
// Errors: ErrNoUser, ErrNoCredit, *DuplicateError, ErrInvalid, ErrBusy,
// ErrClosed, or that of the disk. What cannot even be queued (ErrBusy,
// ErrClosed, ErrInvalid) is answered before Accept returns, on the caller's
// goroutine.
func (db *DB) Accept(m *Message, done func(ID, error)) { done(0, errStub) }

// AcceptSync is Accept that waits. When ctx ends first, the message may still
// be stored.
func (db *DB) AcceptSync(ctx context.Context, m *Message) (ID, error) { return 0, errStub }

// Change hands fn a copy of the message inside the transaction; what fn makes
// of it is stored, and more is accepted with it in the same commit. When fn
// fails nothing of it is stored and done gets fn's error. fn runs on the
// writer's goroutine: it must be short and must not call the DB. now is the
// transaction's clock.
//
// Money follows from Held and Spent: Held falls and Spent rises by x: x spent;
// Held falls alone: refunded; Held rises: held.
//
// Errors: ErrNotFound, those of fn and those of Accept.
func (db *DB) Change(id ID, fn func(m *Message, now Time) (more []*Message, err error), done func(*Message, error)) {
	done(nil, errStub)
}

// ChangeSync is Change that waits. When ctx ends first, the change may still
// be made.
func (db *DB) ChangeSync(ctx context.Context, id ID, fn func(m *Message, now Time) (more []*Message, err error)) (*Message, error) {
	return nil, errStub
}

// Remove forgets a message that holds no credit, with its dedupe keys. The
// ledger keeps its entries.
func (db *DB) Remove(id ID, done func(error)) { done(errStub) }

// Message reads one message; ErrNotFound.
func (db *DB) Message(id ID) (*Message, error) { return nil, errStub }

// DueKey is a place in a queue.
type DueKey struct {
	At Time
	ID ID
}

// DueEntry is a message that waits in a queue.
type DueEntry = DueKey

// Due gives up to max messages of the queue that are due at now, oldest first,
// from the place after `after` (zero: from the start). next is the At of the
// first entry that was not given: later than now, or not when max cut the list
// short; 0 when there is none.
func (db *DB) Due(queue string, now Time, after DueKey, max int) (entries []DueEntry, next Time, err error) {
	return nil, 0, errStub
}

// Overdue gives up to max messages whose Deadline is now or earlier, oldest
// first; next as with Due.
func (db *DB) Overdue(now Time, max int) (ids []ID, next Time, err error) { return nil, 0, errStub }

// Trying gives the messages with a part in PartTrying: after a crash, those
// whose outcome is unknown.
func (db *DB) Trying() ([]ID, error) { return nil, errStub }

// PartRef names a part of a message.
type PartRef struct {
	ID   ID
	Part int // index in Message.Parts
	Ref  string
}

// MatchReport gives up to max parts that await a report from lane under match,
// newest message first.
func (db *DB) MatchReport(lane, match string, max int) ([]PartRef, error) { return nil, errStub }

// Filter picks messages; zero fields pick all.
type Filter struct {
	User   string
	State  *State
	Queue  string
	Kind   Kind
	Before ID  // older than this one
	Limit  int // 0: 100
}

// Messages gives messages, newest first.
func (db *DB) Messages(f Filter) ([]*Message, error) { return nil, errStub }

// Queued counts the messages that wait in a queue, due or not yet.
func (db *DB) Queued(queue string) int { return 0 }

// Queues counts the messages of every queue that has some.
func (db *DB) Queues() map[string]int { return nil }

// --- segments

// Segment stores s, then acknowledges it. With the last missing segment of its
// set, assemble makes the message of them, in order of Number; the message is
// accepted and the segments go in the same commit. complete is its ID, or 0
// while others are missing.
//
// A segment seen before gives *DuplicateError: the caller acknowledges it
// again. One that has a place taken by other content starts a new set; the old
// set stays for StaleSegments.
func (db *DB) Segment(s Segment, assemble func([]Segment) (*Message, error), done func(complete ID, err error)) {
	done(0, errStub)
}

// StaleSegments gives up to max incomplete sets that got nothing since before.
func (db *DB) StaleSegments(before Time, max int) ([][]Segment, error) { return nil, errStub }

// AssembleStale delivers what there is of the set that holds first (any of its
// segments) as Segment does for a complete one. ErrNotFound: it is complete by
// now, or was delivered.
func (db *DB) AssembleStale(first Segment, assemble func([]Segment) (*Message, error), done func(ID, error)) {
	done(0, errStub)
}

// --- users and money

// PutUser creates a user with no credit (ErrExists), or replaces one
// (ErrNotFound).
func (db *DB) PutUser(ctx context.Context, u User, create bool) error { return errStub }

// User reads the committed copy in memory, without a lock. The slices in it
// are shared: do not change them.
func (db *DB) User(name string) (User, bool) { return User{}, false }

// Users gives all users by name.
func (db *DB) Users() []User { return nil }

// Balance gives the committed balance; ErrNoUser.
func (db *DB) Balance(name string) (Balance, error) { return Balance{}, errStub }

// Grant tops up, or corrects downwards when amount is negative; ErrNoUser,
// ErrNoCredit when less than 0 would be available.
func (db *DB) Grant(ctx context.Context, name string, amount Millicredits, note string) (Balance, error) {
	return Balance{}, errStub
}

// LedgerFilter picks entries; zero fields pick all.
type LedgerFilter struct {
	User    string
	Message ID
	After   uint64 // entries with a higher Seq
	Limit   int    // 0: 100
}

// Ledger gives entries, oldest first.
func (db *DB) Ledger(f LedgerFilter) ([]Entry, error) { return nil, errStub }

var errStub = errors.New("not written yet")
