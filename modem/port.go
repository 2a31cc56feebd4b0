package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// Opener opens the port of a modem. The engine closes what it returns; Close must end a Read and a Write that wait.
type Opener func(ctx context.Context, path string) (io.ReadWriteCloser, error)

// PortAbsentError says that nothing is at the path.
type PortAbsentError struct{ Path string }

func (e *PortAbsentError) Error() string { return e.Path + ": no such port" }

// PortBusyError says that another program has the port.
type PortBusyError struct {
	Path string
	PID  int    // 0 when it could not be found
	Name string // of the program; "" when it could not be found
}

func (e *PortBusyError) Error() string {
	if e.PID == 0 {
		return e.Path + ": in use by another program"
	}
	return fmt.Sprintf("%s: in use by %s (process %d)", e.Path, e.Name, e.PID)
}

// Hint says what ends it. Whoever cannot be seen, as from a service that sees its own processes alone, is ModemManager mostly.
func (e *PortBusyError) Hint() string {
	const rule = "install systemd/60-gsmgate.rules as a udev rule and plug the modem in again, or systemctl disable --now ModemManager"
	switch e.Name {
	case "ModemManager":
		return "keep ModemManager away: " + rule
	case "":
		return "fuser " + e.Path + " shows by which; if it is ModemManager, " + rule
	}
	return "end that program, or give the gateway another port"
}

// PortError says that a port cannot be used: no permission, or not a serial port.
type PortError struct {
	Path string
	Err  error
}

func (e *PortError) Error() string { return e.Path + ": " + e.Err.Error() }
func (e *PortError) Unwrap() error { return e.Err }

// Hint says what ends it.
func (e *PortError) Hint() string {
	switch {
	case errors.Is(e.Err, fs.ErrPermission):
		return "the gateway's user must be in the group that owns the device, which mostly is dialout"
	case errors.Is(e.Err, ErrNotSerial):
		return "gsmgate modem scan shows the serial ports that there are, such as /dev/ttyUSB0"
	}
	return "look into the kernel's log (dmesg)"
}

// ErrNotSerial is the Err of a [PortError] for a path that is something else.
var ErrNotSerial = errors.New("not a serial port")

// baud is the speed set; USB modems and ptys do not care.
const baud = 115200

// OpenSerial opens a serial port, 115200 8N1 raw, for us alone. Errors: *PortAbsentError, *PortBusyError, *PortError.
//
// The line is set by go.bug.st/serial, and the octets go through an os.File: its poller has no limit on descriptor numbers, ends reads
// and writes on Close, has deadlines, and cannot write into a descriptor that has become another file's.
func OpenSerial(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, openError(path, err)
	}
	p := &serialPort{File: f, pty: isPTY(path)}
	if err := p.claim(path); err != nil {
		f.Close()
		return nil, err
	}
	return p, nil
}

// serialPort is an open port that is ours.
type serialPort struct {
	*os.File
	pty   bool
	alone bool // TIOCEXCL is set
}

// claim makes the port ours and sets the line.
func (p *serialPort) claim(path string) error {
	if p.taken() || lockedByFile(path) {
		return busy(path)
	}
	line, err := serial.Open(path, &serial.Mode{BaudRate: baud, DataBits: 8, Parity: serial.NoParity, StopBits: serial.OneStopBit})
	if err != nil {
		return openError(path, err)
	}
	if err := line.Close(); err != nil {
		return &PortError{path, err}
	}
	return p.control(func(fd int) error {
		_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIFLUSH) // what an earlier session left unread
		if !p.pty {                                          // a pty keeps the mark past our death, for its other end holds it open
			p.alone = unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) == nil
		}
		return nil
	})
}

// taken tells whether somebody has the port: by TIOCEXCL, which does not stop root from opening, or by flock, which we then hold.
func (p *serialPort) taken() bool {
	err := p.control(func(fd int) error {
		if exclusive, err := unix.IoctlGetInt(fd, unix.TIOCGEXCL); err == nil && exclusive != 0 {
			return unix.EBUSY
		}
		return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
	})
	return errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EWOULDBLOCK)
}

func (p *serialPort) control(fn func(fd int) error) error {
	raw, err := p.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	if err := raw.Control(func(fd uintptr) { inner = fn(int(fd)) }); err != nil {
		return err
	}
	return inner
}

// Close gives the port back.
func (p *serialPort) Close() error {
	if p.alone {
		_ = p.control(func(fd int) error { return unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) })
	}
	return p.File.Close()
}

func openError(path string, err error) error {
	var known *serial.PortError
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV), errors.Is(err, unix.EIO):
		return &PortAbsentError{path}
	case errors.Is(err, unix.EBUSY):
		return busy(path)
	case errors.Is(err, fs.ErrPermission):
		return &PortError{path, fs.ErrPermission}
	case errors.Is(err, unix.EISDIR):
		return &PortError{path, ErrNotSerial}
	case !errors.As(err, &known):
		return &PortError{path, err}
	}
	switch known.Code() {
	case serial.PortBusy:
		return busy(path)
	case serial.PermissionDenied:
		return &PortError{path, fs.ErrPermission}
	}
	return &PortError{path, ErrNotSerial}
}

// busy finds out who has the port.
func busy(path string) error {
	e := &PortBusyError{Path: path}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return e
	}
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		if to, err := os.Readlink(link); err != nil || to != real {
			continue
		}
		pid, _ := strconv.Atoi(strings.Split(link, "/")[2])
		if e.PID == 0 || e.PID == os.Getpid() {
			e.PID, e.Name = pid, programName(pid)
		}
	}
	return e
}

func programName(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return "a program that has just ended"
	}
	return strings.TrimSpace(string(name))
}

// lockedByFile looks for the lock file that older serial programs write, and for the life of the process in it.
func lockedByFile(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || isPTY(path) {
		return false
	}
	content, err := os.ReadFile("/var/lock/LCK.." + filepath.Base(real))
	if err != nil {
		return false
	}
	word, _, _ := strings.Cut(strings.TrimSpace(string(content)), " ")
	pid, err := strconv.Atoi(word)
	return err == nil && pid > 0 && pid != os.Getpid() && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

func isPTY(path string) bool {
	real, err := filepath.EvalSymlinks(path)
	return err == nil && strings.HasPrefix(real, "/dev/pts/")
}
