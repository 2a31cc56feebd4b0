package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
)

// look is what the API shows at a moment; a field that is empty is not looked at.
type look struct {
	modem  string // its state
	why    string // regular expression over the modem's reason and its last error
	state  string // of the message
	reason string // regular expression over the message's reason and its timeline
}

func (l look) check(t *testing.T, when string, m provisioning.Message, md provisioning.Modem) {
	t.Helper()
	if l.modem != "" && md.State != l.modem {
		t.Errorf("%s: the modem is %s: %s", when, md.State, md.Reason)
	}
	if shown := md.Reason + "\n" + md.LastError; !regexp.MustCompile(l.why).MatchString(shown) {
		t.Errorf("%s: the modem says %q, want %q", when, shown, l.why)
	}
	if l.state != "" && m.State != l.state {
		t.Errorf("%s: the message is %s: %s", when, m.State, m.Reason)
	}
	if shown := m.Reason + timeline(m); !regexp.MustCompile(l.reason).MatchString(shown) {
		t.Errorf("%s: the message says %q, want %q", when, shown, l.reason)
	}
}

// mtFault is a fault that a message from a client meets.
type mtFault struct {
	faults string // of modem 0, parted by " | ", when it is ready and idle
	text   string // hello, if empty
	now    look   // ten seconds later
	end    look   // an hour later
	times  int    // how often the handset has the text then
}

func arrived() look { return look{modem: "ready", state: "DELIVERED"} }

