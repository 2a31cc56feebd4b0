package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Options of Open. The zero value is fit for production.
type Options struct {
	Logger     *slog.Logger     // nil: discard
	NoSync     bool             // tests only: no fsync, a crash may lose the file
	Now        func() time.Time // nil: time.Now
	MaxGroup   int              // operations in one commit at most; 0: 2048
	MaxPending int              // operations that may wait for a commit; 0: 16384
	MaxSize    int64            // bytes of the file at most; 0: no bound on 64-bit machines, 1 GiB on others
}

const (
	defaultGroup   = 2048
	defaultPending = 16384

	// pageSize is fixed, so that a file moves between machines and an SD card
	// is not written in the 16 or 64 KiB pages of some kernels.
	pageSize = 4096

	// lockTimeout outlasts a command that someone runs beside while the gateway
	// starts, and another command.
	lockTimeout = 3 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MaxGroup <= 0 {
		o.MaxGroup = defaultGroup
	}
	if o.MaxPending <= 0 {
		o.MaxPending = defaultPending
	}
	if o.MaxSize <= 0 && strconv.IntSize == 32 {
		o.MaxSize = 1 << 30 // the file is mapped, and addresses are short
	}
	return o
}

// DB is the store. All methods may be called from any goroutine.
type DB struct {
	path     string
	opts     Options
	bolt     *bolt.DB
	codec    codec
	readOnly bool

	queue    queue            // operations that wait for the writer
	finished chan []operation // from the writer to the goroutine that calls done
	stopped  chan struct{}    // closed when both goroutines are gone
	close    func() error     // sync.OnceValue

	users     atomic.Pointer[map[string]User] // replaced, never changed
	sims      table[SIM]
	moFilters table[MOFilter]
	lists     table[PriceList]
	routes    table[Route]
	givenUp   table[givenUp]
	undecoded table[Undecoded]
	channels  table[Channel]
	parked    table[ParkedReport]
	tables    []anyTable // all of them; made once, for each commit goes over them

	mu       sync.RWMutex // over the committed state below; only the writer changes it
	balances map[string]Balance
	queued   queued
	tallies  map[string]Tally // by lane

	// Only touched by Open and the writer.
	nextID  ID
	nextSeq uint64 // of the ledger
	entryAt Time   // of its newest entry
	zones   map[string]*time.Location

	broken   atomic.Pointer[error] // set when the disk left a commit in doubt
	failing  atomic.Pointer[error] // why the last commit failed; nil: it did not
	stats    counters
	testFail func() error // tests: makes a commit fail
}

// Open opens the store at path for reading and writing, creates it when there
// is none and brings an older one to this program's schema. It fails with
// *InUseError, *NewerSchemaError, *CorruptError or the system's error.
func Open(path string, o Options) (*DB, error) {
	db, err := open(path, o.withDefaults(), false, migrations())
	if err != nil {
		return nil, err
	}
	db.start()
	return db, nil
}

// OpenReadOnly opens a store that no process writes to. Operations that
// change something answer ErrReadOnly.
func OpenReadOnly(path string) (*DB, error) {
	return open(path, Options{}.withDefaults(), true, migrations())
}

func open(path string, o Options, readOnly bool, steps []migration) (*DB, error) {
	c, err := newCodec()
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, opts: o, codec: c, readOnly: readOnly}
	db.sims = table[SIM]{bucket: inSIMs, validate: validateSIM}
	db.moFilters = table[MOFilter]{bucket: inMOFilters, validate: validateMOFilter}
	db.givenUp = table[givenUp]{bucket: inGivenUp, validate: validateGivenUp}
	db.undecoded = table[Undecoded]{bucket: inUndecoded, validate: validateUndecoded}
	db.lists = table[PriceList]{bucket: inPriceLists, validate: validatePriceList}
	db.routes = table[Route]{bucket: inRoutes, validate: validateRoute}
	db.channels = table[Channel]{bucket: inChannels, validate: validateChannel}
	db.parked = table[ParkedReport]{bucket: inParked, validate: validateParked}
	db.tables = []anyTable{&db.sims, &db.moFilters, &db.givenUp, &db.undecoded, &db.lists, &db.routes, &db.channels, &db.parked}
	var file *os.File
	err = guard(path, func() error { return db.openFile(&file, steps) })
	if err != nil {
		if db.bolt != nil {
			db.bolt.Close()
		} else if file != nil {
			// bbolt panicked over a damaged page and left it open. Its map of
			// the file stays, and with it the lock, until the process ends.
			file.Close()
		}
		return nil, err
	}
	db.close = sync.OnceValue(db.shut)
	return db, nil
}

func (db *DB) openFile(file **os.File, steps []migration) error {
	_, statErr := os.Stat(db.path)
	opened, err := bolt.Open(db.path, 0o600, &bolt.Options{
		Timeout:         lockTimeout,
		FreelistType:    bolt.FreelistMapType,
		ReadOnly:        db.readOnly,
		PreLoadFreelist: true,
		PageSize:        pageSize,
		InitialMmapSize: initialMap(db.opts.MaxSize),
		MaxSize:         int(db.opts.MaxSize),
		NoSync:          db.opts.NoSync,
		NoStatistics:    true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			*file = f
			return f, err
		},
	})
	if err != nil {
		return openError(db.path, err)
	}
	db.bolt = opened
	if err := db.bolt.View(checkLength); err != nil {
		return &CorruptError{Path: db.path, Cause: err}
	}
	if errors.Is(statErr, os.ErrNotExist) && !db.opts.NoSync {
		// Else the directory may forget a file whose contents are on disk.
		if err := syncDir(filepath.Dir(db.path)); err != nil {
			return err
		}
	}
	if err := db.migrate(steps); err != nil {
		return err
	}
	return db.load()
}

