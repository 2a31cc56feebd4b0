package modem

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/discover"
	"gsmgate/modem/modemsim"
)

// manner is how a stand-in device server behaves.
type manner struct {
	telnet  bool
	refuses bool   // it does not know COM-PORT-OPTION
	silent  bool   // it agrees to the option and answers no setting
	speed   uint32 // it sets this one instead
	binary  bool   // it agrees to binary both ways
	chatty  bool   // it tells of its modem state in between
	loops   bool   // it wishes without end
}

// deviceServer is a stand-in for a device server with a serial port behind it. It shares no code with our client.
type deviceServer struct {
	manner
	ln   net.Listener
	open func() (io.ReadWriteCloser, error)

	mu    sync.Mutex
	conns []net.Conn
	set   map[byte]uint32
}

// serveDevice runs a stand-in until the test ends.
func serveDevice(t *testing.T, m manner, open func() (io.ReadWriteCloser, error)) *deviceServer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &deviceServer{manner: m, ln: ln, open: open, set: map[byte]uint32{}}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			all.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { ln.Close(); s.cut(); all.Wait() })
	return s
}

func (s *deviceServer) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.Close()
	}
	s.conns = nil
}

func (s *deviceServer) setting(what byte) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set[what]
}

func (s *deviceServer) serve(conn net.Conn) {
	defer conn.Close()
	port, err := s.open()
	if err != nil {
		return
	}
	defer port.Close()
	var back sync.WaitGroup
	defer back.Wait()
	defer port.Close()
	back.Go(func() {
		defer conn.Close()
		buf := make([]byte, 512)
		for {
			n, err := port.Read(buf)
			if err != nil {
				return
			}
			out := buf[:n]
			if s.telnet {
				out = bytes.ReplaceAll(out, []byte{255}, []byte{255, 255})
				if !s.binary {
					out = bytes.ReplaceAll(out, []byte("\r"), []byte("\r\x00"))
				}
			}
			if s.chatty { // NOTIFY-MODEMSTATE
				out = append([]byte{255, 250, 44, 107, 0xB0, 255, 240}, out...)
			}
			if _, err := conn.Write(out); err != nil {
				return
			}
		}
	})
	if s.telnet {
		s.speak(conn, port)
		return
	}
	_, _ = io.Copy(port, conn)
}

// speak takes octet by octet what the client sends.
func (s *deviceServer) speak(conn net.Conn, port io.Writer) {
	next := func() byte {
		var b [1]byte
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			panic(io.EOF)
		}
		return b[0]
	}
	defer func() { _ = recover() }()
	if s.loops {
		for i := 0; ; i++ {
			if _, err := conn.Write([]byte{255, []byte{251, 252}[i%2], 0}); err != nil {
				return
			}
		}
	}
	for {
		c := next()
		if c == 0 && !s.binary {
			continue
		}
		if c != 255 {
			_, _ = port.Write([]byte{c})
			continue
		}
		switch c = next(); c {
		case 255:
			_, _ = port.Write([]byte{255})
		case 250:
			s.sub(conn, next)
		case 251: // WILL
			option := next()
			yes := option == 44 && !s.refuses || option == 3 || option == 0 && s.binary
			_, _ = conn.Write([]byte{255, map[bool]byte{true: 253, false: 254}[yes], option})
		case 253: // DO
			option := next()
			yes := option == 3 || option == 0 && s.binary
			_, _ = conn.Write([]byte{255, map[bool]byte{true: 251, false: 252}[yes], option})
		case 252, 254:
			next()
		}
	}
}

func (s *deviceServer) sub(conn net.Conn, next func() byte) {
	var all []byte
	for {
		c := next()
		if c == 255 {
			if c = next(); c == 240 {
				break
			}
		}
		all = append(all, c)
	}
	what, value := all[1], all[2:]
	n := uint32(value[0])
	if what == 1 {
		n = binary.BigEndian.Uint32(value)
		if s.speed != 0 {
			value = binary.BigEndian.AppendUint32(nil, s.speed)
		}
	}
	s.mu.Lock()
	s.set[what] = n
	s.mu.Unlock()
	if !s.silent {
		out := append([]byte{255, 250, 44, what + 100}, bytes.ReplaceAll(value, []byte{255}, []byte{255, 255})...)
		_, _ = conn.Write(append(out, 255, 240))
	}
}