// mtFaults are the faults of which the message's fate, the modem's state and the reason that the API shows are known.
func mtFaults() []mtFault {
	ok, mends := arrived(), look{state: "ENROUTE"}
	long := strings.Repeat("a long text of several parts ", 20)
	byReport := look{modem: "ready", state: "DELIVERED", reason: "report part 1 of 1 .* delivered", why: "unknown: .*no answer in time"}
	unknown := look{modem: "ready", state: "UNKNOWN", reason: "part 1 may have been sent", why: "unknown: .*no answer in time"}
	waits := look{modem: "ready", state: "ENROUTE", reason: "waits for the report"}
	return []mtFault{
		{"clear", "", ok, ok, 1},
		{"hang 60s", "", mends, look{modem: "ready", state: "DELIVERED", why: "does not answer"}, 1},
		{"reboot 20s", "", mends, look{modem: "ready", state: "DELIVERED", why: "has restarted"}, 1},
		{"unplug 20s", "", look{modem: "absent", state: "ENROUTE", why: "no such port", reason: "it is in no modem"}, ok, 1},
		{"unknown +CPINR +CNMI +CSQ +COPS +CEREG", "", ok, ok, 1},
		{"unknown +CMGS", "", look{state: "ENROUTE", reason: "refused part 1 of 1 for now: AT\\+CMGS: .*ERROR"}, look{}, 0},
		{"forget-cnmi", "", waits, waits, 1}, // the modem took the report and told nobody
		{"forget-phase2", "", ok, ok, 1},
		{"text-mode", "", ok, look{modem: "ready", state: "DELIVERED", why: "text mode"}, 1},
		{"cr-only", long, look{}, ok, 1},
		{"bare-prompt", long, look{}, ok, 1},
		{"stuck-echo", long, look{}, ok, 1},
		{"garbage 300", "", ok, ok, 1},
		{"zeroes 100", "", ok, ok, 1},
		{"flood 2m 20ms", long, look{}, ok, 1},
		{"flood 2m 20ms | hang 60s", "", mends, ok, 1},
		{"urc-inside 9", long, look{}, ok, 1},
		{"cut", "", mends, ok, 1},
		{"double-final 9", long, look{}, ok, 1},
		{"lose-prompt", "", look{}, look{modem: "ready", state: "DELIVERED", reason: "refused part 1 of 1 for now: .*no prompt", why: "no prompt"}, 1},
		{"prompt-twice 9", long, look{}, ok, 1},
		{"fail 1 500", "", look{state: "ENROUTE", reason: `\+CMS ERROR: 500`}, look{modem: "ready", state: "DELIVERED", why: `\+CMS ERROR: 500`}, 1},
		{"fail 1 38", "", look{reason: `\+CMS ERROR: 38`}, ok, 1},
		{"fail 1 42", "", look{reason: `\+CMS ERROR: 42 \(congestion\)`}, ok, 1},
		{"fail 1 331", "", look{reason: `\+CMS ERROR: 331`}, ok, 1},
		{"fail 1 304", "", look{state: "UNDELIVERABLE", reason: `\+CMS ERROR: 304`}, look{modem: "ready", state: "UNDELIVERABLE"}, 0},
		{"fail 1 332", "", look{state: "UNKNOWN", reason: "may have been sent"}, look{modem: "ready", state: "UNKNOWN", why: `\+CMS ERROR: 332`}, 0},
		{"failcme 1 100", "", look{state: "ENROUTE", reason: `\+CME ERROR: 100`}, ok, 1},
		{"failcme 1 14", "", look{reason: `\+CME ERROR: 14 \(SIM busy\)`}, ok, 1},
		{"refuse +31612345678 195", "", look{modem: "ready", state: "UNDELIVERABLE", reason: `\+CMS ERROR: 195`}, look{state: "UNDELIVERABLE"}, 0},
		{"refuse +31699999999 195", "", ok, ok, 1},
		{"lose-answer", "", mends, byReport, 1},
		{"lose-answer | report-lose", "", mends, unknown, 1},
		{"cut-send | report-lose", "", mends, unknown, 1},
		{"late 1 70s | report-lose", "", mends, unknown, 1},
		{"cut-send", "", mends, byReport, 1},
		{"late 1 70s", "", mends, byReport, 1},
		{"late 1 30s busy", "", mends, ok, 1},
		{"brown-out", "", mends, look{modem: "ready", state: "UNKNOWN", reason: "part 1 may have been sent", why: "restarted"}, 0},
		{"half-pdu", long, look{reason: `\+CMS ERROR: 304`}, look{modem: "ready"}, 0},
		{"mr-constant 3", long, look{}, ok, 1},
		{"latency 59s", "", mends, ok, 1},
		{"latency 65s", "", mends, ok, 1},
		{"latency 1s 20s long", long, look{}, ok, 1},
		{"pin 1234 | reboot 1s", "", look{}, ok, 1},
		{"pin 1234 1 | reboot 1s", "", look{modem: "pin", state: "ENROUTE", why: "only 1 tries left", reason: "modem00 is pin"}, look{modem: "pin", state: "ENROUTE"}, 0},
		{"pin 9999 | reboot 1s", "", look{modem: "pin", state: "ENROUTE", why: "refused", reason: "not tried again"}, look{modem: "pin", state: "ENROUTE"}, 0},
		{"puk | reboot 1s", "", look{modem: "pin", state: "ENROUTE", why: "PUK", reason: "PUK"}, look{modem: "pin", state: "ENROUTE"}, 0},
		{"puk dead | reboot 1s", "", look{modem: "failed", state: "ENROUTE", why: "cannot be read"}, look{modem: "failed", state: "ENROUTE"}, 0},
		{"pin2 | reboot 1s", "", ok, ok, 1},
		{"sim-busy 40s | reboot 1s", "", look{modem: "initialising", state: "ENROUTE", why: "SIM is busy"}, ok, 1},
		{"sim-failure 2m | reboot 1s", "", look{modem: "failed", state: "ENROUTE", why: "cannot be read"}, ok, 1},
		{"no-sim 2m | reboot 1s", "", look{modem: "failed", state: "ENROUTE", why: "no SIM"}, ok, 1},
		{"swap-sim 1", "", look{}, ok, 1},
		{"fill SM | fill ME", "", ok, ok, 1},
		{"no-network 2m", "", look{modem: "searching", state: "ENROUTE", why: "searching", reason: "modem00 is searching"}, ok, 1},
		{"deny 2m", "", look{modem: "searching", state: "ENROUTE", why: "denies", reason: "denies"}, ok, 1},
		{"clock 48h", long, look{}, ok, 1},
		{"clock -48h", "", ok, ok, 1},
		{"report-first 9", long, look{}, ok, 1},
		{"report-double 9", long, look{}, ok, 1},
		{"report-lose", "", waits, waits, 1},
		{"report-wrong 9", long, look{}, waits, 1}, // a reference of another message settles nothing
		{"report-swap", "", waits, ok, 1},
		{"report-swap 9", long, look{}, ok, 1},
		{"report-temporary 9", long, look{}, look{modem: "ready", state: "DELIVERED", reason: "TP-ST 0x30"}, 1},
		{"report-late 1 30m", "", waits, ok, 1},
	}
}

