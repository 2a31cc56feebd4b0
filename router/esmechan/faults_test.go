package esmechan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
)

// look is what the API shows at a moment; an expression that is empty is not looked
// at.
type look struct {
	ready  bool
	why    string // over what the channel says of itself and of its binds
	state  storage.State
	reason string // over the reason of the message and its timeline
}

func (l look) check(t *testing.T, when string, p *post, id storage.ID) {
	t.Helper()
	st := p.ch.Status()
	if st.Ready != l.ready {
		t.Errorf("%s: ready is %v: %s", when, st.Ready, st.Reason)
	}
	shown := st.Reason
	for _, b := range p.ch.Binds() {
		shown += "\n" + b.Reason
	}
	if !regexp.MustCompile(l.why).MatchString(shown) {
		t.Errorf("%s: the channel says %q, want %q", when, shown, l.why)
	}
	m, err := p.R.Message(id)
	if err != nil {
		t.Fatal(err)
	}
	if m.State != l.state {
		t.Errorf("%s: the message is %s: %s", when, router.StateWord(m.State), m.Reason)
	}
	shown = p.R.Why(m)
	for _, w := range p.R.Explain().Waits(m) {
		shown += "\n" + w.Reason
	}
	for _, e := range m.Events {
		shown += fmt.Sprintf("\n%s %s", e.What, e.Text)
	}
	if !regexp.MustCompile(l.reason).MatchString(shown) {
		t.Errorf("%s: the message says %q, want %q", when, shown, l.reason)
	}
}

// providerFault is a fault of a provider that a message meets.
type providerFault struct {
	name   string
	faults string // parted by " | ", as gsmgate-sim smsc takes them
	now    look   // four seconds after the message was submitted
	end    look   // an hour later
	times  int    // how often the provider got it
	spent  storage.Millicredits
	held   storage.Millicredits
}

// Each fault of a provider: the fate of the message, how the channel stands and the
// reason that the API shows.
func TestFault(t *testing.T) {
	for _, f := range slices.Concat(bindFaults(), refusals(), answerFaults(), idFaults(), receiptFaults()) {
		t.Run(f.name, func(t *testing.T) {
			faults := faultsOf(t, strings.Split(f.faults, " | ")...)
			inBubble(t, smppsim.SMSCConfig{Faults: faults}, nil, func(t *testing.T, p *post) {
				after(100 * time.Millisecond)
				id := p.Submit("31612345678", "Hello")
				after(4 * time.Second)
				f.now.check(t, "now", p, id)
				after(time.Hour)
				f.end.check(t, "at the end", p, id)
				if got := len(p.submits()); got != f.times {
					t.Errorf("the provider got it %d times, want %d", got, f.times)
				}
				if b := p.Balance(); b.Spent != f.spent || b.Held != f.held || b.Available != 100*storage.Credit-f.spent-f.held {
					t.Errorf("%+v", b)
				}
			})
		})
	}
}

const credit = storage.Credit

// down is a channel that is not bound, and the message that waits for it.
func down(why string) look { return look{false, why, storage.Enroute, "not bound: .*(" + why + ")"} }

// up is a channel that is bound, and what became of the message.
func up(state storage.State, reason string) look { return look{true, "", state, reason} }

func arrived() look { return up(storage.Delivered, "report part 1 of 1 .* DELIVERED") }

func bindFaults() []providerFault {
	return []providerFault{
		{"BindRefused_OnceThenBound_Sent", "bind-refuse times 1", down("ESME_RBINDFAIL"), arrived(), 1, credit, 0},
		{"BindRefused_WrongPassword_Waits", "bind-refuse 0x0E", down("ESME_RINVPASWD"), down("ESME_RINVPASWD"), 0, 0, credit},
		{"BindRefused_AlreadyBound_Waits", "bind-refuse 0x05 times 3", down("ESME_RALYBND"), arrived(), 1, credit, 0},
		{"BindRefused_Busy_AgainSoon", "bind-refuse 0x58 times 1", arrived(), arrived(), 1, credit, 0},
		{"BindNacked_Waits", "bind-nack", down("generic_nack: ESME_RINVCMDID"), down("generic_nack: ESME_RINVCMDID"), 0, 0, credit},
		{"BindNeverAnswered_Waits", "bind-silent", down("not tried yet"), down("deadline exceeded|EOF"), 0, 0, credit},
		{"BindCut_Waits", "bind-cut", down("EOF"), down("EOF"), 0, 0, credit},
		{"BindAnsweredWithGarbage_Waits", "bind-garbage", down("command_length"), down("command_length"), 0, 0, credit},
		{"BindAnsweredWithGarbage_OnceThenBound", "bind-garbage times 1", arrived(), arrived(), 1, credit, 0},
	}
}

