package smppchan

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// joined puts the parts of a long message together as a client would that reads
// data_coding 0 in the alphabet, and says how they were told apart.
func joined(t *testing.T, parts []*smpp.DeliverSM, alphabet smpp.Alphabet) (text, form string) {
	t.Helper()
	for i, p := range parts {
		data := p.ShortMessage
		long, whole := p.TLVs.Get(smpp.TagMessagePayload)
		if whole {
			data = long
		}
		if len(p.ShortMessage) > 254 {
			t.Errorf("a short_message of %d octets", len(p.ShortMessage))
		}
		udh, s, err := smpp.DecodeUserData(p.ESMClass, p.DataCoding, alphabet, data)
		if err != nil {
			t.Errorf("part %d: %v", i+1, err)
		}
		text += s
		ref, sar := p.TLVs.Uint16(smpp.TagSARMsgRefNum)
		switch {
		case sar:
			total, _ := p.TLVs.Uint8(smpp.TagSARTotalSegments)
			number, _ := p.TLVs.Uint8(smpp.TagSARSegmentSeqnum)
			form = fmt.Sprintf("sar %04x", ref)
			expect(t, "sar_*", []int{int(total), int(number)}, []int{len(parts), i + 1})
		case whole:
			form = "payload"
		case len(udh) >= 6 && udh[len(udh)-5] == 0 && udh[len(udh)-4] == 3:
			form = fmt.Sprintf("udh %02x", udh[len(udh)-3])
			expect(t, "concatenation element", udh[len(udh)-5:], []byte{0, 3, udh[len(udh)-3], byte(len(parts)), byte(i + 1)})
			if octets := len(p.ShortMessage); p.DataCoding != smpp.CodingDefault && octets > 140 || alphabet == smpp.GSM0338Packed && octets > 140 {
				t.Errorf("a part of %d octets is longer than a handset's", octets)
			}
		default:
			form = "one"
		}
	}
	return text, form
}

func TestDeliverSM_LongForms(t *testing.T) {
	gsm, ucs := strings.Repeat("Hello {you}! ", 40), strings.Repeat("привет 😀 ", 40)
	for _, c := range []struct {
		name, form, text string
		version          uint8
		parts            int
		want             string
	}{
		{"short", "", "Hi", smpp.Version34, 1, "one"},
		{"254 octets by payload", "", gsm[:215], smpp.Version34, 1, "one"},
		{"long by payload", "", gsm, smpp.Version34, 1, "payload"},
		{"long by payload to 3.3", "", gsm, smpp.Version33, 4, "udh 04"},
		{"160 septets by udh", "udh", strings.Repeat("x", 160), smpp.Version34, 1, "one"},
		{"161 septets by udh", "udh", strings.Repeat("x", 161), smpp.Version34, 2, "udh 04"},
		{"long by udh", "udh", gsm, smpp.Version34, 4, "udh 04"},
		{"70 characters of UCS-2 by udh", "udh", strings.Repeat("я", 70), smpp.Version34, 1, "one"},
		{"71 characters of UCS-2 by udh", "udh", strings.Repeat("я", 71), smpp.Version34, 2, "udh 04"},
		{"long UCS-2 by udh", "udh", ucs, smpp.Version34, 6, "udh 04"},
		{"long by sar", "sar", gsm, smpp.Version34, 4, "sar 0304"},
		{"long UCS-2 by sar", "sar", ucs, smpp.Version50, 6, "sar 0304"},
		{"long by sar to 3.3", "sar", gsm, smpp.Version33, 4, "udh 04"},
	} {
		m := &storage.Message{ID: 0x10020304, Kind: storage.MO, Text: c.text}
		parts, err := deliverSM(m, c.version, habitsOf(storage.User{LongForm: c.form}))
		if err != nil {
			t.Fatal(err)
		}
		text, form := joined(t, parts, smpp.GSM0338)
		if text != c.text || form != c.want || len(parts) != c.parts {
			t.Errorf("%s: %d parts by %s: %q", c.name, len(parts), form, text)
		}
	}
}

func TestDeliverSM_Alphabets(t *testing.T) {
	long := strings.Repeat("Hello @you, ", 30)
	for _, c := range []struct {
		alphabet, text string
		octets         string // of the short_message, when it is short
		coding         smpp.DataCoding
	}{
		{"", "a@b é", "a\x00b \x05", 0},
		{"gsm", "a@b é", "a\x00b \x05", 0},
		{"gsm", "ç", "\x00\xe7", 8},
		{"latin1", "a@b é ç", "a@b \xe9 \xe7", 0},
		{"latin1", "€", "\x20\xac", 8},
		{"ascii", "a@b {}", "a@b {}", 0},
		{"ascii", "é", "\x00\xe9", 8},
		{"gsm-packed", "hello", "\xe8\x32\x9b\xfd\x06", 0},
		{"gsm-packed", "я", "\x04\x4f", 8},
		{"latin1", long, "", 0}, {"ascii", long, "", 0}, {"gsm-packed", long, "", 0}, {"gsm", long, "", 0},
	} {
		for _, form := range []string{"payload", "udh", "sar"} {
			h := habitsOf(storage.User{Alphabet: c.alphabet, LongForm: form})
			parts, err := deliverSM(&storage.Message{ID: 7, Kind: storage.MO, Text: c.text}, smpp.Version34, h)
			if err != nil {
				t.Fatal(err)
			}
			if text, _ := joined(t, parts, h.alphabet); text != c.text || parts[0].DataCoding != c.coding {
				t.Errorf("%s by %s: data_coding %d, %q", c.alphabet, form, parts[0].DataCoding, text)
			}
			if got := parts[0].ShortMessage; c.octets != "" && string(got) != c.octets {
				t.Errorf("%s: % x, want % x", c.alphabet, got, c.octets)
			}
		}
	}
}

