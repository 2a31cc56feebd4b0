package smpp

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math"
	"slices"
)

// Tag is the tag of an optional parameter. [SMPP34 5.3.2]
type Tag uint16

// TLVs holds optional parameters as they are on the wire: in their order, with
// unknown and repeated ones.
type TLVs []byte

const tlvHeader = 4 // tag and length, two octets each

// All returns the parameters in their order. It stops at the first one that
// overruns the end; Parse and Append let no such TLVs pass.
func (t TLVs) All() iter.Seq2[Tag, []byte] {
	return func(yield func(Tag, []byte) bool) {
		for rest := t; len(rest) >= tlvHeader; {
			end := tlvHeader + int(binary.BigEndian.Uint16(rest[2:]))
			if end > len(rest) || !yield(Tag(binary.BigEndian.Uint16(rest)), rest[tlvHeader:end:end]) {
				return
			}
			rest = rest[end:]
		}
	}
}

// scan returns where the stream of parameters breaks, and how; "" when it does
// not. [SMPP50 4.7.6]
func (t TLVs) scan() (offset int, reason string) {
	for offset < len(t) {
		left := t[offset:]
		if len(left) < tlvHeader {
			return offset, "1 to 3 octets are left over"
		}
		n := tlvHeader + int(binary.BigEndian.Uint16(left[2:]))
		if n > len(left) {
			return offset, "a parameter overruns the PDU"
		}
		offset += n
	}
	return offset, ""
}

// Get returns the value of the first parameter with this tag.
func (t TLVs) Get(tag Tag) ([]byte, bool) {
	for g, v := range t.All() {
		if g == tag {
			return v, true
		}
	}
	return nil, false
}

// Has reports whether there is a parameter with this tag.
func (t TLVs) Has(tag Tag) bool {
	_, ok := t.Get(tag)
	return ok
}

// Uint8 returns the value of an integer parameter of one octet; false when it
// is not there or of another length.
func (t TLVs) Uint8(tag Tag) (uint8, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 1 {
		return v[0], true
	}
	return 0, false
}

// Uint16 returns the value of an integer parameter of two octets.
func (t TLVs) Uint16(tag Tag) (uint16, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 2 {
		return binary.BigEndian.Uint16(v), true
	}
	return 0, false
}

// Uint32 returns the value of an integer parameter of four octets.
func (t TLVs) Uint32(tag Tag) (uint32, bool) {
	if v, ok := t.Get(tag); ok && len(v) == 4 {
		return binary.BigEndian.Uint32(v), true
	}
	return 0, false
}

// CString returns the value of a C-octet string parameter up to its NUL. Peers
// leave the NUL out at times: then it is the whole value.
func (t TLVs) CString(tag Tag) (string, bool) {
	v, ok := t.Get(tag)
	if !ok {
		return "", false
	}
	if n := bytes.IndexByte(v, 0); n >= 0 {
		v = v[:n]
	}
	return string(v), true
}

// Append returns t with one more parameter. A value of more than 65535 octets
// cannot be written: t then ends in a parameter without its value, which the
// writing of the PDU refuses.
func (t TLVs) Append(tag Tag, value []byte) TLVs {
	if len(value) > math.MaxUint16 {
		return t.head(tag, math.MaxUint16)
	}
	return append(t.head(tag, len(value)), value...)
}

func (t TLVs) head(tag Tag, n int) TLVs {
	t = binary.BigEndian.AppendUint16(t, uint16(tag))
	return binary.BigEndian.AppendUint16(t, uint16(n))
}

// AppendUint8 returns t with an integer parameter of one octet.
func (t TLVs) AppendUint8(tag Tag, v uint8) TLVs { return append(t.head(tag, 1), v) }

// AppendUint16 returns t with an integer parameter of two octets.
func (t TLVs) AppendUint16(tag Tag, v uint16) TLVs {
	return binary.BigEndian.AppendUint16(t.head(tag, 2), v)
}

// AppendUint32 returns t with an integer parameter of four octets.
func (t TLVs) AppendUint32(tag Tag, v uint32) TLVs {
	return binary.BigEndian.AppendUint32(t.head(tag, 4), v)
}

// AppendCString returns t with a C-octet string parameter.
func (t TLVs) AppendCString(tag Tag, s string) TLVs {
	return t.Append(tag, append([]byte(s), 0))
}

// Without returns a copy of t that lacks the parameters with these tags.
func (t TLVs) Without(tags ...Tag) TLVs {
	var out TLVs
	for g, v := range t.All() {
		if !slices.Contains(tags, g) {
			out = out.Append(g, v)
		}
	}
	return out
}