// Modem 1 has no network, so that nobody else can send what modem 0 cannot.
func TestFault_MT_FateStateAndReason(t *testing.T) {
	for _, c := range mtFaults() {
		t.Run(c.faults, func(t *testing.T) {
			inBubble(t, modemsim.Config{Count: 2, Latency: 3 * time.Second}, Options{PIN: "1234"}, func(t *testing.T, w *bubble) {
				w.fault(1, "no-network")
				w.after(10 * time.Second)
				w.fault(0, strings.Split(c.faults, " | ")...)
				text := c.text
				if text == "" {
					text = "hello"
				}
				id := w.send("+31612345678", text)
				w.after(10 * time.Second)
				c.now.check(t, "at once", w.message(id), w.modem(0))
				w.after(time.Hour)
				m := w.message(id)
				c.end.check(t, "an hour later", m, w.modem(0))
				if got := w.shown("+31612345678"); len(got) != c.times || c.times == 1 && got[0] != text {
					t.Errorf("the handset shows %d texts: %.40q%s", len(got), got, timeline(m))
				}
			})
		})
	}
}

// What happens while the network has the message in hand, two seconds after Ctrl-Z: nothing is sent twice, and what nobody knows is UNKNOWN.
func TestFault_MidSend_FateStateAndReason(t *testing.T) {
	lost := look{modem: "ready", state: "UNKNOWN", reason: "unknown part 1 may have been sent"}
	for _, c := range []mtFault{
		{"unplug 20s", "", look{modem: "absent", state: "UNKNOWN", why: "no such port"}, lost, 0},
		{"reboot 20s", "", look{}, lost, 0},
		{"hang 30s", "", look{state: "ENROUTE", reason: "^part 1 of 1 is being sent by sim:"}, arrived(), 1},
		{"hang 5m", "", look{state: "ENROUTE", reason: "^part 1 of 1 is being sent by sim:"}, arrived(), 1},
		{"no-network 1m", "", look{modem: "searching", state: "ENROUTE", reason: `\+CMS ERROR: 331`}, arrived(), 1},
		{"deny 1m", "", look{modem: "searching", why: "denies", state: "ENROUTE"}, arrived(), 1},
		{"sim-failure 1m", "", look{state: "ENROUTE"}, arrived(), 1},
		{"puk | reboot 1s", "", look{modem: "pin", state: "UNKNOWN", why: "PUK"}, look{modem: "pin", state: "UNKNOWN"}, 0},
		{"swap-sim 1", "", look{state: "UNKNOWN"}, lost, 0},
		{"garbage 300", "", look{state: "DELIVERED"}, arrived(), 1},
		{"zeroes 100", "", look{state: "DELIVERED"}, arrived(), 1},
		{"flood 1m 10ms", "", look{state: "DELIVERED"}, arrived(), 1},
		{"ring +31600000001 3", "", look{state: "DELIVERED"}, arrived(), 1},
		{"urc +CMS ERROR: 500", "", look{}, look{modem: "ready"}, 1}, // an answer that is none: not doubled, whatever it is taken for
	} {
		t.Run(c.faults, func(t *testing.T) {
			inBubble(t, modemsim.Config{Count: 2, Latency: 3 * time.Second}, Options{}, func(t *testing.T, w *bubble) {
				w.fault(1, "no-network")
				w.after(10 * time.Second)
				id := w.send("+31612345678", "hello")
				w.after(2 * time.Second)
				w.fault(0, strings.Split(c.faults, " | ")...)
				w.after(10 * time.Second)
				c.now.check(t, "at once", w.message(id), w.modem(0))
				w.after(time.Hour)
				m := w.message(id)
				c.end.check(t, "an hour later", m, w.modem(0))
				if got := w.shown("+31612345678"); len(got) != c.times {
					t.Errorf("the handset shows %q%s", got, timeline(m))
				}
			})
		})
	}
}