func refusals() []providerFault {
	again := func(why string) look { return up(storage.Enroute, "refused part 1 of 1 for now: .*"+why) }
	never := func(why string) look { return up(storage.Undeliverable, "refused part 1 of 1: .*"+why) }
	return []providerFault{
		{"Throttled_Slower_ThenSent", "refuse 0x58 times 4", up(storage.Enroute, "ESME_RTHROTTLED"), arrived(), 5, credit, 0},
		{"QueueFull_Slower_ThenSent", "refuse 0x14 times 1", arrived(), arrived(), 2, credit, 0},
		{"Temporary_TriedTenTimes", "refuse 0x08", again("ESME_RSYSERR"), never("ESME_RSYSERR"), 10, 0, 0},
		{"Temporary_OnceThenSent", "refuse 0x45 times 1", again("ESME_RSUBMITFAIL"), arrived(), 2, credit, 0},
		{"Vendors_TriedAgain", "refuse 0x481 times 1", again("0x481"), arrived(), 2, credit, 0},
		{"Permanent_NotAgain", "refuse 0x0B", never("ESME_RINVDSTADR"), never("ESME_RINVDSTADR"), 1, 0, 0},
		{"ChannelIll_Rests_ThenSent", "refuse 0x04 times 4", again("ESME_RINVBNDSTS"), arrived(), 5, credit, 0},
		{"Nacked_TriedAgain", "nack times 1", again("generic_nack: ESME_RINVCMDID"), arrived(), 2, credit, 0},
		{"Nacked_LengthThenSystemError_TriedAgain", "nack 0x02 times 1 | nack 0x08 skip 1 times 1", again("generic_nack: ESME_RINVCMDLEN"), arrived(), 3, credit, 0},
	}
}

func answerFaults() []providerFault {
	flying := up(storage.Enroute, "part 1 of 1 is being sent")
	unknown := func(why string) look { return up(storage.Unknown, "part 1 may have been sent: .*"+why) }
	settled := func(why string) look {
		return up(storage.Delivered, "(?s)unknown part 1 may have been sent: .*"+why+".*report part 1 of 1 .* DELIVERED")
	}
	lost := "no response in time"
	return []providerFault{
		{"NoAnswer_NotTaken_Unknown", "lose", flying, unknown(lost), 1, 0, credit},
		{"NoAnswer_Taken_SettledByItsReceipt", "silent", flying, settled(lost), 1, credit, 0},
		{"NoAnswer_NoReceipt_Unknown", "silent | never", flying, unknown(lost), 1, 0, credit},
		{"NoAnswer_LateReceipt_SettledByIt", "silent | late 20m", flying, settled(lost), 1, credit, 0},
		{"Cut_NotTaken_Unknown", "cut", unknown("EOF"), unknown("EOF"), 1, 0, credit},
		{"Cut_Taken_SettledByItsReceipt", "cut-after", settled("EOF"), settled("EOF"), 1, credit, 0},
		{"Slow_Sent", "slow 20s", flying, arrived(), 1, credit, 0},
		{"Slow_TooLate_SettledByItsReceipt", "slow 40s", flying, settled(lost), 1, credit, 0},
		{"WrongSequence_SettledByItsReceipt", "sequence", flying, settled(lost), 1, credit, 0},
		{"WrongSequence_NoReceipt_Unknown", "sequence 1 | never", flying, unknown(lost), 1, 0, credit},
		{"NoMessageID_MatchedByRecipient", "no-id", arrived(), arrived(), 1, credit, 0},
		{"NoMessageID_ReceiptEarly_MatchedByRecipient", "no-id | early | slow 2s", arrived(), arrived(), 1, credit, 0},
		{"AnswerMalformed_SettledByItsReceipt", "broken", settled("no NUL at its end"), settled("no NUL at its end"), 1, credit, 0},
		{"AnswerMalformed_NoReceipt_Unknown", "broken | never", unknown("no NUL"), unknown("no NUL"), 1, 0, credit},
		{"HalfAPDU_Rebound_SettledByItsReceipt", "half times 1", flying, settled(lost), 1, credit, 0},
		{"HalfAPDU_NoReceipt_Unknown", "half times 1 | never", flying, unknown(lost), 1, 0, credit},
		{"Garbage_Rebound_SettledByItsReceipt", "garbage", settled("command_length"), settled("command_length"), 1, credit, 0},
		{"Garbage_NoReceipt_Unknown", "garbage 3000 | never", unknown("command_length"), unknown("command_length"), 1, 0, credit},
		{"Hangs_Rebound_ReceiptComes", "hang times 1", up(storage.Enroute, "waits for the report"), arrived(), 1, credit, 0},
		{"Unbinds_Rebound_ReceiptComes", "unbind times 1 | late 10s", up(storage.Enroute, "waits for the report"), arrived(), 1, credit, 0},
		{"VendorTLVs_Ignored", "tlv | tlv 0x3FFF 00 | tlv 0x2000", arrived(), arrived(), 1, credit, 0},
	}
}

