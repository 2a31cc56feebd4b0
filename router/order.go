package router

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"gsmgate/storage"
)

// What an ordered lane keeps in memory: IDs. The queue itself is on disk.
const (
	chainSize = 256    // messages of one conversation that wait for the one before
	chainRoom = 16_384 // of all conversations together, about
	mostTalks = 10_000 // conversations at once
	mostOpen  = 4_096  // answers that are not on disk
	mostLooks = 2_048  // records that are read to go on with one conversation before others get their turn
)

// inPlace is how often a message is tried before others when the lane cannot
// send. After that it waits by itself, and its conversation with it: the fault
// may be its own.
const inPlace = 3

// line is the queue of an ordered lane as its serving loop sees it: a cursor,
// and the conversations behind the cursor that are not over. A message keeps its
// place in the queue on disk until it ends, so the order outlives the lane.
//
// A message whose conversation is busy joins its chain. What does not fit the
// chain is passed over, and looked for when the chain is empty: one long
// conversation holds up no other.
type line struct {
	run *laneRun
	q   *queue

	// Only touched by the serving loop.
	at   storage.DueKey     // all up to here was looked at
	head []storage.DueEntry // read from disk and not looked at
	next storage.Time       // when the next one falls due that is not yet; 0: none
	left bool               // Takes said no to some
	wake <-chan struct{}    // closed when the queue was kicked

	open  sync.WaitGroup // answers that are not on disk
	freed chan struct{}  // one slot: something below has changed

	mu     sync.Mutex
	talks  map[string]*talk
	known  map[storage.ID]bool // in a chain (false); on its way, or its answer to the disk (true)
	flying int                 // on their way
	opened int                 // answers that are not on disk
	ready  []*talk             // free, with a chain
	gaps   []*talk             // free, without one, and with messages that were passed over
	held   []*talk
	holds  storage.Time // when the first of the held ones is free again; 0: there is none
}

// talk is a conversation: messages of which one is on its way at a time.
type talk struct {
	key   string
	busy  bool         // one is on its way, or the serving loop works on it
	first storage.ID   // which one is or was: the others wait for it
	chain []storage.ID // what comes next, in order
	gap   bool         // some were passed over
	from  storage.DueKey
	until storage.Time // held: nothing is sent before; 0: it is not
	why   string
}

// job is one message to send.
type job struct {
	t *talk
	m *storage.Message
}

func newLine(run *laneRun, q *queue) *line {
	return &line{run: run, q: q, freed: make(chan struct{}, 1), talks: map[string]*talk{}, known: map[storage.ID]bool{}}
}

