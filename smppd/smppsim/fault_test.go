package smppsim

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

func faultsOf(t *testing.T, lines ...string) []Fault {
	t.Helper()
	all, err := ParseFaults(lines...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Each fault that the help names can be read, with what it needs.
func TestParseFault_EveryOneOfTheHelp(t *testing.T) {
	needs := map[string]string{"slow": "slow 1s", "late": "late 1s", "ids": "ids hex", "receipt-ids": "receipt-ids HEX", "notice": "notice ACCEPTD", "state": "state EXPIRED"}
	for _, k := range faultTable() {
		line := k.name()
		if needs[line] != "" {
			line = needs[line]
		}
		line += " skip 2 every 3 times 4"
		f, err := ParseFault(line)
		if err != nil || f.String() != line || f.skip != 2 || f.every != 3 || f.times != 4 {
			t.Errorf("%q: %+v, %v", line, f, err)
		}
		if !slices.ContainsFunc(FaultHelp(), func(h string) bool { return strings.HasPrefix(h, k.usage) }) {
			t.Errorf("the help lacks %s", k.usage)
		}
	}
}

func TestParseFault_Mistakes(t *testing.T) {
	for line, want := range map[string]string{
		"": "no fault named", "sing": `no fault is called "sing"`, "refuse x": `"x" is not a number`, "refuse 0": "ESME_ROK refuses nothing",
		"slow": `"" is not a time such as 30s`, "slow -1s": `"-1s" is not a time such as 30s`, "silent 3": `"3" is too much: silent`, "ids octal": `"octal" is no form`,
		"silent every 0": `"0" is not a number from 1`, "state LOST": `"LOST" is no state`, "tlv 0x1400 abc": `"abc" is not an even number`, "tlv 70000": `"70000" is not a number`,
	} {
		if _, err := ParseFault(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestFault_SkipEveryTimes(t *testing.T) {
	var f faults
	f.set(faultsOf(t, "refuse 0x14 skip 2 every 3 times 2", "bind-refuse"))
	var got []int
	for i := range 20 {
		if f.conduct(false).status == smpp.StatusMsgQFul {
			got = append(got, i+1)
		}
	}
	if !slices.Equal(got, []int{5, 8}) {
		t.Errorf("refused %v", got)
	}
	if f.conduct(true).status != smpp.StatusBindFail {
		t.Error("the bind was not refused")
	}
}

// Faults begin and end while sessions last.
func TestSMSC_SetFaults_WhileItRuns(t *testing.T) {
	s, address := serving(t, SMSCConfig{})
	session := dial(t, to(address))
	sm, _ := Message("hi")
	sm.Dest.Addr = "316"
	for _, want := range []smpp.CommandStatus{smpp.StatusOK, smpp.StatusMsgQFul, smpp.StatusOK} {
		if s.SetFaults(); want != smpp.StatusOK {
			s.SetFaults(faultsOf(t, "refuse 0x14")...)
		}
		_, err := session.Submit(context.Background(), sm)
		status := smpp.StatusOK
		if e := (*esme.StatusError)(nil); err != nil {
			e, _ = err.(*esme.StatusError)
			status = e.Status
		}
		if status != want {
			t.Errorf("got %s, want %s", status, want)
		}
	}
}

// wire is a listener whose connections are pipes, for bubbles of testing/synctest.
type wire chan net.Conn

func (w wire) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	w <- far
	return near, nil
}

func (w wire) Accept() (net.Conn, error) {
	if c, ok := <-w; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (w wire) Close() error   { close(w); return nil }
func (w wire) Addr() net.Addr { return &net.TCPAddr{} }

// A slow answer holds back no other, and a late receipt no other.
func TestSMSC_SlowAndLate_OthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := make(wire)
		ctx, cancel := context.WithCancel(t.Context())
		s, ended := NewSMSC(SMSCConfig{Faults: faultsOf(t, "slow 3s times 1", "late 4s times 1")}), make(chan error, 1)
		go func() { ended <- s.Serve(ctx, w) }()
		conf := to("provider.example:2775")
		conf.DialContext = w.dial
		r, err := Load(ctx, LoadConfig{Config: conf, Count: 50, RegisteredDelivery: smpp.ReceiptFinal})
		if err != nil || r.Accepted != 50 || r.ReceiptsMissing != 0 || r.P99 < 3*time.Second || r.P50 > time.Second {
			t.Errorf("%+v, %v", r, err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAgenda_InOrderOfTimes_AndBounded(t *testing.T) {
	a := newAgenda(3)
	ctx, cancel := context.WithCancel(context.Background())
	ended, got := make(chan struct{}), make(chan int, 3)
	go func() { a.run(ctx); close(ended) }()
	for _, n := range []int{3, 1, 2} {
		if !a.add(time.Duration(n)*30*time.Millisecond+200*time.Millisecond, func() { got <- n }) {
			t.Error("no room")
		}
	}
	if a.add(0, func() {}) {
		t.Error("there was room for a fourth")
	}
	for want := 1; want <= 3; want++ {
		if n := wait(t, got); n != want {
			t.Errorf("got %d, want %d", n, want)
		}
	}
	cancel()
	<-ended
}
