package smpp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
)

// fieldKind says how the octets of a field are to be read.
type fieldKind uint8

const (
	kindInteger fieldKind = iota
	kindText              // without its NUL
	kindMessage           // short_message
	kindTLV               // the value of an optional parameter
)

// A visitor is told of each field of a PDU, in order: its name and where in the PDU it stands.
type visitor func(name string, kind fieldKind, from, to int)

func (c *coder) saw(name string, kind fieldKind, from, to int) {
	if c.visit != nil {
		c.visit(name, kind, from, to)
	}
}

// sawTLVs tells of the parameters up to the one that breaks the stream.
func (c *coder) sawTLVs(v TLVs) {
	if c.visit == nil {
		return
	}
	at := c.off
	for tag, value := range v.All() {
		at += tlvHeader
		c.visit(tag.String(), kindTLV, at, at+len(value))
		at += len(value)
	}
}

// walk shows visit the fields of a PDU, as far as they can be told apart; a PDU that is cut short
// or malformed has some, too. It returns where the rest begins that cannot be.
func walk(frame []byte, visit visitor) (rest int) {
	if len(frame) < HeaderLen {
		return len(frame)
	}
	p := newPDU(commandOf(frame))
	if p == nil {
		return HeaderLen
	}
	c := coder{b: frame, off: HeaderLen, visit: visit}
	if c.body(p); c.err == nil {
		return len(frame)
	}
	return c.off
}

func commandOf(frame []byte) CommandID { return CommandID(binary.BigEndian.Uint32(frame[4:])) }

// Field is one field of a PDU for people to read.
type Field struct {
	Name  string // as in the specification
	Value string // integers in decimal or, where bits count, hexadecimal; text as it is, else hexadecimal
}

// Fields returns the fields after the header of a PDU, which may be cut short or malformed: then
// the rest that cannot be told apart is a last one, named "rest".
func Fields(frame []byte) []Field {
	var all []Field
	rest := walk(frame, func(name string, kind fieldKind, from, to int) {
		isInteger := kind == kindInteger || kind == kindTLV && tagAt(frame, from).integer(to-from)
		all = append(all, Field{name, fieldValue(name, isInteger, frame[from:to])})
	})
	if rest < len(frame) {
		all = append(all, Field{"rest", hex.EncodeToString(frame[rest:])})
	}
	return all
}

// integer reports whether a value of n octets of the parameter is a number.
func (t Tag) integer(n int) bool {
	r := t.rule()
	return r.name != "" && r.min == r.max && n == r.max && (n == 1 || n == 2 || n == 4)
}

func fieldValue(name string, isInteger bool, b []byte) string {
	if isInteger {
		return integerValue(name, b)
	}
	if len(b) > 1 && b[len(b)-1] == 0 {
		b = b[:len(b)-1] // of a C-octet string in a parameter
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return hex.EncodeToString(b)
		}
	}
	return string(b)
}

func integerValue(name string, b []byte) string {
	n := bigEndian(b)
	switch name {
	case "esm_class", "registered_delivery", "data_coding", "interface_version":
		return fmt.Sprintf("0x%02X", n)
	case "message_state":
		return MessageState(n).String()
	case "error_status_code":
		return CommandStatus(n).String()
	}
	return strconv.FormatUint(n, 10)
}

func bigEndian(b []byte) (n uint64) {
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