// A modem that cannot send gives its message to another one, which shows in the timeline; one without fault has nothing of it.
func TestFault_OneModemIll_AnotherSends(t *testing.T) {
	for _, fault := range []string{"fail 100 331", "fail 100 330", "fail 100 310", "failcme 100 10", "no-network", "unplug", "puk | reboot 1s", "no-sim | reboot 1s", "sim-failure | reboot 1s"} {
		t.Run(fault, func(t *testing.T) {
			inBubble(t, modemsim.Config{Count: 2, Latency: 3 * time.Second}, Options{}, func(t *testing.T, w *bubble) {
				w.after(10 * time.Second)
				w.fault(0, strings.Split(fault, " | ")...)
				var ids []string
				for range 6 {
					ids = append(ids, w.send("+31612345678", "hello"))
				}
				w.after(time.Hour)
				for _, id := range ids {
					if m := w.message(id); m.State != "DELIVERED" || m.Parts[0].Lane != "sim:"+w.bank.Modem(1).ICCID() {
						t.Errorf("%s by %s%s", m.State, m.Parts[0].Lane, timeline(m))
					}
				}
				if got := w.shown("+31612345678"); len(got) != 6 {
					t.Errorf("the handset shows %d", len(got))
				}
			})
		})
	}
}

// A modem whose power does not last for a send has few messages become unknown, and not its whole queue: it is parked through its restarts.
func TestFault_RestartsAtEachSend_TheQueueWaits(t *testing.T) {
	inBubble(t, modemsim.Config{Count: 1, Latency: 3 * time.Second, Each: func(_ int, m *modemsim.ModemConfig) { m.BootLines = []string{"RDY"} }}, Options{}, func(t *testing.T, w *bubble) {
		w.after(10 * time.Second)
		w.fault(0, "brown-out 1000 10s")
		var ids []string
		for i := range 60 {
			ids = append(ids, w.send(fmt.Sprintf("+316123456%02d", i), "hello"))
		}
		w.after(time.Hour)
		states := map[string]int{}
		for _, id := range ids {
			states[w.message(id).State]++
		}
		if states["UNKNOWN"] > 15 || states["UNKNOWN"]+states["ENROUTE"] != len(ids) {
			t.Errorf("after an hour: %v", states)
		}
		last, md := w.message(ids[59]), w.modem(0)
		if md.Sends != "parked" || !strings.Contains(md.SendsReason, "restarted") || !strings.Contains(last.Reason, "restarted") {
			t.Errorf("the modem sends: %s, %q; the last message waits: %q", md.Sends, md.SendsReason, last.Reason)
		}
		w.fault(0, "brown-out 0")
		w.after(time.Hour)
		for _, id := range ids {
			if m := w.message(id); m.State != "DELIVERED" && m.State != "UNKNOWN" {
				t.Errorf("when it has power again: %s%s", m.State, timeline(m))
			}
		}
	})
}

// A number that is refused holds nobody up.
func TestFault_NumberRefused_OthersGoOn(t *testing.T) {
	inBubble(t, modemsim.Config{Count: 1, Latency: 100 * time.Millisecond}, Options{}, func(t *testing.T, w *bubble) {
		w.fault(0, "refuse +31612345670 195")
		var bad, good []string
		for range 5 {
			bad = append(bad, w.send("+31612345670", "hello"))
			good = append(good, w.send("+31612345671", "hello"))
		}
		w.after(time.Minute)
		for i := range good {
			if m := w.message(good[i]); m.State != "DELIVERED" {
				t.Errorf("the good one is %s%s", m.State, timeline(m))
			}
			if m := w.message(bad[i]); m.State != "UNDELIVERABLE" || !strings.Contains(m.Reason, "195") {
				t.Errorf("the bad one is %s%s", m.State, timeline(m))
			}
		}
		if md := w.modem(0); md.State != "ready" || md.Refused != 5 || md.Sent != 5 {
			t.Errorf("modem %+v", md)
		}
	})
}

// A modem that is back in text mode takes a PDU for a text, to the number that its length is. Under load, too, it is looked at every two
// seconds.
func TestFault_TextModeInABurst_SeenWithinSeconds(t *testing.T) {
	inBubble(t, modemsim.Config{Count: 1, Latency: 100 * time.Millisecond}, Options{}, func(t *testing.T, w *bubble) {
		w.after(10 * time.Second)
		for range 200 {
			w.send("+31612345678", "hello")
		}
		w.after(time.Second)
		w.fault(0, "text-mode")
		began := time.Now()
		w.after(time.Minute)
		for _, s := range w.bank.Network().Submissions() {
			if late := s.At.Sub(began); s.Segment.To != "+31612345678" && late > 3*time.Second {
				t.Errorf("to %s %v after", s.Segment.To, late)
			}
		}
		if n := len(w.shown("+31612345678")); n < 100 {
			t.Errorf("the handset shows %d", n)
		}
		look{modem: "ready", why: "text mode"}.check(t, "a minute later", provisioning.Message{}, w.modem(0))
	})
}

