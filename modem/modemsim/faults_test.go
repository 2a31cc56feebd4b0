package modemsim

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// terminal is a client of a modem in memory.
type terminal struct {
	t    *testing.T
	port interface {
		Read([]byte) (int, error)
		Write([]byte) (int, error)
		Close() error
	}
	heard chan string
}

func terminalOf(t *testing.T, b *Bank, i int) *terminal {
	t.Helper()
	p, err := b.Open(b.Paths()[i])
	if err != nil {
		t.Fatal(err)
	}
	c := &terminal{t: t, port: p, heard: make(chan string, 1000)}
	go func() {
		buf := make([]byte, 100)
		for {
			n, err := p.Read(buf)
			if err != nil {
				close(c.heard)
				return
			}
			c.heard <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { p.Close() })
	return c
}

// say writes, and returns what was said until nothing moves any more.
func (c *terminal) say(text string) string {
	if _, err := c.port.Write([]byte(text)); err != nil {
		c.t.Error(err)
	}
	return c.listen(0)
}

func (c *terminal) listen(d time.Duration) (all string) {
	time.Sleep(d)
	synctest.Wait()
	for {
		select {
		case text, open := <-c.heard:
			if all += text; !open {
				return all + "(gone)"
			}
		default:
			return all
		}
	}
}

const sendHello = "AT+CMGS=19\r" + helloPDU + "\x1a"

func TestFaults_WhatTheClientSees(t *testing.T) {
	for _, c := range []struct{ fault, say, want string }{
		{"cut", "AT+CSQ\r", "\r\n+CSQ:"},
		{"cut-send", sendHello, "\r\n> \r\n+CMG"},
		{"double-final", "AT\r", "\r\nOK\r\n\r\nOK\r\n"},
		{"prompt-twice", "AT+CMGS=19\r", "\r\n> \r\n> "},
		{"lose-prompt", "AT+CMGS=19\r", ""},
		{"bare-prompt", "AT+CMGS=19\r", "\r\n>"},
		{"stuck-echo", "ATE0\r", "ATE0\r\r\nOK\r\n"},
		{"unknown +CSQ", "AT+CSQ\r", "\r\nERROR\r\n"},
		{"cr-only", "AT\r", "\rOK\r"},
		{"zeroes 3", "", "\x00\x00\x00"},
		{"urc +X: 1", "", "\r\n+X: 1\r\n"},
		{"urc-inside", "AT+CSQ\r", "\r\n+CREG: 1\r\n\r\n+CSQ: 20,99\r\n\r\nOK\r\n"},
		{"fail 1 38", sendHello, "\r\n> \r\n+CMS ERROR: 38\r\n"},
		{"refuse +31612345678 28", sendHello, "\r\n> \r\n+CMS ERROR: 28\r\n"},
		{"refuse +31612345679 28", sendHello, "\r\n> \r\n+CMGS: 1\r\n\r\nOK\r\n"},
		{"half-pdu", sendHello, "\r\n> \r\n+CMS ERROR: 304\r\n"},
		{"mr-constant 9", sendHello, "\r\n> \r\n+CMGS: 9\r\n\r\nOK\r\n"},
		{"lose-answer", sendHello, "\r\n> "},
		{"pin 1234 2", "AT+CPIN?;+CPINR=\"SIM PIN\"\r", "\r\n+CPIN: SIM PIN\r\n\r\n+CPINR: SIM PIN,2,3\r\n\r\nOK\r\n"},
		{"puk", "AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
		{"puk dead", "AT+CMEE=1;+CPIN?\r", "\r\n+CME ERROR: 13\r\n"},
		{"pin2", "AT+CPIN?;+CREG?\r", "\r\n+CPIN: SIM PIN2\r\n\r\n+CREG: 0,1\r\n\r\nOK\r\n"},
		{"sim-busy", "AT+CMEE=1;+CIMI\r", "\r\n+CME ERROR: 14\r\n"},
		{"sim-busy", sendHello, "\r\n+CMS ERROR: 314\r\n" + noMessage},
		{"sim-failure", "AT+CMEE=1;+CPIN?\r", "\r\n+CME ERROR: 13\r\n"},
		{"no-sim", "AT+CMEE=1;+CPIN?\r", "\r\n+CME ERROR: 10\r\n"},
		{"swap-sim 1", "", ""},
		{"deny", "AT+CREG?\r", "\r\n+CREG: 0,3\r\n\r\nOK\r\n"},
		{"no-network", "AT+CREG?\r", "\r\n+CREG: 0,2\r\n\r\nOK\r\n"},
		{"text-mode", "AT+CMGF?\r", "\r\n+CMGF: 1\r\n\r\nOK\r\n"},
		{"forget-phase2", "AT+CSMS=1;+CSMS?\r", "\r\n+CSMS: 1,1,1\r\n\r\n+CSMS: 1,1,1,1\r\n\r\nOK\r\n"},
		{"forget-cnmi", "AT+CNMI?\r", "\r\n+CNMI: 0,0,0,0,0\r\n\r\nOK\r\n"},
		{"hang 5s", "AT\r", ""},
		{"reboot 5s", "AT\r", ""},
		{"fill SM 3", "AT+CPMS?\r", "\r\n+CPMS: \"SM\",47,50,\"SM\",47,50,\"SM\",47,50\r\n\r\nOK\r\n"},
	} {
		inMemory(t, Config{Count: 2}, func(t *testing.T, b *Bank) {
			m := b.Modem(0)
			terminal := terminalOf(t, b, 0)
			terminal.say("ATE0+CNMI=2,1\r")
			if err := m.Command(c.fault); err != nil {
				t.Fatal(err)
			}
			if got := terminal.say(c.say); got != c.want {
				t.Errorf("%s: got %q, want %q", c.fault, got, c.want)
			}
			m.Clear()
			terminal.say("\x1b")
			if err := m.Command("clear"); err != nil || !m.Registered() && m.SIMState() == "READY" && !strings.HasPrefix(c.fault, "re") && c.fault != "swap-sim 1" {
				t.Errorf("%s: not registered after clear, %v", c.fault, err)
			}
		})
	}
}

// noMessage: a refused AT+CMGS leaves the PDU to be read as a command line, which holds no AT.
const noMessage = ""

func TestFaults_Reports(t *testing.T) {
	const srr = "AT+CMGS=19\r0031000B911316325476F80000A705C8329BFD06\x1a"
	for _, c := range []struct{ fault, want string }{
		{"report-double", "1:00 1:00 2:00"},
		{"report-lose", "2:00"},
		{"report-wrong", "101:00 2:00"},
		{"report-swap", "2:00 1:00"},
		{"report-temporary", "1:30 1:00 2:00"},
		{"report-late 1 30s", "2:00 1:00"},
		{"mr-constant 7", "7:00 7:00"},
	} {
		inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
			terminal := terminalOf(t, b, 0)
			terminal.say("ATE0+CNMI=2,1,0,1;+CMGF=0\r")
			if err := b.Modem(0).Command(c.fault); err != nil {
				t.Fatal(err)
			}
			heard := terminal.say(srr) + terminal.say(srr) + terminal.listen(2*time.Minute)
			var got []string
			for _, part := range strings.Split(heard, "+CDS: 25\r\n")[1:] {
				pdu, _, _ := strings.Cut(part, "\r\n")
				got = append(got, reportOf(t, pdu))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%s: reports %q, want %q", c.fault, got, c.want)
			}
		})
	}
}

