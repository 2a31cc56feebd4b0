package modemsim

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const helloPDU = "0031000B911316325476F80000A705C8329BFD06"

// submit sends a TPDU in hexadecimal and waits for the answer.
func (c *client) submit(tpdu string) {
	c.t.Helper()
	c.send(fmt.Sprintf("AT+CMGS=%d\r", len(tpdu)/2))
	c.expect("> ")
	c.send("00" + tpdu + "\x1a")
	c.expect("+CMGS: ")
	c.expect("OK\r\n")
}

// eventually waits until it holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(generous); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came to that")
		}
	}
}

func TestSend_TakesTheLatency(t *testing.T) {
	const latency = 150 * time.Millisecond
	for _, exact := range []bool{false, true} {
		b := startBank(t, Config{Latency: latency, Exact: exact})
		c := dialModem(t, b.Paths()[0])
		c.at("E0")
		c.send("AT+CMGS=19\r")
		c.expect("> ")
		began := time.Now()
		c.send(helloPDU + "\x1a")
		if b.Network().Total() != 0 {
			t.Error("the network had the message at once")
		}
		c.expect("+CMGS: 1\r\n")
		if took := time.Since(began); took < latency {
			t.Errorf("answered after %v", took)
		}
		if got := b.Network().Total(); got != 1 {
			t.Errorf("network has %d", got)
		}
	}
}

func TestCounts_SameSegmentTwice_Seen(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.submit(helloPDU[2:])
	c.submit(helloPDU[2:])
	c.submit(strings.Replace(helloPDU[2:], "76F8", "76F9", 1))
	counts := b.Network().Counts()
	if len(counts) != 2 || counts[0].Times != 2 || counts[0].To != "+31612345678" || counts[0].Text != "Hello" || counts[1].Times != 1 {
		t.Errorf("got %+v", counts)
	}
	if subs := b.Network().Submissions(); len(subs) != 3 || subs[2].Segment.To != "+31612345679" || subs[0].From != b.Modem(0).Number() {
		t.Errorf("got %+v", subs)
	}
}

func TestKeep_OldestSubmissionGoes(t *testing.T) {
	b := startBank(t, Config{Keep: 2})
	c := dialModem(t, b.Paths()[0])
	for range 3 {
		c.submit(helloPDU[2:])
	}
	if subs := b.Network().Submissions(); len(subs) != 2 || subs[0].Segment.MR != 2 || subs[1].Segment.MR != 3 || b.Network().Total() != 3 {
		t.Errorf("got %+v", subs)
	}
}

// TestHandset_LongText_OutOfOrderDoubled: an emoji and an extension character cut between two segments are whole again.
func TestHandset_PartsJoined(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	// UCS-2: the high surrogate in the first segment, the low one in the second, sent last one first and doubled.
	second := "41000B911316325476F8000808050003090202DE00"
	first := "41000B911316325476F8000808050003090201D83D"
	for _, tpdu := range []string{second, second, first} {
		c.submit(tpdu)
	}
	in := waitInbox(t, b, "+31612345678", 1)
	if in[0].Text != "😀" || !in[0].Complete || in[0].Doubles != 1 || len(in[0].Segments) != 2 {
		t.Errorf("got %+v", in[0])
	}
	// GSM-7: ESC in the first, 'e' in the second segment, under the same reference: a new message.
	pdu := func(seq, septet byte) string {
		return fmt.Sprintf("41000B911316325476F80000080500030902%02X%02X", seq, septet<<1)
	}
	c.submit(pdu(1, esc))
	c.submit(pdu(2, 'e'))
	in = waitInbox(t, b, "31612345678", 2)
	if in[1].Text != "€" {
		t.Errorf("got %+v", in[1])
	}
}

func TestHandset_Incomplete_Shown(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	c.submit("41000B911316325476F8000808050003090201D83D")
	c.submit(helloPDU[2:])
	in := waitInbox(t, b, "+31612345678", 1)
	if len(in) != 2 || in[0].Complete || !in[1].Complete {
		t.Errorf("got %+v", in)
	}
}

