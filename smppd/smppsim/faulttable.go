package smppsim

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"gsmgate/smppd/smpp"
)

// faultKind is a fault that a person can name. read takes its words off and
// returns what it does.
type faultKind struct {
	usage, help string
	binds       bool
	read        func(a *faultArgs) func(*conduct)
}

func (k faultKind) name() string {
	name, _, _ := strings.Cut(k.usage, " ")
	return name
}

// faultTable has all faults, in the order in which a message meets them.
func faultTable() []faultKind {
	return slices.Concat(bindFaults(), submitFaults(), answerFaults(), receiptFaults())
}

func plain(do func(*conduct)) func(*faultArgs) func(*conduct) {
	return func(*faultArgs) func(*conduct) { return do }
}

func bindFaults() []faultKind {
	return []faultKind{
		{"bind-refuse [STATUS]", "refuses a bind, with ESME_RBINDFAIL", true, func(a *faultArgs) func(*conduct) {
			s := a.status("0x0D")
			return func(c *conduct) { c.status = s }
		}},
		{"bind-nack [STATUS]", "answers a bind with generic_nack", true, func(a *faultArgs) func(*conduct) {
			s := a.status("0x03")
			return func(c *conduct) { c.nack = s }
		}},
		{"bind-silent", "never answers a bind", true, plain(func(c *conduct) { c.lose = true })},
		{"bind-cut", "closes the connection at a bind", true, plain(func(c *conduct) { c.cut = true })},
		{"bind-garbage", "answers a bind with what is no PDU", true, plain(func(c *conduct) { c.garbage = 64 })},
	}
}

// submitFaults are those after which the SMSC does not have the message.
func submitFaults() []faultKind {
	return []faultKind{
		{"refuse [STATUS]", "refuses a message, with ESME_RTHROTTLED; 0x14 is ESME_RMSGQFUL", false, func(a *faultArgs) func(*conduct) {
			s := a.status("0x58")
			return func(c *conduct) { c.status = s }
		}},
		{"nack [STATUS]", "answers a message with generic_nack, ESME_RINVCMDID", false, func(a *faultArgs) func(*conduct) {
			s := a.status("0x03")
			return func(c *conduct) { c.nack = s }
		}},
		{"lose", "takes no notice of a message", false, plain(func(c *conduct) { c.lose = true })},
		{"cut", "closes the connection at a message, which it does not take", false, plain(func(c *conduct) { c.cut = true })},
	}
}

// answerFaults are those after which it does.
func answerFaults() []faultKind {
	return []faultKind{
		{"silent", "takes a message and never answers", false, plain(func(c *conduct) { c.silent = true })},
		{"cut-after", "takes a message and closes the connection", false, plain(func(c *conduct) { c.cutAfter = true })},
		{"slow TIME", "answers so much later", false, func(a *faultArgs) func(*conduct) {
			d := a.duration()
			return func(c *conduct) { c.slow = d }
		}},
		{"sequence [N]", "answers with a sequence_number that is N too high, 1000", false, func(a *faultArgs) func(*conduct) {
			n := uint32(a.number("1000", 16))
			return func(c *conduct) { c.sequence = n }
		}},
		{"no-id", "answers without a message_id", false, plain(func(c *conduct) { c.noID = true })},
		{"broken", "answers with a message_id that has no end", false, plain(func(c *conduct) { c.broken = true })},
		{"half", "answers with half a PDU, and never writes on that connection again", false, plain(func(c *conduct) { c.half = true })},
		{"garbage [N]", "answers with N octets that are no PDU, 64", false, func(a *faultArgs) func(*conduct) {
			n := int(a.number("64", 16))
			return func(c *conduct) { c.garbage = n }
		}},
		{"hang", "after the answer never writes on that connection again", false, plain(func(c *conduct) { c.hang = true })},
		{"unbind", "after the answer unbinds", false, plain(func(c *conduct) { c.unbind = true })},
		{"ids FORM", "message_id in answers: " + formNames(), false, func(a *faultArgs) func(*conduct) {
			form := a.form()
			return func(c *conduct) { c.ids = form }
		}},
		{"tlv [TAG [HEX]]", "a vendor's TLV in answers and receipts, 0x1400", false, func(a *faultArgs) func(*conduct) {
			tag, text := smpp.Tag(a.number("0x1400", 16)), a.next("beef")
			value, err := hex.DecodeString(text)
			if err != nil || len(value) > 1000 {
				a.wrong("%q is not an even number of hexadecimal digits", text)
			}
			return func(c *conduct) { c.tlvs = c.tlvs.Append(tag, value) }
		}},
	}
}

func receiptFaults() []faultKind {
	all := []faultKind{
		{"early", "the receipt comes before the answer", false, plain(func(c *conduct) { c.early = true })},
		{"late TIME", "the receipt comes so much later", false, func(a *faultArgs) func(*conduct) {
			d := a.duration()
			return func(c *conduct) { c.late = d }
		}},
		{"twice", "the receipt comes twice", false, plain(func(c *conduct) { c.twice = true })},
		{"never", "no receipt comes", false, plain(func(c *conduct) { c.never = true })},
		{"notice STATE", "before the receipt comes one with this state, such as ACCEPTD", false, func(a *faultArgs) func(*conduct) {
			s := a.state()
			return func(c *conduct) { c.before = s }
		}},
		{"receipt-ids FORM", "message_id in receipts", false, func(a *faultArgs) func(*conduct) {
			form := a.form()
			return func(c *conduct) { c.receiptIDs = form }
		}},
		{"state STATE", "the receipt says so: DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD", false, func(a *faultArgs) func(*conduct) {
			s := a.state()
			return edit(func(p *receiptParts) { p.State = s })
		}},
		{"stat WORD", "the text of the receipt has this word for its state, and no TLV has it", false, func(a *faultArgs) func(*conduct) {
			w := a.next("DELIVERED")
			return edit(func(p *receiptParts) { p.word, p.noTLVs = w, true })
		}},
	}
	for _, name := range slices.Sorted(maps.Keys(receiptEdits)) {
		e := receiptEdits[name]
		all = append(all, faultKind{name, e.help, false, plain(edit(e.do))})
	}
	return all
}

func edit(do func(*receiptParts)) func(*conduct) {
	return func(c *conduct) { c.edits = append(c.edits, do) }
}

func (a *faultArgs) state() smpp.MessageState {
	w := a.next("")
	s, ok := smpp.ParseReceiptWord(w)
	if !ok && !strings.EqualFold(w, "UNKNOWN") {
		a.wrong("%q is no state", w)
	}
	return s
}

func (a *faultArgs) form() func(uint64) string {
	w := a.next("")
	form := idForms[w]
	if form == nil {
		a.wrong("%q is no form of a message_id: %s", w, formNames())
	}
	return form
}