func (db *DB) migrate(steps []migration) error {
	if db.readOnly {
		return db.bolt.View(func(tx *bolt.Tx) error {
			version, err := checkSchema(tx, db.path, len(steps))
			if err == nil && version < len(steps) {
				err = fmt.Errorf("%s has schema version %d, this program reads %d: start the gateway once to migrate it",
					db.path, version, len(steps))
			}
			return err
		})
	}
	from, err := migrate(db.bolt, db.path, steps)
	if err == nil && from > 0 && from < len(steps) {
		db.opts.Logger.Info("store migrated", "from", from, "to", len(steps))
	}
	return err
}

// initialMap is how much address space to map: as long as the file is smaller,
// a long read (a backup) never holds up the writer.
func initialMap(maxSize int64) int {
	if strconv.IntSize == 32 {
		return 1 << 26
	}
	size := int64(1 << 30)
	if maxSize > 0 {
		size = min(size, maxSize)
	}
	return int(size)
}

func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return &InUseError{Path: path}
	case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
		errors.Is(err, bolterrors.ErrVersionMismatch):
		return &CorruptError{Path: path, Cause: err}
	}
	return fmt.Errorf("open store: %w", err)
}

// guard turns the ways in which a damaged file stops bbolt, a panic or a fault
// behind the end of the file, into a *CorruptError.
func guard(path string, f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		cause := fmt.Errorf("%v", r)
		if _, fault := r.(interface{ Addr() uintptr }); fault {
			cause = errors.New("it refers to pages that are not there")
		}
		err = &CorruptError{Path: path, Cause: cause}
	}()
	return f()
}

// checkLength finds a file that was cut off.
func checkLength(tx *bolt.Tx) error {
	info, err := os.Stat(tx.DB().Path())
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return fmt.Errorf("%d octets long, %d expected", info.Size(), tx.Size())
	}
	return nil
}

func syncDir(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// load fills what is kept in memory from the file.
func (db *DB) load() error {
	return db.bolt.View(func(tx *bolt.Tx) error {
		users := map[string]User{}
		db.balances, db.queued = map[string]Balance{}, newQueued()
		next, err := getMeta(tx, metaNextID)
		if err != nil {
			return err
		}
		db.nextID = ID(next)
		if err := db.loadLedgerEnd(tx); err != nil {
			return &CorruptError{Path: db.path, Cause: err}
		}
		if err := db.loadUsers(tx, users); err != nil {
			return &CorruptError{Path: db.path, Cause: err}
		}
		db.users.Store(&users)
		for _, t := range db.tables {
			if err := t.load(tx, db.codec); err != nil {
				return &CorruptError{Path: db.path, Cause: err}
			}
		}
		if err := db.loadTallies(tx.Bucket(inTallies.name())); err != nil {
			return &CorruptError{Path: db.path, Cause: err}
		}
		return db.loadQueued(tx)
	})
}

// loadLedgerEnd finds where the ledger goes on.
func (db *DB) loadLedgerEnd(tx *bolt.Tx) error {
	db.nextSeq = 1
	k, v := tx.Bucket(inLedger.name()).Cursor().Last()
	if len(k) != 8 {
		return nil
	}
	e, err := db.codec.entry(uint64(idOf(k)), v)
	if err != nil {
		return fmt.Errorf("ledger entry %d: %w", e.Seq, err)
	}
	db.nextSeq, db.entryAt = e.Seq+1, e.At
	return nil
}

func (db *DB) start() {
	db.queue.init(db.opts.MaxPending)
	// One group may wait while the done functions of the one before run: with
	// more, answers would lag behind the disk.
	db.finished = make(chan []operation, 1)
	db.stopped = make(chan struct{})
	go db.write()
	go db.finish()
}

// Close finishes what was asked before it, closes the file and releases it to
// other processes. Every later operation gives ErrClosed. It must not be
// called from a done function.
func (db *DB) Close() error { return db.close() }

func (db *DB) shut() error {
	if !db.readOnly {
		db.queue.shut()
		<-db.stopped
	}
	return db.bolt.Close()
}

// Backup writes a consistent copy of the file while work goes on.
func (db *DB) Backup(w io.Writer) error {
	return db.view(func(tx *bolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

// view runs a read transaction.
func (db *DB) view(fn func(tx *bolt.Tx) error) error {
	err := db.bolt.View(fn)
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// User reads the committed copy in memory, without a lock. The slices in it
// are shared: do not change them.
func (db *DB) User(name string) (User, bool) {
	u, ok := (*db.users.Load())[name]
	return u, ok
}

// Balance gives the committed balance; ErrNoUser.
func (db *DB) Balance(name string) (Balance, error) {
	db.mu.RLock()
	defer db.mu.RUnlock()
	b, ok := db.balances[name]
	if !ok {
		return Balance{}, ErrNoUser
	}
	return b, nil
}

// wait runs an operation and waits for its answer or the end of ctx.
func wait[T any](ctx context.Context, start func(done func(T, error))) (T, error) {
	var zero T
	if err := ctx.Err(); err != nil {
		return zero, err
	}
	type answer struct {
		value T
		err   error
	}
	ch := make(chan answer, 1)
	start(func(v T, err error) { ch <- answer{v, err} })
	select {
	case a := <-ch:
		return a.value, a.err
	case <-ctx.Done():
		return zero, ctx.Err()
	}
}
