package pdu

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Key says which message a segment belongs to, on one SIM. It is comparable. References come round again: a key stands for one
// message only until that one is complete or given up. [23.040 9.2.3.24.1]
type Key struct {
	OA        Address
	Reference uint16
	Wide      bool
	Total     uint8
}

// Key gives the segment's key; ok is false for a message of its own, without a concatenation element that makes sense.
func (d *Deliver) Key() (k Key, ok bool) {
	if d.Concat == nil {
		return Key{}, false
	}
	return Key{d.OA, d.Concat.Reference, d.Concat.Wide, d.Concat.Total}, true
}

// Same tells whether two segments are one that the network delivered twice, as it does after a late acknowledgement. Of two that share
// key and number but are not the same, the later one begins another message.
func (d *Deliver) Same(e *Deliver) bool {
	return d.OA == e.OA && d.SCTS.Equal(e.SCTS) && d.PID == e.PID && d.DCS == e.DCS &&
		bytes.Equal(d.UDH, e.UDH) && bytes.Equal(d.Data, e.Data)
}

// Missing stands in a joined text for each part that never came.
const Missing = "[...]"

// JoinText decodes a long message. parts are in order; a nil entry is a part that never came. Septets and UTF-16 are joined before they are
// decoded, so that a character cut in two is whole again.
func JoinText(parts []*Deliver) string {
	var b strings.Builder
	for len(parts) > 0 {
		if parts[0] == nil {
			b.WriteString(Missing)
			parts = parts[1:]
			continue
		}
		n := 1
		for n < len(parts) && alike(parts[0], parts[n]) {
			n++
		}
		b.WriteString(parts[0].decode(joinRun(parts[:n])))
		parts = parts[n:]
	}
	return b.String()
}

// alike tells whether b goes on in the alphabet and the tables of a.
func alike(a, b *Deliver) bool {
	return b != nil && a.Alphabet == b.Alphabet && a.Locking == b.Locking && a.Single == b.Single
}

// joinRun joins the data of parts that are alike; half a UTF-16 unit at the end of a part is dropped.
func joinRun(parts []*Deliver) []byte {
	if len(parts) == 1 {
		return parts[0].Data
	}
	var data []byte
	for _, p := range parts {
		n := len(p.Data)
		if p.Alphabet == UCS2 {
			n &^= 1
		}
		data = append(data, p.Data[:n]...)
	}
	return data
}

// JoinData gives the Data of the parts in one piece; nil entries are left out.
func JoinData(parts []*Deliver) []byte {
	var data []byte
	for _, p := range parts {
		if p != nil {
			data = append(data, p.Data...)
		}
	}
	return data
}

// Identity gives octets that are the same for a segment however it came, and different for any other: the network sends again by another
// service centre and with another TP-MMS, and a memory pads what it keeps. stamped is false when no time of a service centre with a
// clock is among them: the same may then be said twice.
func (d *Deliver) Identity() (id []byte, stamped bool) {
	stamped = d.SCTS.Year() >= 2000
	id = appendIdentity(nil, d.OA)
	id = binary.BigEndian.AppendUint64(id, uint64(d.SCTS.Unix()))
	id = append(id, d.PID, d.DCS, byte(len(d.UDH)))
	return append(append(id, d.UDH...), d.Data...), stamped
}

func appendIdentity(b []byte, a Address) []byte {
	return append(append(b, a.TON, a.NPI, byte(len(a.Addr))), a.Addr...)
}

// Identity is that of a Deliver, for a report.
func (r *StatusReport) Identity() []byte {
	id := appendIdentity([]byte{r.MR, r.ST}, r.RA)
	id = binary.BigEndian.AppendUint64(id, uint64(r.SCTS.Unix()))
	return binary.BigEndian.AppendUint64(id, uint64(r.DT.Unix()))
}
