package smpp

import (
	"io"
	"sync"
	"time"
)

// maxOutbox is how many octets may wait for the writer before Put waits too.
const maxOutbox = 256 << 10

// DeadlineWriter is what an Outbox needs of a net.Conn.
type DeadlineWriter interface {
	io.Writer
	SetWriteDeadline(t time.Time) error
}

// Outbox gathers PDUs while the connection is busy, so that many of them share
// one system call and one TLS record; a lone one waits for nothing. Any number
// of goroutines put PDUs in, the one that calls Run writes them. PDUs are encoded
// under its lock, but nothing is written under it.
type Outbox struct {
	limit time.Duration // for one write
	kick  chan struct{}

	mu    sync.Mutex
	room  sync.Cond // the batch was taken, or err was set
	buf   []byte    // the batch that gathers
	batch uint64    // its number, from 1
	err   error     // why nothing more is taken in
	last  error     // what to end with when all is written
}

// NewOutbox returns an Outbox that gives the peer limit for taking in one batch
// of at most 256 KiB, apart from a single larger PDU.
func NewOutbox(limit time.Duration) *Outbox {
	o := &Outbox{batch: 1, kick: make(chan struct{}, 1), limit: limit}
	o.room.L = &o.mu
	return o
}

// Put adds a PDU. While too much waits for the peer it waits too. The error is
// an *Error of the PDU, or that of Close.
func (o *Outbox) Put(status CommandStatus, sequence uint32, p PDU) error {
	return o.Add(func(dst []byte, _ uint64) ([]byte, error) { return Append(dst, status, sequence, p) })
}

// Add lets add append whole PDUs to a batch, whose number it is told. It runs
// under the lock, so it must not wait or call back; when it fails, what it
// returns is left out.
func (o *Outbox) Add(add func(dst []byte, batch uint64) ([]byte, error)) error {
	err := o.add(add)
	o.wake()
	return err
}

func (o *Outbox) add(add func(dst []byte, batch uint64) ([]byte, error)) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.err == nil && len(o.buf) >= maxOutbox {
		o.room.Wait()
	}
	if o.err != nil {
		return o.err
	}
	buf, err := add(o.buf, o.batch)
	if err == nil {
		o.buf = buf
	}
	return err
}

func (o *Outbox) wake() {
	select {
	case o.kick <- struct{}{}:
	default:
	}
}

// Close lets nothing more in, which then hears err, and drops what waits. No
// octet was written of the batch that it returns, and of those after it. It does
// not end Run: the channel given to that does.
func (o *Outbox) Close(err error) (unwritten uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.room.Broadcast()
	return o.batch
}

// Finish makes Run return cause when all that was put before is written.
func (o *Outbox) Finish(cause error) {
	o.mu.Lock()
	o.last = cause
	o.mu.Unlock()
	o.wake()
}

// Run writes batches until done is closed, then it returns nil; or until an
// error of w, or that of Finish, which it returns.
func (o *Outbox) Run(w DeadlineWriter, done <-chan struct{}) error {
	var spare []byte
	for {
		select {
		case <-done:
			return nil
		case <-o.kick:
		}
		batch, last := o.take(spare)
		if err := o.write(w, batch); err != nil {
			return err
		}
		if last != nil {
			return last
		}
		if spare = batch[:0]; cap(spare) > 2*maxOutbox {
			spare = nil // one large message need not stay in memory
		}
	}
}

func (o *Outbox) write(w DeadlineWriter, batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	if err := w.SetWriteDeadline(time.Now().Add(o.limit)); err != nil {
		return err
	}
	_, err := w.Write(batch)
	return err
}

// take swaps the gathered batch for an empty buffer; from now on what is in it
// may be on the wire.
func (o *Outbox) take(spare []byte) (batch []byte, last error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return nil, nil
	}
	batch, o.buf = o.buf, spare
	o.batch++
	o.room.Broadcast()
	return batch, o.last
}