// serve drains the queue until ctx ends. One lane at a time does.
func (o *line) serve(ctx context.Context) error {
	select {
	case o.q.turn <- struct{}{}:
		defer func() { <-o.q.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	o.run.r.register(o.run, true)
	defer o.run.r.register(o.run, false)
	var hands crew
	defer o.open.Wait()
	defer hands.end()
	slots := make(chan struct{}, o.run.Window)
	for {
		n, err := reserve(ctx, slots)
		if err != nil {
			return err
		}
		jobs, err := o.take(ctx, n)
		for range n - len(jobs) {
			<-slots
		}
		if err != nil {
			return err
		}
		for _, j := range jobs {
			hands.do(func() {
				o.carry(ctx, j)
				<-slots
			})
		}
	}
}

// take waits for up to n messages that may go now.
func (o *line) take(ctx context.Context, n int) ([]job, error) {
	for {
		wait := o.run.restsFor()
		if wait <= 0 {
			jobs, err := o.gather(n)
			if len(jobs) > 0 || err != nil {
				return jobs, err
			}
		}
		if err := o.await(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// await returns when something may have changed; while the lane rests only the
// end of that, or a wake, counts.
func (o *line) await(ctx context.Context, rest time.Duration) error {
	wake, freed := o.wake, o.freed
	if rest > 0 {
		wake, freed = nil, nil
	} else if at := earlier(o.next, o.heldUntil()); at != 0 {
		rest = max(time.Millisecond, at.Time().Sub(o.run.r.o.Now()))
	}
	var timer <-chan time.Time
	if rest > 0 {
		t := time.NewTimer(rest)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-wake:
	case <-freed:
	case <-timer:
	case <-o.run.Wake:
		o.anew()
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func earlier(a, b storage.Time) storage.Time {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (o *line) heldUntil() storage.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.holds
}

// anew forgets why things wait: the far end is another one.
func (o *line) anew() {
	if o.left {
		o.at, o.head, o.left = storage.DueKey{}, nil, false
	}
	o.run.recover()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.release(1<<63 - 1)
}

// release frees what was held until now. Called with the lock held.
func (o *line) release(now storage.Time) {
	if o.holds == 0 || o.holds > now {
		return
	}
	o.holds = 0
	o.held = slices.DeleteFunc(o.held, func(t *talk) bool {
		if t.until > now {
			o.holds = earlier(o.holds, t.until)
			return false
		}
		t.until = 0
		o.free(t)
		return true
	})
}

// free puts a conversation where it is found again, or forgets one that is
// over. Called with the lock held.
func (o *line) free(t *talk) {
	t.busy = false
	switch {
	case len(t.chain) > 0:
		o.ready = append(o.ready, t)
	case t.gap:
		o.gaps = append(o.gaps, t)
	default:
		delete(o.talks, t.key)
	}
}

// gather collects up to n messages that may go at once: first what waited for
// another one, then what was not looked at.
func (o *line) gather(n int) (jobs []job, err error) {
	now := o.run.r.now()
	var low storage.Time
	if low, o.wake = o.q.news(); low != 0 && low <= o.at.At {
		o.at, o.head = storage.DueKey{At: low}, nil // stored later than others of the same time
	}
	n = o.mayGo(n, now)
	for more := true; more && len(jobs) < n && err == nil; {
		var j job
		if j, more, err = o.step(now); j.m != nil {
			jobs = append(jobs, j)
		}
	}
	return jobs, err
}

// mayGo is how many may go now. A lane that was ill tries one first.
func (o *line) mayGo(n int, now storage.Time) int {
	ill := o.run.wasIll()
	o.mu.Lock()
	defer o.mu.Unlock()
	o.release(now)
	switch {
	case o.opened >= mostOpen, ill && o.flying > 0:
		return 0
	case ill:
		return 1
	}
	return n
}

// step makes one step towards the next job; more is false when there is
// nothing left to do.
func (o *line) step(now storage.Time) (j job, more bool, err error) {
	o.mu.Lock()
	ready, gap := pop(&o.ready), (*talk)(nil)
	if ready == nil {
		gap = pop(&o.gaps)
	}
	full := len(o.talks) >= mostTalks
	o.mu.Unlock()
	switch {
	case ready != nil:
		j, err = o.follow(ready, now)
		return j, true, err
	case gap != nil:
		return job{}, true, o.fill(gap, now)
	case full:
		return job{}, false, nil
	}
	return o.look(now)
}

// pop takes the first of a list, nil of an empty one, and marks it as busy.
func pop(list *[]*talk) *talk {
	if len(*list) == 0 {
		return nil
	}
	t := (*list)[0]
	*list = (*list)[1:]
	t.busy = true
	return t
}

// follow takes the next message of a conversation.
func (o *line) follow(t *talk, now storage.Time) (job, error) {
	id := t.chain[0]
	m, err := o.read(id, now)
	o.mu.Lock()
	defer o.mu.Unlock()
	t.chain = t.chain[1:]
	if m == nil {
		delete(o.known, id)
		o.free(t)
		return job{}, err
	}
	return o.fly(t, m), nil
}

// fly says that m is about to be sent. Called with the lock held.
func (o *line) fly(t *talk, m *storage.Message) job {
	t.busy, t.first = true, m.ID
	o.known[m.ID] = true
	o.flying++
	return job{t, m}
}

// read gives a message that may be sent, nil for one that may not.
func (o *line) read(id storage.ID, now storage.Time) (*storage.Message, error) {
	m, err := o.run.r.db.Message(id)
	switch {
	case errors.Is(err, storage.ErrClosed):
		return nil, err
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil:
		o.run.r.log.Error("a message cannot be read", "id", id, "lane", o.run.ID, "err", err)
		return nil, nil
	case ended(m), m.DueAt == 0, m.Queue != o.q.name, m.ExpiresAt != 0 && m.ExpiresAt <= now, len(m.Parts) == 0:
		return nil, nil
	case o.run.r.overtaken(m):
		return nil, nil
	case o.run.Takes != nil && o.run.Takes(m) != "":
		o.left = true // until the lane is woken
		return nil, nil
	}
	return m, nil
}

// look takes the next entry of the queue; more is false at its end.
func (o *line) look(now storage.Time) (j job, more bool, err error) {
	if len(o.head) == 0 {
		if o.head, o.next, err = o.run.r.db.Due(o.q.name, now, o.at, headSize); err != nil || len(o.head) == 0 {
			return job{}, false, err
		}
	}
	e := o.head[0]
	o.head, o.at = o.head[1:], e
	if o.knows(e.ID) {
		return job{}, true, nil
	}
	m, err := o.read(e.ID, now)
	if m == nil {
		return job{}, true, err
	}
	return o.place(m, e), true, nil
}

func (o *line) knows(id storage.ID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, ok := o.known[id]
	return ok
}

// place gives a message to its conversation; it is a job when that is free.
func (o *line) place(m *storage.Message, e storage.DueEntry) job {
	key := o.run.Order(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.talks[key]
	before := storage.DueKey{At: e.At, ID: e.ID - 1}
	switch {
	case t == nil:
		t = &talk{key: key}
		o.talks[key] = t
		return o.fly(t, m)
	case !t.gap && len(t.chain) < o.chainMay():
		t.chain = append(t.chain, m.ID)
		o.known[m.ID] = false
	case !t.gap || after(t.from, before):
		t.gap, t.from = true, before
	}
	return job{}
}

// chainMay is how long a chain may be. Called with the lock held.
func (o *line) chainMay() int {
	if len(o.known) < chainRoom {
		return chainSize
	}
	return 1
}

func after(a, b storage.DueKey) bool { return a.At > b.At || a.At == b.At && a.ID > b.ID }
