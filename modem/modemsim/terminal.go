package modemsim

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ServeTerminal makes a pty with a link to it, calls ready, and hands the other end of the pty to serve each time that a client opens it;
// the reader ends with io.EOF when the client has closed it. It returns nil when ctx is done and the link is gone. Errors: the pty or the link cannot be
// made, or those of serve but io.EOF.
func ServeTerminal(ctx context.Context, path string, ready func(), serve func(context.Context, io.ReadWriter) error) error {
	p, err := openPTY()
	if err != nil {
		return err
	}
	defer p.close()
	if err := link(path, p.name); err != nil {
		return err
	}
	defer unlink(path, p.name)
	ready()
	defer context.AfterFunc(ctx, p.close)() // a read ends
	for ctx.Err() == nil {
		if err := p.awaitClient(ctx); err != nil {
			break
		}
		if err := serve(ctx, visit{ctx, p}); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// awaitClient waits until somebody has the other end open.
func (p *ptyPort) awaitClient(ctx context.Context) error {
	for {
		var fds [1]unix.PollFd
		err := p.raw.Control(func(fd uintptr) {
			fds[0] = unix.PollFd{Fd: int32(fd)}
			_, _ = unix.Poll(fds[:], 0)
		})
		if err != nil {
			return err
		}
		if fds[0].Revents&unix.POLLHUP == 0 {
			p.attached.Store(true)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(reopenPoll):
		}
	}
}

// visit is the pty while one client has it.
type visit struct {
	ctx context.Context
	p   *ptyPort
}

func (v visit) Read(b []byte) (int, error) {
	n, err := v.p.read(b)
	switch {
	case errors.Is(err, unix.EIO):
		if err := v.p.detached(v.ctx); err != nil {
			return n, err
		}
		return n, io.EOF
	case err == nil && n == 0 && len(b) > 0:
		return 0, io.EOF
	case errors.Is(err, os.ErrClosed):
		return n, io.EOF
	}
	return n, err
}

// Write waits for a slow client; what is written without one is lost, as on a wire.
func (v visit) Write(b []byte) (int, error) {
	for rest := v.p.write(b); len(rest) > 0; rest = v.p.write(rest) {
		select {
		case <-v.ctx.Done():
			return len(b) - len(rest), v.ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return len(b), nil
}
