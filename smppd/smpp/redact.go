package smpp

import (
	"bytes"
	"encoding/binary"
)

// masked stands in place of each octet that is not to be seen. It is a character of every C-octet
// string, and no NUL.
const masked = '*'

func mask(b []byte) {
	for i := range b {
		b[i] = masked
	}
}

// Redact returns a copy of a PDU that may be shown to people: of the same length, with texts, the
// addresses of subscribers, passwords, and what may hold any of these masked. A PDU that parses
// still does. One that is cut short or malformed keeps what can be told apart; the rest is masked.
func Redact(frame []byte) []byte {
	out := bytes.Clone(frame)
	udhi := false
	rest := walk(frame, func(name string, kind fieldKind, from, to int) {
		switch {
		case name == "esm_class":
			udhi = ESMClass(frame[from]).UDHI()
		case kind == kindMessage, kind == kindTLV && tagAt(frame, from) == TagMessagePayload:
			from += keptUDH(udhi, frame[from:to])
			mask(out[from:to])
		case kind == kindTLV && !harmless(frame, from, to), kind == kindText && private(name):
			mask(out[from:to])
		}
	})
	mask(out[rest:])
	return out
}

// private reports whether a text is somebody's number, or a password.
func private(name string) bool {
	switch name {
	case "source_addr", "destination_addr", "esme_addr", "password":
		return true
	}
	return false
}

// harmless reports whether the parameter whose value stands at from says nothing of anybody: a
// known one of a few octets, or a message_id.
func harmless(frame []byte, from, to int) bool {
	tag := tagAt(frame, from)
	r := tag.rule()
	return r.name != "" && to-from <= r.max && (r.max <= 4 || tag == TagReceiptedMessageID)
}

// tagAt is the tag of the parameter whose value stands at from.
func tagAt(frame []byte, from int) Tag { return Tag(binary.BigEndian.Uint16(frame[from-tlvHeader:])) }

// keptUDH is the length of the user data header that a text begins with, 0 when that is no
// beyond doubt: a client may say that there is one, and send text. [23.040 9.2.3.24]
func keptUDH(udhi bool, text []byte) int {
	if !udhi || len(text) == 0 || int(text[0]) >= len(text) {
		return 0
	}
	end := 1 + int(text[0])
	for ie := text[1:end]; len(ie) > 0; {
		if len(ie) < 2 || len(ie) < 2+int(ie[1]) || int(ie[1]) != lengthOfIE(ie[0]) {
			return 0
		}
		ie = ie[2+ie[1]:]
	}
	return end
}

// lengthOfIE is how long an information element of those is that are in use and hold no content;
// -1 for others. [23.040 9.2.3.24]
func lengthOfIE(id byte) int {
	switch id {
	case 0x00: // concatenation, 8-bit reference
		return 3
	case 0x04: // ports, 8-bit
		return 2
	case 0x05, 0x08: // ports, 16-bit; concatenation, 16-bit reference
		return 4
	case 0x24, 0x25: // national languages
		return 1
	}
	return -1
}

// HidePassword masks, in place, the password of a bind or outbind, with all that may hold one when
// the fields cannot be told apart. Other PDUs it leaves as they are.
func HidePassword(frame []byte) {
	if len(frame) < HeaderLen {
		return
	}
	if id := commandOf(frame); !id.IsBind() && id != IDOutbind {
		return
	}
	rest := walk(frame, func(name string, kind fieldKind, from, to int) {
		if name == "password" || kind == kindTLV {
			mask(frame[from:to])
		}
	})
	mask(frame[rest:])
}
