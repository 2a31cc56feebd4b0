package smpp

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// slowWriter takes each batch when the test asks for it.
type slowWriter struct {
	batches chan []byte
	err     error
}

func (w *slowWriter) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	w.batches <- bytes.Clone(b)
	return len(b), nil
}

func (*slowWriter) SetWriteDeadline(time.Time) error { return nil }

func TestOutbox_GathersWhileWriting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, w, done, ended := NewOutbox(time.Second), &slowWriter{batches: make(chan []byte)}, make(chan struct{}), make(chan error, 1)
		go func() { ended <- o.Run(w, done) }()
		for i := range 5 {
			if err := o.Put(StatusOK, uint32(i+1), &EnquireLink{}); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // the first is being written now
		}
		if first, rest := <-w.batches, <-w.batches; len(first) != HeaderLen || len(rest) != 4*HeaderLen {
			t.Errorf("batches of %d and %d octets", len(first), len(rest))
		}
		close(done)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestOutbox_Full_PutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, w, done := NewOutbox(time.Second), &slowWriter{batches: make(chan []byte)}, make(chan struct{})
		go o.Run(w, done)
		put := 0
		go func() {
			for o.Put(StatusOK, 1, sampleSubmit()) == nil {
				put++
			}
		}()
		synctest.Wait()
		size := len(mustAppend(t, nil, sampleSubmit()))
		if before := put; before*size < maxOutbox || before*size > 2*maxOutbox+2*size {
			t.Errorf("%d PDUs of %d octets went in", before, size)
		}
		before := put
		<-w.batches
		synctest.Wait()
		if put == before {
			t.Error("room was made and Put still waits")
		}
		close(done)
		o.Close(io.ErrClosedPipe) // ends the Put that waits
		<-w.batches
	})
}

func TestOutbox_FinishAfterTheLastPDU(t *testing.T) {
	o, w := NewOutbox(time.Second), &slowWriter{batches: make(chan []byte, 1)}
	if err := o.Put(StatusOK, 1, &UnbindResp{}); err != nil {
		t.Fatal(err)
	}
	o.Finish(io.EOF)
	if err := o.Run(w, nil); err != io.EOF || len(<-w.batches) != HeaderLen {
		t.Error(err)
	}
}

func TestOutbox_BadPDU_LeavesTheOthers(t *testing.T) {
	o, w := NewOutbox(time.Second), &slowWriter{batches: make(chan []byte, 1)}
	_ = o.Put(StatusOK, 1, &EnquireLink{})
	if _, ok := errors.AsType[*Error](o.Put(StatusOK, 2, &QuerySM{MessageID: "\x00"})); !ok {
		t.Error("a bad PDU was taken in")
	}
	_ = o.Put(StatusOK, 3, &EnquireLink{})
	o.Finish(io.EOF)
	_ = o.Run(w, nil)
	if got := <-w.batches; len(got) != 2*HeaderLen || got[15] != 1 || got[31] != 3 {
		t.Errorf("%X", got)
	}
}

func TestOutbox_WriteFails_BatchMayBeOut(t *testing.T) {
	o := NewOutbox(time.Second)
	var first, second uint64
	_ = o.Add(func(dst []byte, batch uint64) ([]byte, error) { first = batch; return append(dst, 1), nil })
	if err := o.Run(&slowWriter{err: io.ErrClosedPipe}, nil); err != io.ErrClosedPipe {
		t.Error(err)
	}
	_ = o.Add(func(dst []byte, batch uint64) ([]byte, error) { second = batch; return append(dst, 2), nil })
	if unwritten := o.Close(io.EOF); first >= unwritten || second < unwritten {
		t.Errorf("batches %d and %d, not written from %d", first, second, unwritten)
	}
	if err := o.Put(StatusOK, 1, &EnquireLink{}); err != io.EOF {
		t.Error(err)
	}
}

func TestOutbox_Put_AllocatesNothing(t *testing.T) {
	o, p := NewOutbox(time.Second), sampleSubmit()
	_ = o.Put(StatusOK, 1, p)
	if n := testing.AllocsPerRun(100, func() {
		o.buf = o.buf[:0]
		_ = o.Put(StatusOK, 1, p)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