// reportOf is TP-MR and TP-ST of the line of a report.
func reportOf(t *testing.T, line string) string {
	t.Helper()
	b, err := hex.DecodeString(line)
	if err != nil {
		t.Fatal(err)
	}
	b = b[1+int(b[0]):]
	return strconv.Itoa(int(b[1])) + ":" + upperHex(b[len(b)-1:])
}

func TestFaults_PartsToTheSIM(t *testing.T) {
	long := strings.Repeat("0123456789", 40)
	for fault, want := range map[string]int{"double-parts": 6, "reverse-parts": 3, "clear": 3} {
		inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
			m := b.Modem(0)
			if err := m.Command(fault); err != nil {
				t.Fatal(err)
			}
			if err := b.Network().Handset("+31612345678").Send(m.Number(), long); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if got := m.Stored("SM"); got != want {
				t.Errorf("%s: %d segments", fault, got)
			}
			first, err := m.net.abc.parseDeliver(m.sim.sm.slots[0].tpdu)
			if reversed := first.Seq == 3; err != nil || reversed != (fault == "reverse-parts") {
				t.Errorf("%s: segment %d came first, %v", fault, first.Seq, err)
			}
		})
	}
}

func TestFaults_ClockJump_StampsAreAhead(t *testing.T) {
	inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
		m := b.Modem(0)
		m.JumpClock(-48 * time.Hour)
		if err := b.Network().Handset("+31612345678").Send(m.Number(), "x"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		tpdu := m.sim.sm.slots[0].tpdu
		if got := timeText(tpdu[len(tpdu)-1-1-7 : len(tpdu)-2]); got != "99/12/30,00:00:00+00" { // bubbles begin on 2000-01-01
			t.Errorf("stamp %s", got)
		}
	})
}

