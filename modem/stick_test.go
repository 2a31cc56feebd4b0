package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"gsmgate/modem/pdu"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stick is a modem in a test's hand: a table of answers, some state, and a list of what it heard. The simulator in modemsim knows more;
// this one does exactly what a test says.
type stick struct {
	mu      sync.Mutex
	answers map[string]string // by command; "-" for silence
	hook    func(command string) (answer string, mine bool)
	heard   []string
	mr      int
	deaf    bool
	gone    bool // Open fails with a PortAbsentError
	echo    bool
	opened  int
	conn    net.Conn
}

func newStick() *stick {
	return &stick{answers: map[string]string{
		"AT+CGMI": "ACME", "AT+CGMM": "M1", "AT+CGMR": "1.0", "AT+CGSN": "490154203237518", "AT+CPIN?": "+CPIN: READY",
		"AT+CCID": "+CCID: 8931084600000000001", "AT+CIMI": "204080000000001", "AT+CNUM": `+CNUM: "","+31653000001",145`,
		"AT+CSCA?": `+CSCA: "+31653131313",145`, "AT+CSMS=1": "+CSMS: 1,1,1", "AT+CPMS=?": `+CPMS: ("SM","ME"),("SM","ME"),("SM","ME")`,
		`AT+CPMS="SM"`: "+CPMS: 0,20,0,20,0,20", `AT+CPMS="ME"`: "+CPMS: 0,10,0,20,0,20", `AT+CPMS="SM","SM","SM"`: "+CPMS: 0,20,0,20,0,20",
		"AT+CNMI=?": "+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)", "AT+CREG?": "+CREG: 1,1", "AT+CEREG?": "ERROR", "AT+CEREG=1": "ERROR",
		"AT+CSQ": "+CSQ: 21,99", "AT+COPS?": `+COPS: 0,0,"KPN"`, "AT+CMEE?": "+CMEE: 1", "AT+CMGF?": "+CMGF: 0", "AT+CFUN?": "+CFUN: 1",
	}}
}

// open is the stick's Opener.
func (k *stick) open(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened++
	if k.gone {
		return nil, &PortAbsentError{path}
	}
	ours, theirs := net.Pipe()
	k.conn = theirs
	go k.serve(theirs)
	return ours, nil
}

func (k *stick) serve(conn net.Conn) {
	buf, line, inPDU := make([]byte, 512), "", false
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		for _, b := range buf[:n] {
			var out string
			switch {
			case b == 0x1b:
				line, inPDU = "", false
				continue
			case b == 0x1a && inPDU:
				out, line, inPDU = k.answer(line+"^Z"), "", false
			case b == '\r' && !inPDU:
				out, line = k.answer(line), ""
				inPDU = strings.HasSuffix(out, "> ")
			default:
				line += string(rune(b))
				continue
			}
			_, _ = conn.Write([]byte(out))
		}
	}
}

// answer finds the answer to a command, or to a PDU that ends with ^Z.
func (k *stick) answer(command string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.deaf {
		return ""
	}
	k.heard = append(k.heard, command)
	echo := ""
	if k.echo && !strings.HasSuffix(command, "^Z") {
		echo = command + "\r"
	}
	if k.hook != nil {
		if out, mine := k.hook(command); mine {
			return echo + form(out)
		}
	}
	if out, ok := k.answers[command]; ok {
		return echo + form(out)
	}
	switch {
	case strings.HasPrefix(command, "AT+CMGS="):
		return echo + "\r\n> "
	case strings.HasSuffix(command, "^Z"):
		k.mr++
		return form(fmt.Sprintf("+CMGS: %d", k.mr&0xFF))
	case strings.HasPrefix(command, "ATE0"):
		k.echo = false
	}
	return echo + form("OK")
}

// form puts line ends around the lines of an answer, and the final result under it.
func form(out string) string {
	switch {
	case out == "-":
		return ""
	case out == "ERROR" || strings.HasPrefix(out, "+CM") && strings.Contains(out, " ERROR"):
	case out == "OK":
	default:
		out += "\n\nOK"
	}
	return "\r\n" + strings.ReplaceAll(out, "\n", "\r\n") + "\r\n"
}

// say makes the stick speak by itself.
// port is the stick's end of the line, nil before it was opened.
func (k *stick) port() net.Conn {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.conn
}

func (k *stick) say(lines ...string) {
	_, _ = k.port().Write([]byte("\r\n" + strings.Join(lines, "\r\n") + "\r\n"))
}