// mirror is a port that sends back what it gets.
func mirror() (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go func() {
		_, _ = io.Copy(b, b)
		b.Close()
	}()
	return a, nil
}

// void is a port that takes all and says nothing.
func void() (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go func() {
		_, _ = io.Copy(io.Discard, b)
		b.Close()
	}()
	return a, nil
}

func TestNetworkModem_EachManner_AllOctetsBothWays(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]manner{
		"raw": {}, "rfc2217": {telnet: true, binary: true}, "with states between": {telnet: true, binary: true, chatty: true},
		"not binary": {telnet: true}, "no settings": {telnet: true, binary: true, refuses: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serveDevice(t, m, mirror)
			place := "tcp://" + s.ln.Addr().String()
			if m.telnet {
				place = "rfc2217://" + s.ln.Addr().String() + "?baud=65535" // 0x0000FFFF: IAC in the value
			}
			port, err := (&Finder{}).Open(t.Context(), place)
			if err != nil {
				t.Fatal(err)
			}
			defer port.Close()
			var want []byte
			for i := range 256 {
				if m.telnet && !m.binary && i == 0 {
					continue // NUL has no place on such a line
				}
				want = append(want, byte(i))
			}
			for range 3 {
				if n, err := port.Write(want); n != len(want) || err != nil {
					t.Fatalf("wrote %d, %v", n, err)
				}
				got := make([]byte, len(want))
				if _, err := io.ReadFull(port, got); err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%v, got %q", err, got)
				}
			}
			if at := port.(interface{ Place() Place }).Place(); at.Node != place || at.Interface != -1 {
				t.Errorf("place %+v", at)
			}
			if m.telnet && !m.refuses && (s.setting(1) != 65535 || s.setting(2) != 8 || s.setting(3) != 1 || s.setting(4) != 1) {
				t.Errorf("set: %v", s.set)
			}
		})
	}
}

func TestNetworkModem_Useless_Told(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	for name, c := range map[string]struct {
		place string
		words string
	}{
		"nobody":      {"tcp://" + nobody.Addr().String(), "refused"},
		"other speed": {"rfc2217://" + serveDevice(t, manner{telnet: true, binary: true, speed: 9600}, mirror).ln.Addr().String(), "sets speed 9600, not 115200"},
		"no telnet":   {"rfc2217://" + serveDevice(t, manner{}, void).ln.Addr().String(), "does not answer"},
		"loop":        {"rfc2217://" + serveDevice(t, manner{telnet: true, loops: true}, mirror).ln.Addr().String(), "without end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			port, err := (&Finder{}).Open(t.Context(), c.place)
			var unreached *UnreachableError
			if !errors.As(err, &unreached) || !strings.Contains(err.Error(), c.words) || unreached.Hint() == "" {
				t.Errorf("got %v", err)
			}
			if err == nil {
				port.Close()
			}
		})
	}
}