func idFaults() []providerFault {
	all := []providerFault{}
	for _, pair := range []string{
		"hex hex", "hex HEX", "HEX hex", "hex 0hex", "0hex hex", "0HEX hex", "dec dec", "dec 0dec", "0dec dec", "hex dec", "hex 0dec", "HEX 0dec", "0hex dec",
		"dec hex", "dec 0HEX", "0dec hex", "uuid UUID", "UUID uuid", "blank hex", "dec blank",
	} {
		answer, receipt, _ := strings.Cut(pair, " ")
		all = append(all, providerFault{"IDs_" + answer + "_Receipt_" + receipt, "ids " + answer + " | receipt-ids " + receipt, arrived(), arrived(), 1, credit, 0})
	}
	return append(all,
		providerFault{"IDs_Hex_ReceiptDecimal_Early", "ids 0hex | receipt-ids dec | early | slow 1s", arrived(), arrived(), 1, credit, 0},
		providerFault{"IDs_OfNobody_NoReport", "ids uuid | receipt-ids hex", waits(), waits(), 1, 0, credit},
	)
}

func waits() look { return up(storage.Enroute, "waits for the report") }

func receiptFaults() []providerFault {
	fails := func(state storage.State, word string) look { return up(state, "report part 1 of 1 .* "+word) }
	ok := func(name, faults string) providerFault {
		return providerFault{name, faults, arrived(), arrived(), 1, credit, 0}
	}
	return []providerFault{
		ok("Receipt_Early", "early"), ok("Receipt_Early_AnswerSlow", "early | slow 3s"), ok("Receipt_Twice", "twice"), ok("Receipt_TwiceAndEarly", "twice | early"),
		{"Receipt_Late", "late 20m", waits(), arrived(), 1, credit, 0},
		{"Receipt_Never_Waits", "never", waits(), waits(), 1, 0, credit},
		ok("Receipt_AcceptedFirst", "notice ACCEPTD"), ok("Receipt_EnrouteFirst", "notice ENROUTE | early"),
		{"Receipt_AcceptedAlone_Waits", "state ACCEPTD", waits(), waits(), 1, 0, credit},
		{"Receipt_Expired", "state EXPIRED", fails(storage.Expired, "EXPIRED"), fails(storage.Expired, "EXPIRED"), 1, 0, 0},
		{"Receipt_Rejected", "state REJECTD", fails(storage.Rejected, "REJECTED"), fails(storage.Rejected, "REJECTED"), 1, 0, 0},
		{"Receipt_Undeliverable_Twice", "state UNDELIV | twice", fails(storage.Undeliverable, "UNDELIVERABLE"), fails(storage.Undeliverable, "UNDELIVERABLE"), 1, 0, 0},
		ok("Receipt_WordOfItsOwn", "stat DELIVERED"), ok("Receipt_WordInSmallLetters", "stat delivrd"),
		{"Receipt_WordForFailure", "stat FAILED", fails(storage.Undeliverable, "UNDELIVERABLE"), fails(storage.Undeliverable, "UNDELIVERABLE"), 1, 0, 0},
		ok("Receipt_TextAlone", "no-tlvs"), ok("Receipt_TLVsAlone", "no-text"), ok("Receipt_NoClassButTLVs", "no-class"), ok("Receipt_InPayload", "payload"),
		ok("Receipt_Short", "short"), ok("Receipt_Capitals", "capitals"), ok("Receipt_FieldsTurned", "turned"), ok("Receipt_DatesWithSeconds", "seconds"),
		ok("Receipt_UCS2", "ucs2"), ok("Receipt_Chatty", "chatty"), ok("Receipt_FromAnotherNumber", "wrong-source"),
		{"Receipt_Nonsense_Waits", "nonsense", waits(), waits(), 1, 0, credit},
		{"Receipt_NeitherClassNorTLVs_IsAMessage", "no-class | no-tlvs", waits(), waits(), 1, 0, credit},
	}
}

