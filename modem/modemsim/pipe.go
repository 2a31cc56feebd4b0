package modemsim

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// ErrInUse is the error of Bank.Open for a port that somebody has open.
var ErrInUse = errors.New("modemsim: in use")

// pipeSize bounds what waits in one direction of a pipe; a wire would have lost the rest.
const pipeSize = 64 << 10

// pipePort is the modem's end of a port in memory.
type pipePort struct {
	path string
	in   flow

	mu     sync.Mutex
	client *pipeEnd // nil: nobody has it open
	gone   bool
}

// pipeEnd is the client's end.
type pipeEnd struct {
	port *pipePort
	in   flow
}

func newPipe(path string) *pipePort { return &pipePort{path: path, in: newFlow()} }

func (p *pipePort) label() string { return p.path }

// open makes a client's end; what an earlier client has left unread is gone.
func (p *pipePort) open() (*pipeEnd, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.gone:
		return nil, os.ErrNotExist
	case p.client != nil:
		return nil, ErrInUse
	}
	p.client = &pipeEnd{port: p, in: newFlow()}
	return p.client, nil
}

func (p *pipePort) serve(ctx context.Context, to chan<- chunk) {
	for {
		b, err := p.in.take(ctx.Done(), pipeSize)
		if err != nil {
			return
		}
		select {
		case to <- chunk{from: p, at: time.Now(), data: b}:
		case <-ctx.Done():
			return
		case <-p.in.closed:
			return
		}
	}
}

func (p *pipePort) write(b []byte) (rest []byte) {
	p.mu.Lock()
	client := p.client
	p.mu.Unlock()
	if client == nil {
		return nil
	}
	return b[client.in.put(b):]
}

func (p *pipePort) close() {
	p.mu.Lock()
	p.gone = true
	client := p.client
	p.mu.Unlock()
	p.in.close()
	if client != nil {
		client.in.close()
	}
}

// Read waits for what the modem says; io.EOF once the modem is unplugged, os.ErrClosed after Close.
func (e *pipeEnd) Read(b []byte) (int, error) {
	got, err := e.in.take(nil, len(b))
	if err != nil && !e.port.has(e) {
		err = os.ErrClosed
	}
	return copy(b, got), err
}

// Write never waits.
func (e *pipeEnd) Write(b []byte) (int, error) {
	if !e.port.has(e) {
		return 0, os.ErrClosed
	}
	select {
	case <-e.port.in.closed:
		return 0, io.ErrClosedPipe
	default:
	}
	e.port.in.put(b)
	return len(b), nil
}

func (p *pipePort) has(e *pipeEnd) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.client == e
}

// Close lets another client open the port.
func (e *pipeEnd) Close() error {
	p := e.port
	p.mu.Lock()
	mine := p.client == e
	if mine {
		p.client = nil
	}
	p.mu.Unlock()
	if !mine {
		return os.ErrClosed
	}
	e.in.close()
	return nil
}

// flow is one direction. It has one reader.
type flow struct {
	more   chan struct{} // one slot: look again
	closed chan struct{}
	state  *flowState
}

type flowState struct {
	mu    sync.Mutex
	buf   []byte
	ended bool
}

func newFlow() flow {
	return flow{more: make(chan struct{}, 1), closed: make(chan struct{}), state: &flowState{}}
}

// put takes what there is room for and returns how much that was.
func (f flow) put(b []byte) int {
	f.state.mu.Lock()
	n := min(len(b), pipeSize-len(f.state.buf))
	f.state.buf = append(f.state.buf, b[:n]...)
	f.state.mu.Unlock()
	select {
	case f.more <- struct{}{}:
	default:
	}
	return n
}

// take waits for something and gives at most that much; io.EOF when the flow is closed and empty, or when stop is.
func (f flow) take(stop <-chan struct{}, most int) ([]byte, error) {
	for {
		if b := f.now(most); len(b) > 0 {
			return b, nil
		}
		select {
		case <-f.more:
		case <-stop:
			return nil, io.EOF
		case <-f.closed:
			if b := f.now(most); len(b) > 0 {
				return b, nil
			}
			return nil, io.EOF
		}
	}
}

func (f flow) now(most int) []byte {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	n := min(most, len(f.state.buf))
	b := append([]byte(nil), f.state.buf[:n]...)
	f.state.buf = f.state.buf[n:]
	if len(f.state.buf) == 0 {
		f.state.buf = nil
	}
	return b
}

func (f flow) close() {
	f.state.mu.Lock()
	defer f.state.mu.Unlock()
	if !f.state.ended {
		f.state.ended = true
		close(f.closed)
	}
}