// A wrong PIN costs one try, once, however often the modem restarts, and however long it takes.
func TestFault_WrongPIN_CostsOneTry(t *testing.T) {
	each := func(_ int, m *modemsim.ModemConfig) { m.SIM.PIN = "9999" }
	inBubble(t, modemsim.Config{Count: 2, Each: each}, Options{PIN: "1234"}, func(t *testing.T, w *bubble) {
		for range 5 {
			w.after(time.Hour)
			w.fault(0, "reboot 10s")
			w.fault(1, "unplug 10s")
		}
		w.after(time.Hour)
		for i := range 2 {
			if pin, puk := w.bank.Modem(i).PINTries(); pin != 2 || puk != 10 {
				t.Errorf("modem %d: tries %d, %d", i, pin, puk)
			}
			look{modem: "pin", why: "not tried again"}.check(t, "at the end", provisioning.Message{}, w.modem(i))
		}
	})
}

// A SIM whose PIN was refused costs no other try when it is moved: what is remembered goes with the card.
func TestFault_WrongPIN_SIMMoved_CostsOneTry(t *testing.T) {
	each := func(i int, m *modemsim.ModemConfig) { m.SIM.PIN, m.EarlyICCID = []string{"1234", "9999"}[i%2], true }
	inBubble(t, modemsim.Config{Count: 4, Each: each}, Options{PIN: "1234"}, func(t *testing.T, w *bubble) {
		for _, swap := range [][2]int{{0, 1}, {2, 1}, {3, 0}, {0, 1}, {1, 3}} {
			w.after(time.Hour)
			w.bank.Modem(swap[0]).SwapSIM(w.bank.Modem(swap[1]))
		}
		w.after(time.Hour)
		for i := range 4 {
			m := w.bank.Modem(i)
			pin, _ := m.PINTries()
			if want := map[string]int{"pin": 2, "ready": 3}[w.modem(i).State]; pin != want || want == 2 != strings.Contains("1 3", m.Number()[len(m.Number())-1:]) {
				t.Errorf("modem %d with %s: %d tries, %s", i, m.Number(), pin, w.modem(i).State)
			}
		}
	})
}

// moFault is a fault that messages from a handset meet.
type moFault struct {
	faults string
	now    look // ten seconds later
	came   int  // messages of two that the store has then
}

// Two messages, one of them of three parts, come to modem 0; an hour later each of them is there once, and nothing is left on the SIM.
func TestFault_MO_NothingLostNothingDoubled(t *testing.T) {
	ready := look{modem: "ready"}
	for _, c := range []moFault{
		{"clear", ready, 2},
		{"double-parts 2", ready, 2},
		{"reverse-parts 2", ready, 2},
		{"double-parts 2 | reverse-parts 2", ready, 2},
		{"forget-cnmi", ready, 0}, // found by the sweep
		{"fill SM", ready, 2},
		{"fill SM | forget-cnmi", ready, 0},
		{"fill ME", ready, 2},
		{"hang 30s", look{}, 0},
		{"reboot 30s", look{}, 0},
		{"unplug 30s", look{modem: "absent", why: "no such port"}, 0},
		{"garbage 300", ready, 2},
		{"zeroes 100", ready, 2},
		{"urc-inside 9", ready, 2},
		{"cut 3", ready, -1},
		{"double-final 9", ready, 2},
		{"unknown +CNMI", ready, 2},
		{"unknown +CNMA", ready, -1},
		{"forget-phase2", ready, 2},
		{"text-mode", look{why: "text mode"}, -1},
		{"cr-only", ready, 2},
		{"flood 2m 20ms", ready, 2},
		{"stuck-echo", look{}, -1},
		{"no-network 2m", look{modem: "searching", why: "searching"}, 0},
		{"deny 2m", look{modem: "searching", why: "denies"}, 0},
		{"clock 48h", ready, 2},
		{"clock -48h", ready, 2},
		{"ring +31600000001 5", ready, 2},
		{"swap-sim 1", look{}, -1},
	} {
		t.Run(c.faults, func(t *testing.T) {
			inBubble(t, modemsim.Config{Count: 2, Latency: 3 * time.Second}, Options{}, func(t *testing.T, w *bubble) {
				w.after(10 * time.Second)
				number, h := w.bank.Modem(0).Number(), w.bank.Network().Handset("+31612345678")
				w.fault(0, strings.Split(c.faults, " | ")...)
				texts := []string{"hello", strings.Repeat("0123456789", 40)}
				for _, text := range texts {
					if err := h.Send(number, text); err != nil {
						t.Fatal(err)
					}
				}
				w.after(10 * time.Second)
				c.now.check(t, "at once", provisioning.Message{}, w.modem(0))
				if n := len(fromHandsets(w.incoming())); c.came >= 0 && n != c.came {
					t.Errorf("%d messages came at once", n)
				}
				w.after(time.Hour)
				got := fromHandsets(w.incoming())
				if strings.HasPrefix(c.faults, "fill ") { // what waited for room lies where there came some, and is read from there
					slices.SortFunc(got, func(a, b string) int { return len(a) - len(b) })
				}
				if !slices.Equal(got, texts) {
					t.Errorf("got %.20q", got)
				}
				for i := range 2 {
					if m := w.bank.Modem(i); m.Stored("SM")+m.Stored("ME") != 0 || w.modem(i).State != "ready" {
						t.Errorf("modem %d is %s, %d messages on the SIM, %d in the modem", i, w.modem(i).State, m.Stored("SM"), m.Stored("ME"))
					}
				}
			})
		})
	}
}