func (k *stick) set(change func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change()
}

func (k *stick) openings() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.opened
}

func (k *stick) count(command string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, h := range k.heard {
		if h == command {
			n++
		}
	}
	return n
}

// order tells at which places the commands were heard first, -1 for never.
func (k *stick) order(commands ...string) []int {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []int
	for _, c := range commands {
		out = append(out, slices.Index(k.heard, c))
	}
	return out
}

// memory is a Handler that keeps what it gets.
type memory struct {
	mu      sync.Mutex
	refuse  error
	got     []string // "deliver FROM TEXT", "report MR", "undecoded LINE"
	sims    []SIM
	ready   int
	leaving time.Duration // how long Ready takes to return
	modem   chan *Modem
}

func newMemory() *memory { return &memory{modem: make(chan *Modem, 16)} }

func (h *memory) Ready(ctx context.Context, m *Modem) {
	h.mu.Lock()
	h.ready++
	leaving := h.leaving
	h.mu.Unlock()
	select {
	case h.modem <- m:
	default:
	}
	<-ctx.Done()
	time.Sleep(leaving)
	h.mu.Lock()
	h.ready--
	h.mu.Unlock()
}

func (h *memory) keep(sim SIM, what string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.refuse != nil {
		return h.refuse
	}
	h.got, h.sims = append(h.got, what), append(h.sims, sim)
	return nil
}

func (h *memory) Deliver(_ context.Context, sim SIM, d *pdu.Deliver) error {
	return h.keep(sim, "deliver "+d.OA.String()+" "+d.Text())
}

func (h *memory) StatusReport(_ context.Context, sim SIM, r *pdu.StatusReport) error {
	return h.keep(sim, fmt.Sprintf("report %d", r.MR))
}

func (h *memory) Undecoded(_ context.Context, sim SIM, raw string, _ error) error {
	return h.keep(sim, "undecoded "+raw)
}

func (h *memory) setRefusal(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuse = err
}

func (h *memory) list() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// bankOf runs fn with a bank of the sticks, in a bubble; paths are /dev/stick0 …
func bankOf(t *testing.T, cfg Config, fn func(t *testing.T, b *Bank, h *memory), sticks ...*stick) {
	t.Helper()
	byPath := map[string]*stick{}
	for i, k := range sticks {
		byPath[fmt.Sprintf("/dev/stick%d", i)] = k
	}
	bankOpen(t, cfg, func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
		return byPath[path].open(ctx, path)
	}, fn, sticks...)
}

// bankOpen is bankOf with an Opener of its own.
func bankOpen(t *testing.T, cfg Config, open Opener, fn func(t *testing.T, b *Bank, h *memory), sticks ...*stick) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h := newMemory()
		cfg.Handler, cfg.Open = h, open
		for i := range sticks {
			cfg.Ports = append(cfg.Ports, fmt.Sprintf("/dev/stick%d", i))
		}
		b := NewBank(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		end := make(chan error, 1)
		go func() { end <- b.Run(ctx) }()
		fn(t, b, h)
		cancel()
		if err := <-end; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
		if h.ready != 0 {
			t.Errorf("%d Ready still run after Run has ended", h.ready)
		}
		for _, k := range sticks {
			if k.conn != nil {
				k.conn.Close()
			}
		}
	})
}

// until waits for something, for at most a simulated time.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for from := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		synctest.Wait()
		if ok() {
			return
		}
		if time.Since(from) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func untilState(t *testing.T, b *Bank, i int, want State) Info {
	t.Helper()
	until(t, 2*time.Minute, "modem "+want.String(), func() bool { return b.Modems()[i].State == want })
	return b.Modems()[i]
}

// deliverLine is an SMS-DELIVER as a modem shows it, and its length.
func deliverLine(t *testing.T, from, text string) (line string, length int) {
	t.Helper()
	septets, ok := pdu.EncodeSeptets(text)
	if !ok {
		t.Fatal("not in the alphabet")
	}
	d := pdu.Deliver{OA: pdu.NewAddress(from), SCTS: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	d.Data = septets
	tpdu, err := d.TPDU()
	if err != nil {
		t.Fatal(err)
	}
	line, length, err = pdu.Line(pdu.NewAddress("+31653131313"), tpdu)
	if err != nil {
		t.Fatal(err)
	}
	return line, length
}