// A text with a header of its own is packed from the septet boundary after it.
func TestDeliverSM_PackedWithAHeader(t *testing.T) {
	ports := []byte{6, 5, 4, 0x15, 0x83, 0x15, 0x83}
	for _, text := range []string{"hello", strings.Repeat("hello ", 60)} {
		m := &storage.Message{ID: 7, Kind: storage.MO, UDH: ports, Text: text}
		for _, form := range []string{"payload", "udh"} {
			parts, err := deliverSM(m, smpp.Version34, habitsOf(storage.User{Alphabet: "gsm-packed", LongForm: form}))
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := joined(t, parts, smpp.GSM0338Packed); got != text {
				t.Errorf("by %s: %q", form, got)
			}
			if sm := parts[0].ShortMessage; len(sm) > 0 && !bytes.Contains(sm, ports[1:]) {
				t.Errorf("by %s: the header is lost: % x", form, sm)
			}
		}
	}
}

// Septets that are no whole text go to a client that reads septets as they are,
// to another one with a mark.
func TestDeliverSM_OctetsOfTheDefaultAlphabet(t *testing.T) {
	m := &storage.Message{Kind: storage.MO, Data: []byte("caf\x05 cut\x1b")}
	for alphabet, want := range map[string]string{"gsm": "caf\x05 cut\x1b", "latin1": "caf\xe9 cut"} {
		parts, err := deliverSM(m, smpp.Version34, habitsOf(storage.User{Alphabet: alphabet}))
		if err != nil || !strings.HasPrefix(string(parts[0].ShortMessage), want) {
			t.Errorf("%s: %q, %v", alphabet, parts[0].ShortMessage, err)
		}
	}
	binary := &storage.Message{Kind: storage.MO, DataCoding: 4, Data: bytes.Repeat([]byte{0xFF, 0x1B}, 100)}
	parts, err := deliverSM(binary, smpp.Version34, habitsOf(storage.User{Alphabet: "gsm-packed", LongForm: "udh"}))
	if err != nil || len(parts) != 2 || len(parts[0].ShortMessage) != 140 || parts[0].DataCoding != 4 {
		t.Errorf("binary: %d parts, %v", len(parts), err)
	}
}

func TestDeliverSM_Receipt_ReadInEveryAlphabet(t *testing.T) {
	m := aReceipt("31612345678", "100", "")
	m.About.Text = "Héllo @ €"
	for _, alphabet := range []string{"", "latin1", "ascii", "gsm-packed"} {
		h := habitsOf(storage.User{Alphabet: alphabet, LongForm: "udh"})
		parts, err := deliverSM(m, smpp.Version34, h)
		if err != nil || len(parts) != 1 {
			t.Fatalf("%d parts, %v", len(parts), err)
		}
		text, err := smpp.DecodeText(0, h.alphabet, parts[0].ShortMessage)
		if err != nil || !strings.HasPrefix(text, "id:10000000 ") || !strings.Contains(text, "stat:DELIVRD") || !utf8.ValidString(text) {
			t.Errorf("%s: %q, %v", alphabet, text, err)
		}
	}
}

// A change of the user holds for the next message.
func TestDeliver_LongFormAndAlphabetOfTheUser_ChangedWhileBound(t *testing.T) {
	g := newReception(t, smppd.Config{})
	p := g.call(smpp.Bind{}, all(smpp.StatusOK))
	text := strings.Repeat("Hello café ", 30)
	for _, c := range []struct {
		longForm, alphabet, want string
		parts                    int
		reads                    smpp.Alphabet
	}{{"", "", "payload", 1, smpp.GSM0338}, {"udh", "gsm-packed", "udh", 3, smpp.GSM0338Packed}, {"sar", "latin1", "sar", 3, smpp.Latin1}} {
		g.edit(func(u *storage.User) { u.LongForm, u.Alphabet = c.longForm, c.alphabet })
		g.await(g.mo("a", "31610", text), storage.Delivered)
		var parts []*smpp.DeliverSM
		for range c.parts {
			parts = append(parts, <-p.got)
		}
		if got, form := joined(t, parts, c.reads); got != text || !strings.HasPrefix(form, c.want) {
			t.Errorf("by %s: %q", form, got)
		}
	}
}

func TestDeliverSM_ReferencesDifferFromMessageToMessage(t *testing.T) {
	seen := map[byte]bool{}
	for i := range 256 {
		m := &storage.Message{ID: storage.FirstID + storage.ID(i), Kind: storage.MO, Text: strings.Repeat("x", 200)}
		parts, err := deliverSM(m, smpp.Version34, habits{longForm: byUDH})
		if err != nil {
			t.Fatal(err)
		}
		seen[parts[0].ShortMessage[3]] = true
	}
	expect(t, "references of 256 messages", len(seen), 256)
}