// The names of smppsim's faults are all in a case.
func TestFault_EveryOneHasACase(t *testing.T) {
	used := map[string]bool{"…": true}
	for _, f := range slices.Concat(bindFaults(), refusals(), answerFaults(), idFaults(), receiptFaults()) {
		for _, line := range strings.Split(f.faults, " | ") {
			used[strings.Fields(line)[0]] = true
		}
	}
	for _, line := range smppsim.FaultHelp() {
		if name := strings.Fields(line)[0]; !used[name] {
			t.Errorf("no case has %s", name)
		}
	}
}

// A connection that ends in mid-window loses and doubles nothing: what may have been
// written is UNKNOWN until its receipt comes, and the rest goes after the rebind.
func TestFault_CutInMidWindow_NothingLostNothingDoubled(t *testing.T) {
	faults := faultsOf(t, "slow 200ms", "cut skip 30 times 1")
	inBubble(t, smppsim.SMSCConfig{Faults: faults}, func(c *storage.SMPPChannel) { c.Window = 20 }, func(t *testing.T, p *post) {
		var ids []storage.ID
		for i := range 60 {
			ids = append(ids, p.Submit(fmt.Sprintf("316123456%02d", i), "Hello"))
		}
		after(time.Hour)
		seen := map[string]int{}
		for _, sm := range p.submits() {
			seen[sm.Dest.Addr]++
		}
		unknown := storage.Millicredits(0)
		for _, id := range ids {
			m, err := p.R.Message(id)
			if err != nil {
				t.Fatal(err)
			}
			switch n := seen[m.Dest.Addr]; {
			case m.State == storage.Unknown && n <= 1:
				unknown++
			case m.State != storage.Delivered || n != 1:
				t.Errorf("the message to %s came %d times and is %s: %s", m.Dest.Addr, n, router.StateWord(m.State), m.Reason)
			}
		}
		if unknown < 1 || unknown > 20 { // the one that was cut off, and those behind it in the window
			t.Errorf("%d are UNKNOWN", unknown)
		}
		if b := p.Balance(); b.Spent != (60-unknown)*credit || b.Held != unknown*credit {
			t.Errorf("%+v", b)
		}
	})
}

// Faults begin and end while the gateway runs, and the channel follows.
func TestFault_BeginsAndEnds_WhileItRuns(t *testing.T) {
	inBubble(t, smppsim.SMSCConfig{}, nil, func(t *testing.T, p *post) {
		p.Ends(p.Submit("31612345678", "One"), storage.Delivered)
		p.smsc.SetFaults(faultsOf(t, "refuse 0x14")...)
		id := p.Submit("31612345678", "Two")
		after(time.Minute)
		up(storage.Enroute, "ESME_RMSGQFUL").check(t, "while the queue is full", p, id)
		if c := p.ch.Counts(); c.Throttled == 0 || p.ch.Limit() == 0 {
			t.Errorf("not slowed: %+v, limit %v", c, p.ch.Limit())
		}
		p.smsc.SetFaults()
		p.Ends(id, storage.Delivered)
	})
}
