package esmechan

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// inBubble runs f with a gateway and its provider in a bubble of testing/synctest:
// hours go by in milliseconds. What joins them is in memory.
func inBubble(t *testing.T, conf smppsim.SMSCConfig, change func(*storage.SMPPChannel), f func(t *testing.T, p *post)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := storagetest.OpenAt(t, filepath.Join(t.TempDir(), "store"), storage.Options{NoSync: true})
		w := newWire()
		p := postOver(t, db, w, w.dial, conf, func(r *storage.SMPPChannel) {
			if r.Address = "provider.example:2775"; change != nil {
				change(r)
			}
		})
		f(t, p)
	})
}

// wire is a listener whose connections are pipes.
type wire struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (w *wire) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case w.conns <- far:
		return near, nil
	case <-w.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 2775} }

// after lets d go by, and all that follows of it be done.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