func TestRules(t *testing.T) {
	b := startBank(t, Config{Rules: []Rule{
		{Match: "*", ST: 0x46},
		{Match: "+316*", ST: 0},
		{Match: "+31612345678", Temporary: 0x30, ST: 0, DoubleReport: true},
	}})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.at("+CNMI=2,1,0,1")
	c.submit(helloPDU[2:])
	for _, st := range []string{"30", "00", "00"} {
		c.expect("+CDS: 25\r\n")
		if pdu := strings.TrimSpace(c.expect("\r\n")); !strings.HasSuffix(pdu, st) {
			t.Errorf("report %s, want status %s", pdu, st)
		}
	}
	c.submit(strings.Replace(helloPDU[2:], "0B911316", "0B913316", 1))
	c.expect("+CDS: 25\r\n")
	if pdu := strings.TrimSpace(c.expect("\r\n")); !strings.HasSuffix(pdu, "46") {
		t.Errorf("report %s", pdu)
	}
	if in := b.Network().Handset("+33612345678").Inbox(); len(in) != 0 {
		t.Errorf("delivered %+v", in)
	}
	b.Network().AddRule(Rule{Match: "+31612345678", Refuse: 38})
	c.send("AT+CMGS=19\r")
	c.expect("> ")
	c.send(helloPDU + "\x1a")
	c.expect("+CMS ERROR: 38\r\n")
}

func TestUnplugReplug_SameLinkNewPty(t *testing.T) {
	b := startBank(t, Config{})
	m := b.Modem(0)
	c := dialModem(t, m.Path())
	c.at("")
	before, _ := os.Readlink(m.Path())
	m.Unplug()
	if _, err := os.Lstat(m.Path()); err == nil {
		t.Error("link is still there")
	}
	c.f.SetReadDeadline(time.Now().Add(generous))
	if _, err := c.f.Read(make([]byte, 100)); err == nil || os.IsTimeout(err) {
		t.Errorf("the client did not see the hang-up: %v", err)
	}
	// what came for the SIM meanwhile arrives later
	if err := b.Network().Handset("+31612345678").Send(m.Number(), "late"); err != nil {
		t.Fatal(err)
	}
	if err := m.Replug(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Readlink(m.Path()); err != nil {
		t.Errorf("link %q, before %q: %v", after, before, err)
	}
	dialModem(t, m.Path()).at("")
	eventually(t, func() bool { return m.Stored("SM") == 1 })
}

// TestReopen_SecondClient: a client that closes and one that comes after it find the same modem, also if the first left it in exclusive use.
func TestReopen_SecondClient(t *testing.T) {
	b := startBank(t, Config{})
	p := b.Modem(0).port
	for range 3 {
		c := dialModem(t, b.Paths()[0])
		c.at("E0")
		if err := ioctlOn(c, unix.TIOCEXCL); err != nil {
			t.Fatal(err)
		}
		c.send("AT+CSQ\r") // the answer is never read
		c.f.Close()
		eventually(t, func() bool { return !p.(*ptyPort).attached.Load() })
	}
	c := dialModem(t, b.Paths()[0])
	if got := c.at("+CGSN"); strings.Contains(got, "CSQ") {
		t.Errorf("an old answer came: %q", got)
	}
	var exclusive int
	raw, err := c.f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { exclusive, err = unix.IoctlGetInt(int(fd), unix.TIOCGEXCL) })
	if err != nil || exclusive != 0 {
		t.Errorf("exclusive use outlived its client: %d, %v", exclusive, err)
	}
}

func ioctlOn(c *client, request uint) (err error) {
	raw, err := c.f.SyscallConn()
	if err != nil {
		return err
	}
	controlErr := raw.Control(func(fd uintptr) { err = unix.IoctlSetInt(int(fd), request, 0) })
	return errors.Join(err, controlErr)
}

// TestCNMI_Mode0_KeepsIndications: they come when the mode changes, not before.
func TestCNMI_Mode0_KeepsIndications(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.at("+CNMI=0,1")
	if err := b.Network().Handset("+31612345678").Send(b.Modem(0).Number(), "x"); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return b.Modem(0).Stored("SM") == 1 })
	if got := c.at("+CSQ"); strings.Contains(got, "CMTI") {
		t.Errorf("got %q", got)
	}
	c.at("+CNMI=2,1")
	c.expect(`+CMTI: "SM",1`)
}