func TestRFC2217_NoAnswerToSettings_Used(t *testing.T) {
	t.Parallel()
	s := serveDevice(t, manner{telnet: true, binary: true, silent: true}, mirror)
	port, err := (&Finder{}).Open(t.Context(), "rfc2217://"+s.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	port.Close()
	if s.setting(1) != 115200 {
		t.Errorf("set: %v", s.set)
	}
}

func TestRFC2217_CancelledWhileNegotiating_EndsAtOnce(t *testing.T) {
	t.Parallel()
	s := serveDevice(t, manner{}, void)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := (&Finder{}).Open(ctx, "rfc2217://"+s.ln.Addr().String()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestNetworkModem_Bank_SendsAndComesBackAfterACut(t *testing.T) {
	t.Parallel()
	for scheme, m := range map[string]manner{"tcp": {}, "rfc2217": {telnet: true, binary: true, chatty: true}} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			sim, err := modemsim.New(modemsim.Config{Count: 1, Dir: t.TempDir()})
			if err != nil {
				t.Skip(err)
			}
			s := serveDevice(t, m, func() (io.ReadWriteCloser, error) { return OpenSerial(context.Background(), sim.Paths()[0]) })
			h := newMemory()
			h.modem = make(chan *Modem, 16)
			f := &Finder{Root: discover.Under(t.TempDir())}
			place := scheme + "://" + s.ln.Addr().String()
			b := NewBank(Config{Ports: []string{place}, Open: f.Open, Handler: h, AT: quick()})
			ctx, cancel := context.WithCancel(context.Background())
			var all sync.WaitGroup
			all.Go(func() { _ = sim.Run(ctx) })
			all.Go(func() { _ = b.Run(ctx) })
			defer all.Wait()
			defer cancel()
			bank := &simulated{Bank: b, sim: sim, h: h}
			for i, text := range []string{"over the net", "and again"} {
				within(t, "ready", func() bool { got := b.Modems()[0]; return got.State == Ready && got.Sessions > uint64(i) })
				mr, err := bank.modems[0].Submit(t.Context(), submitOf(t, "+31600000000", text))
				if err != nil || bank.arrived(text) != 1 {
					t.Errorf("%s: %v, arrived %d times", text, err, bank.arrived(text))
				}
				// It comes again when the cut is quicker than its acknowledgement.
				within(t, "report", func() bool { return slices.Contains(h.list(), fmt.Sprintf("report %d", mr)) })
				s.cut()
			}
			if got := b.Modems()[0]; got.Place.Node != place || got.IMEI != sim.Modem(0).IMEI() {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// FuzzTelnet gives the decoder a stream in two cuts: it must say the same, keep its bounds, and give back what was escaped.
func FuzzTelnet(f *testing.F) {
	f.Add([]byte("\r\nOK\r\n"), 3)
	f.Add([]byte{255, 253, 44, 255, 250, 44, 101, 0, 1, 194, 0, 255, 240, 'A', 'T', '\r', 0}, 5)
	f.Add([]byte{255, 250, 44, 107, 255, 255, 255, 240, 255, 255}, 7)
	f.Add([]byte{255, 251, 1, 255, 253, 24, 255, 254, 44, 255, 252, 0}, 1)
	f.Add(bytes.Repeat([]byte{255, 251, 0, 255, 252, 0}, 900), 100)
	f.Fuzz(func(t *testing.T, in []byte, cut int) {
		whole, halves := newTelnetDecoder(), newTelnetDecoder()
		a := whole.feed(in, nil)
		if cut < 0 || cut > len(in) {
			cut = len(in) / 2
		}
		b := halves.feed(in[cut:], halves.feed(in[:cut], nil))
		if !bytes.Equal(a, b) || !bytes.Equal(whole.replies, halves.replies) {
			t.Fatalf("whole %q %v, in two %q %v", a, whole.replies, b, halves.replies)
		}
		if len(a) > len(in) || len(whole.sub) > maxSub || len(whole.replies) > maxReplies {
			t.Fatalf("%d octets of %d, sub %d, replies %d", len(a), len(in), len(whole.sub), len(whole.replies))
		}
		plain := newTelnetDecoder()
		plain.them[optBinary] = true
		if got := plain.feed(escapeIAC(nil, in), nil); !bytes.Equal(got, in) {
			t.Fatalf("escaped %q came back as %q", in, got)
		}
		nvt := newTelnetDecoder()
		if got := nvt.feed(crNUL(escapeIAC(nil, in)), nil); !bytes.Equal(got, in) && !slices.Contains(in, 0) {
			t.Fatalf("%q came back as %q", in, got)
		}
	})
}
