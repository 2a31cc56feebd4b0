package smppsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gsmgate/smppd/smpp"
)

// idForms are the ways in which providers write the number of a message. The
// numbers begin where decimal and hexadecimal look different.
var idForms = map[string]func(n uint64) string{
	"hex":   numbered("%x"),
	"HEX":   numbered("%X"),
	"0hex":  numbered("%010x"),
	"0HEX":  numbered("%010X"),
	"dec":   numbered("%d"),
	"0dec":  numbered("%012d"),
	"blank": numbered(" %x "),
	"uuid": func(n uint64) string {
		return fmt.Sprintf("6f9619ff-8b86-d011-b42d-%012x", firstNumber+n)
	},
	"UUID": func(n uint64) string {
		return fmt.Sprintf("6F9619FF-8B86-D011-B42D-%012X", firstNumber+n)
	},
}

const firstNumber = 0xABC0

func numbered(format string) func(uint64) string {
	return func(n uint64) string { return fmt.Sprintf(format, firstNumber+n) }
}

func formNames() string { return strings.Join(slices.Sorted(maps.Keys(idForms)), ", ") }

// receiptParts is what a receipt is made of.
type receiptParts struct {
	smpp.Receipt

	word    string // in place of that of State
	text    func(*receiptParts) string
	cause   byte // of the network [24.011 8.2.5.4]
	class   smpp.ESMClass
	coding  smpp.DataCoding
	noTLVs  bool
	noText  bool
	payload bool // the text is in message_payload
	source  string
}

// stat is the word for the state.
func (p *receiptParts) stat() string {
	if p.word != "" {
		return p.word
	}
	return p.State.ReceiptWord()
}

// usual is the text that most providers send. [SMPP34 Appendix B]
func usual(p *receiptParts) string {
	return strings.Replace(p.Format(), " stat:"+p.State.ReceiptWord(), " stat:"+p.stat(), 1)
}

// receiptEdit is a way in which a receipt may look.
type receiptEdit struct {
	help string
	do   func(*receiptParts)
}

// receiptEdits are what real providers send, by the name of the fault.
var receiptEdits = map[string]receiptEdit{
	"no-tlvs":  {"the receipt has its text alone", func(p *receiptParts) { p.noTLVs = true }},
	"no-text":  {"the receipt has its TLVs alone", func(p *receiptParts) { p.noText = true }},
	"no-class": {"esm_class does not say that it is a receipt", func(p *receiptParts) { p.class = 0 }},
	"payload":  {"the text of the receipt is in message_payload", func(p *receiptParts) { p.payload, p.noTLVs = true, true }},
	"short":    {"the text has id: and stat: alone, without blanks around them", texted(func(p *receiptParts) string { return "id:" + p.ID + " stat:" + p.stat() })},
	"capitals": {"the text is in capitals, with no err:", texted(func(p *receiptParts) string { return "ID:" + strings.ToUpper(p.ID) + " STAT:" + p.stat() + " TEXT:" })},
	"turned": {"the fields of the text stand in another order", texted(func(p *receiptParts) string {
		return "stat:" + p.stat() + " err:" + p.Err + " id:" + p.ID + " sub:1 dlvrd:1"
	})},
	"seconds":      {"the dates have seconds, and a century", texted(seconds)},
	"ucs2":         {"the text is in UCS-2", func(p *receiptParts) { p.coding, p.noTLVs = smpp.CodingUCS2, true }},
	"chatty":       {"words stand before the text, and a second stat: in the message that it quotes", texted(func(p *receiptParts) string { return "Delivery report " + usual(p) + "id:1 stat:UNDELIV" })},
	"nonsense":     {"the text says nothing", texted(func(*receiptParts) string { return "thank you for your order" })},
	"wrong-source": {"the receipt comes from another number than the message went to", func(p *receiptParts) { p.source = "4477" }},
}

// texted is for receipts that are told by their text alone.
func texted(text func(*receiptParts) string) func(*receiptParts) {
	return func(p *receiptParts) { p.text, p.noTLVs = text, true }
}

func seconds(p *receiptParts) string {
	const form = "20060102150405"
	return fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:%s done date:%s stat:%s err:%s text:",
		p.ID, p.SubmitDate.Format(form), p.DoneDate.Format(form), p.stat(), p.Err)
}

// receiptFor gives the parts of the receipt of the n-th message.
func (s *SMSC) receiptFor(n uint64, id string, submitted time.Time) receiptParts {
	p := receiptParts{Receipt: smpp.Receipt{ID: id, Sub: 1, Dlvrd: 1, SubmitDate: submitted.UTC(), DoneDate: time.Now().UTC(), State: s.finalState(n)},
		text: usual, class: smpp.TypeDeliveryReceipt}
	return p
}

// pdu puts a receipt together. [SMPP34 Appendix B]
func (p *receiptParts) pdu(sm *smpp.SubmitSM, more smpp.TLVs) *smpp.DeliverSM {
	if p.State != smpp.StateDelivered {
		p.Dlvrd, p.Err, p.cause = 0, "001", 1 // unassigned number [24.011 8.2.5.4]
	}
	d := &smpp.DeliverSM{ServiceType: sm.ServiceType, Source: sm.Dest, Dest: sm.Source, ESMClass: p.class, DataCoding: p.coding}
	if p.source != "" {
		d.Source.Addr = p.source
	}
	if !p.noTLVs {
		d.TLVs = d.TLVs.AppendCString(smpp.TagReceiptedMessageID, p.ID).
			AppendUint8(smpp.TagMessageState, uint8(p.State)).
			Append(smpp.TagNetworkErrorCode, []byte{3, 0, p.cause}) // 3: GSM
	}
	if text := p.text(p); p.noText {
	} else if octets, err := smpp.EncodeText(p.coding, smpp.GSM0338, text); err == nil && (p.payload || len(octets) > 254) {
		d.TLVs = d.TLVs.Append(smpp.TagMessagePayload, octets)
	} else if err == nil {
		d.ShortMessage = octets
	}
	d.TLVs = append(d.TLVs[:len(d.TLVs):len(d.TLVs)], more...)
	return d
}