func TestHang_DeafThenBack(t *testing.T) {
	b := startBank(t, Config{Latency: 20 * time.Millisecond})
	m := b.Modem(0)
	c := dialModem(t, m.Path())
	c.at("E0")
	c.send("AT+CMGS=19\r")
	c.expect("> ")
	c.send(helloPDU + "\x1a")
	eventually(t, func() bool { return slices.Contains(m.Transcript(), ">"+helloPDU+"^Z") })
	m.Hang(0)
	c.send("AT+CSQ\r")
	c.quiet(100 * time.Millisecond)
	m.Clear()
	if got := c.expect("OK\r\n"); !strings.Contains(got, "+CMGS: 1") {
		t.Errorf("after the hang came %q", got)
	}
	if b.Network().Total() != 1 { // the radio goes on
		t.Error("the network should have taken the message in spite of the hang")
	}
	if got := c.at("+CGMI"); strings.Contains(got, "CSQ") {
		t.Errorf("got %q", got)
	}
}

func TestReboot_SettingsGone(t *testing.T) {
	b := startBank(t, Config{Each: func(_ int, m *ModemConfig) { m.SIM.PIN = "1234" }})
	c := dialModem(t, b.Paths()[0])
	c.at("E0+CPIN=1234")
	b.Modem(0).Reboot(30 * time.Millisecond)
	c.expect("\r\nRDY\r\n")
	if got := c.at("+CPIN?"); !strings.Contains(got, "SIM PIN") || !strings.Contains(got, "AT+CPIN?") {
		t.Errorf("got %q", got)
	}
}

// TestCNMA_Missing_RedeliveredAndRoutingOff: a message shown and not acknowledged comes again, into the memory.
func TestCNMA_Missing_RedeliveredAndRoutingOff(t *testing.T) {
	b := startBank(t, Config{AckTimeout: 50 * time.Millisecond, RetryInterval: 10 * time.Millisecond})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.at("+CSMS=1")
	c.at("+CNMI=2,2,0,1")
	if err := b.Network().Handset("+31612345678").Send(b.Modem(0).Number(), "again"); err != nil {
		t.Fatal(err)
	}
	c.expect("+CMT: ")
	eventually(t, func() bool { return b.Modem(0).Stored("SM") == 1 })
	if got := c.at("+CNMI?"); !strings.Contains(got, "+CNMI: 2,0,0,0,0") {
		t.Errorf("got %q", got)
	}
}

func TestSendWith_OrderDoublesReference(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.at("+CNMI=2,2")
	long := strings.Repeat("x", 200)
	h := b.Network().Handset("+31612345678")
	if err := h.SendWith(b.Modem(0).Number(), long, SendOptions{Reference: 0x1234, Wide: true, Order: []int{2, 1, 1}}); err != nil {
		t.Fatal(err)
	}
	var heads []string
	for range 3 {
		c.expect("+CMT: ,")
		c.expect("0608041234")
		c.expect("02")
		heads = append(heads, c.expect("\r\n")[:2])
	}
	if !slices.Equal(heads, []string{"02", "01", "01"}) {
		t.Errorf("order %v", heads)
	}
	if err := h.SendWith(b.Modem(0).Number(), "x", SendOptions{Order: []int{2}}); err == nil {
		t.Error("a segment that is not there was sent")
	}
	if err := h.Send("+999", "x"); err == nil {
		t.Error("sent to a number without a SIM")
	}
}

func TestCommand_BadLines_Refused(t *testing.T) {
	b := startBank(t, Config{})
	for _, line := range []string{"", "nonsense", "hang soon", "fail x", "late 1 -5s", "cr-only maybe"} {
		if err := b.Modem(0).Command(line); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
	if len(FaultHelp()) != len(faultCommands()) {
		t.Error("help misses a fault")
	}
}

func TestNew_PathTaken_Refused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/modem01", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := New(Config{Count: 2, Dir: dir}); err == nil {
		b.Close()
		t.Error("a file was replaced by a link")
	}
	if _, err := os.Lstat(dir + "/modem00"); err == nil {
		t.Error("the first modem's link is left")
	}
}

func TestTranscript_Lines(t *testing.T) {
	b := startBank(t, Config{})
	c := dialModem(t, b.Paths()[0])
	c.at("E0")
	c.at("+CSQ")
	got := b.Modem(0).Transcript()
	if want := []string{">ATE0", "<OK", ">AT+CSQ", "<+CSQ: 20,99", "<OK"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
