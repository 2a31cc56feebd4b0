package modemsim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// reopenPoll is how often a port that nobody has open looks whether somebody has.
const reopenPoll = 20 * time.Millisecond

// errStale says that a client died with exclusive use of the pty, and that we may not take that off it.
var errStale = errors.New("modemsim: pty left in exclusive use")

// port is the modem's end of what a client opens.
type port interface {
	// label tells one port from another that was at the same path.
	label() string
	// serve reads until the port is closed or ctx is done, and passes on what it reads.
	serve(ctx context.Context, to chan<- chunk)
	// write gives what fits now and returns the rest. Without a client all is lost, as on a wire.
	write(b []byte) (rest []byte)
	// close hangs up: a client that has the other end open hears of it.
	close()
}

// ptyPort is the modem's end of a pty. Nothing else of ours keeps the client's end open, so that a close of the client is seen.
type ptyPort struct {
	master   *os.File
	raw      syscall.RawConn
	name     string // of the client's end
	attached atomic.Bool
	writing  sync.Mutex // a write is before the flush behind a client that has gone, or is lost
	closed   chan struct{}
}

// chunk is what was read at once, and when.
type chunk struct {
	from port
	at   time.Time
	data []byte
	err  error         // the port is of no more use
	seen chan struct{} // closed by who takes it: all before it was answered; may be nil
}

// taken says so to who waits for it.
func (c chunk) taken() {
	if c.seen != nil {
		close(c.seen)
	}
}

func openPTY() (*ptyPort, error) {
	m, s, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("modemsim: open a pty: %w", err)
	}
	defer m.Close()
	defer s.Close()
	if err := makeRaw(int(s.Fd())); err != nil {
		return nil, fmt.Errorf("modemsim: set a pty to raw mode: %w", err)
	}
	// The library leaves its file in blocking mode, in which Close does not end a Read: use a duplicate.
	fd, err := unix.FcntlInt(m.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("modemsim: duplicate a pty: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("modemsim: set a pty non-blocking: %w", err)
	}
	p := &ptyPort{master: os.NewFile(uintptr(fd), m.Name()), name: s.Name(), closed: make(chan struct{})}
	p.raw, err = p.master.SyscallConn()
	if err != nil {
		p.master.Close()
		return nil, fmt.Errorf("modemsim: use a pty: %w", err)
	}
	return p, nil
}

func makeRaw(fd int) error {
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return err
	}
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag = t.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
	return unix.IoctlSetTermios(fd, unix.TCSETS, t)
}

func (p *ptyPort) label() string { return p.name }

// close makes a client that has the other end open read an end of file or EIO.
func (p *ptyPort) close() {
	select {
	case <-p.closed:
	default:
		close(p.closed)
		p.master.Close()
	}
}

func (p *ptyPort) serve(ctx context.Context, to chan<- chunk) {
	buf := make([]byte, 4096)
	for {
		n, err := p.read(buf)
		c := chunk{from: p, at: time.Now(), data: append([]byte(nil), buf[:n]...)}
		if errors.Is(err, unix.EIO) { // nobody has the other end open
			if err = p.answered(ctx, to); err == nil {
				err = p.detached(ctx)
			}
			if err == nil {
				continue
			}
		}
		c.err = err
		select {
		case to <- c:
		case <-ctx.Done():
			return
		case <-p.closed:
			return
		}
		if err != nil {
			return
		}
	}
}

func (p *ptyPort) read(buf []byte) (n int, err error) {
	rawErr := p.raw.Read(func(fd uintptr) bool {
		n, err = unix.Read(int(fd), buf)
		if err == unix.EAGAIN || err == unix.EINTR {
			p.attached.Store(true)
			return false
		}
		return true
	})
	n = max(n, 0)
	if rawErr != nil {
		return n, rawErr
	}
	if err == nil {
		p.attached.Store(true)
	}
	return n, err
}

// detached puts the line right for the next client, the first time, and waits a little.
func (p *ptyPort) detached(ctx context.Context) error {
	if p.attached.Load() {
		if err := p.leave(); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return os.ErrClosed
	case <-time.After(reopenPoll):
		return nil
	}
}

// answered waits until what a client has said before it went was answered.
func (p *ptyPort) answered(ctx context.Context, to chan<- chunk) error {
	if !p.attached.Load() {
		return nil
	}
	last := chunk{from: p, at: time.Now(), seen: make(chan struct{})}
	select {
	case to <- last:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return os.ErrClosed
	}
	select {
	case <-last.seen:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return os.ErrClosed
	}
}

// leave makes all that is yet written be lost, and throws away what was.
func (p *ptyPort) leave() error {
	p.writing.Lock()
	defer p.writing.Unlock()
	p.attached.Store(false)
	return p.tidy()
}

// tidy does what the last close of a serial port does, and of a pty does not: exclusive use ends, unread octets go, settings are as at first.
func (p *ptyPort) tidy() error {
	fd, err := unix.Open(p.name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return errStale
	}
	defer unix.Close(fd)
	if err := unix.IoctlSetInt(fd, unix.TIOCNXCL, 0); err != nil {
		return errStale
	}
	if err := unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH); err != nil {
		return errStale
	}
	return makeRaw(fd)
}

func (p *ptyPort) write(b []byte) (rest []byte) {
	p.writing.Lock()
	defer p.writing.Unlock()
	if !p.attached.Load() {
		return nil
	}
	err := p.raw.Control(func(fd uintptr) {
		for len(b) > 0 {
			n, err := unix.Write(int(fd), b)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				if err != unix.EAGAIN {
					b = nil
				}
				return
			}
			b = b[n:]
		}
	})
	if err != nil {
		return nil
	}
	return b
}