func TestSwapSIM_MessagesFollowTheCard(t *testing.T) {
	inMemory(t, Config{Count: 2}, func(t *testing.T, b *Bank) {
		first, second := b.Modem(0), b.Modem(1)
		number := first.Number()
		first.SwapSIM(second)
		time.Sleep(5 * time.Second)
		if second.Number() != number || first.Number() == number {
			t.Errorf("numbers %s, %s", first.Number(), second.Number())
		}
		if err := b.Network().Handset("+31612345678").Send(number, "x"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if first.Stored("SM") != 0 || second.Stored("SM") != 1 {
			t.Errorf("stored %d, %d", first.Stored("SM"), second.Stored("SM"))
		}
	})
}

// A modem without a network stays so over a reboot, until the time that was said.
func TestNoNetwork_OutlivesTheReboot(t *testing.T) {
	inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
		m := b.Modem(0)
		m.LoseNetwork(time.Minute)
		m.Reboot(time.Second)
		time.Sleep(50 * time.Second)
		if m.Registered() {
			t.Error("registered before its time")
		}
		time.Sleep(20 * time.Second)
		if !m.Registered() {
			t.Error("never registered again")
		}
	})
}

func TestFlood_GoesOnWhileTheModemHangs(t *testing.T) {
	inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
		terminal, m := terminalOf(t, b, 0), b.Modem(0)
		m.Hang(0)
		m.Flood(10*time.Second, time.Second)
		if n := strings.Count(terminal.listen(time.Minute), "^BOOT:"); n != 10 {
			t.Errorf("%d lines", n)
		}
	})
}

func TestLatency_LongTail_MostlyLow(t *testing.T) {
	inMemory(t, Config{Count: 1, Seed: 3}, func(t *testing.T, b *Bank) {
		m := b.Modem(0)
		m.SpreadLatency(time.Second, 11*time.Second, true)
		low, high := 0, 0
		for range 1000 {
			switch d := m.latency(); {
			case d < time.Second || d > 11*time.Second:
				t.Fatalf("latency %v", d)
			case d < 2*time.Second:
				low++
			case d > 9*time.Second:
				high++
			}
		}
		if low < 450 || high < 20 || high > 150 {
			t.Errorf("%d low, %d high", low, high)
		}
	})
}

func TestPipe_UnplugAndReplug(t *testing.T) {
	inMemory(t, Config{Count: 1}, func(t *testing.T, b *Bank) {
		terminal, m := terminalOf(t, b, 0), b.Modem(0)
		if _, err := b.Open("modem00"); !errors.Is(err, ErrInUse) {
			t.Errorf("opened twice: %v", err)
		}
		m.UnplugFor(3 * time.Second)
		if got := terminal.listen(0); got != "(gone)" {
			t.Errorf("heard %q", got)
		}
		if _, err := terminal.port.Write([]byte("AT\r")); err == nil {
			t.Error("written to a port that is gone")
		}
		if _, err := b.Open("modem00"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opened while unplugged: %v", err)
		}
		time.Sleep(4 * time.Second)
		next := terminalOf(t, b, 0)
		if got := next.say("ATE0\r"); got != "ATE0\r\r\nOK\r\n" {
			t.Errorf("heard %q", got)
		}
		next.port.Close()
		if _, err := next.port.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
			t.Errorf("read after close: %v", err)
		}
	})
}
