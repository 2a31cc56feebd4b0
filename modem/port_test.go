package modem

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"gsmgate/modem/discover"
)

// somePTY returns the master of a pty and a link to its other end.
func somePTY(t *testing.T) (*os.File, string) {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Skip("no ptys here:", err)
	}
	link := filepath.Join(t.TempDir(), "modem00")
	if err := os.Symlink(slave.Name(), link); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	t.Cleanup(func() { master.Close() })
	return master, link
}

func TestOpenSerial_PTY_RawBothWays(t *testing.T) {
	master, path := somePTY(t)
	port, err := OpenSerial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := port.Write([]byte("AT\r")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 3)
	if _, err := io.ReadFull(master, buf); err != nil || string(buf) != "AT\r" {
		t.Errorf("the modem got %q, %v", buf, err)
	}
	if _, err := master.WriteString("\r\n\x1a"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(port, buf); err != nil || string(buf) != "\r\n\x1a" {
		t.Errorf("we got %q, %v", buf, err)
	}
}

func TestOpenSerial_Taken_Busy(t *testing.T) {
	_, path := somePTY(t)
	port, err := OpenSerial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	var busy *PortBusyError
	if _, err := OpenSerial(t.Context(), path); !errors.As(err, &busy) || busy.PID != os.Getpid() {
		t.Errorf("second opening: %v", err)
	}
	port.Close()
	port, err = OpenSerial(t.Context(), path)
	if err != nil {
		t.Errorf("after Close: %v", err)
	} else {
		port.Close()
	}
}

func TestOpenSerial_ExclusiveElsewhere_Busy(t *testing.T) {
	_, path := somePTY(t)
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.IoctlSetInt(int(f.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	var busy *PortBusyError
	if _, err := OpenSerial(t.Context(), path); !errors.As(err, &busy) {
		t.Errorf("got %v", err)
	}
}

func TestOpenSerial_NotThereOrNoPort_Told(t *testing.T) {
	dir := t.TempDir()
	var absent *PortAbsentError
	if _, err := OpenSerial(t.Context(), filepath.Join(dir, "none")); !errors.As(err, &absent) {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, dir} {
		if _, err := OpenSerial(t.Context(), path); !errors.Is(err, ErrNotSerial) {
			t.Errorf("got %v", err)
		}
	}
	if content, _ := os.ReadFile(file); string(content) != "precious" {
		t.Errorf("the file holds %q now", content)
	}
}

func TestSerialPort_Close_EndsReadAndRefusesWrite(t *testing.T) {
	_, path := somePTY(t)
	port, err := OpenSerial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	end := make(chan error, 1)
	go func() {
		_, err := port.Read(make([]byte, 1))
		end <- err
	}()
	time.Sleep(20 * time.Millisecond) // let it wait; nothing depends on it
	port.Close()
	select {
	case err := <-end:
		if err == nil {
			t.Error("Read gave no error")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read still waits after Close")
	}
	if _, err := port.Write([]byte("AT\r")); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
}

func TestSerialPort_NobodyReads_WriteEnds(t *testing.T) {
	_, path := somePTY(t)
	port, err := OpenSerial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if err := port.(interface{ SetWriteDeadline(time.Time) error }).SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = port.Write(make([]byte, 4096))
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestSerialPort_Unplugged_ReadEnds(t *testing.T) {
	master, path := somePTY(t)
	port, err := OpenSerial(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	master.Close()
	if n, err := port.Read(make([]byte, 1)); err == nil {
		t.Errorf("read %d octets from nothing", n)
	}
}

func TestPortErrors_Hints_SayWhatToDo(t *testing.T) {
	for words, err := range map[string]interface{ Hint() string }{
		"keep ModemManager away: ":     &PortBusyError{Path: "/dev/ttyUSB0", PID: 7, Name: "ModemManager"},
		"fuser /dev/ttyUSB0 shows":     &PortBusyError{Path: "/dev/ttyUSB0"},
		"end that program":             &PortBusyError{Path: "/dev/ttyUSB0", PID: 7, Name: "minicom"},
		"dialout":                      &PortError{"/dev/ttyUSB0", os.ErrPermission},
		"gsmgate modem scan":           &PortError{"/dev/null", ErrNotSerial},
		"usb_modeswitch -v 19d2 -p 20": &StickError{Place{Vendor: "19d2", Product: "2000"}, discover.Storage},
		"HiLink":                       &StickError{Place{}, discover.Network},
		"echo 19d2 0117 > /sys/bus":    &StickError{Place{Vendor: "19d2", Product: "0117"}, discover.Driverless},
	} {
		if got := err.Hint(); !strings.Contains(got, words) {
			t.Errorf("%#v: %q", err, got)
		}
	}
}