// A modem without phase 2+ keeps what comes on the SIM; when it is back in text mode nothing of that is read as something else.
func TestFault_MO_TextModeWithoutPhase2_NothingLost(t *testing.T) {
	each := func(_ int, m *modemsim.ModemConfig) { m.NoPhase2 = true }
	inBubble(t, modemsim.Config{Count: 1, Each: each}, Options{}, func(t *testing.T, w *bubble) {
		w.after(10 * time.Second)
		w.fault(0, "text-mode")
		texts := []string{"hello", "Привет"} // which text mode shows in hexadecimal, as if it were a PDU
		for _, text := range texts {
			if err := w.bank.Network().Handset("+31612345678").Send(w.bank.Modem(0).Number(), text); err != nil {
				t.Fatal(err)
			}
		}
		w.after(time.Hour)
		look{modem: "ready", why: "text mode"}.check(t, "an hour later", provisioning.Message{}, w.modem(0))
		if got := w.incoming(); !slices.Equal(got, texts) || w.bank.Modem(0).Stored("SM") != 0 {
			t.Errorf("got %q, %d left on the SIM", got, w.bank.Modem(0).Stored("SM"))
		}
	})
}

// A modem whose memory is full and cannot be emptied sends, takes nothing in, and says so; messages and reports that the network keeps come
// when there is room.
func TestFault_StorageStaysFull_SaidAndWhatComesWaitsAtTheNetwork(t *testing.T) {
	each := func(_ int, m *modemsim.ModemConfig) { m.NoPhase2 = true }
	inBubble(t, modemsim.Config{Count: 1, Latency: 3 * time.Second, Each: each}, Options{}, func(t *testing.T, w *bubble) {
		w.after(10 * time.Second)
		w.fault(0, "unknown +CMGD", "fill SM", "fill ME")
		if err := w.bank.Network().Handset("+31612345678").Send(w.bank.Modem(0).Number(), "hello"); err != nil {
			t.Fatal(err)
		}
		id := w.send("+31612345678", "hello")
		w.after(20 * time.Minute)
		md, got := w.modem(0), fromHandsets(w.incoming())
		if md.State != "ready" || !strings.Contains(md.StorageAlarm, "refuses to delete") || md.StorageHint == "" || len(got) != 0 {
			t.Errorf("the modem is %s, alarm %q, %q; came %q", md.State, md.StorageAlarm, md.StorageHint, got)
		}
		look{state: "ENROUTE", reason: "sent; waits for the report"}.check(t, "full", w.message(id), md)
		w.fault(0, "unknown")
		w.after(time.Hour)
		look{state: "DELIVERED"}.check(t, "when it deletes again", w.message(id), md)
		if md, got := w.modem(0), fromHandsets(w.incoming()); md.StorageAlarm != "" || !slices.Equal(got, []string{"hello"}) || w.bank.Modem(0).Stored("SM") != 0 {
			t.Errorf("when it deletes again: alarm %q, came %q, %d on the SIM", md.StorageAlarm, got, w.bank.Modem(0).Stored("SM"))
		}
	})
}

// fromHandsets leaves out what the simulator fills memories with.
func fromHandsets(texts []string) []string {
	return slices.DeleteFunc(texts, func(s string) bool { return s == "old" })
}
