package pdu

// Key says which message a segment belongs to, on one SIM. It is comparable.
type Key struct {
	OA        Address
	Reference uint16
	Wide      bool
	Total     uint8
}

// Key gives the segment's key; ok is false for a message of one segment without concatenation.
func (d *Deliver) Key() (k Key, ok bool) { return Key{}, false }

// Missing stands in a joined text for each part that never came.
const Missing = "[...]"

// JoinText decodes a long message. parts are in order; a nil entry is a part that never came. Septets and UTF-16 are joined before they are
// decoded, so that a character cut in two is whole again.
func JoinText(parts []*Deliver) string { return "" }

// JoinData gives the Data of the parts in one piece; nil entries are left out.
func JoinData(parts []*Deliver) []byte { return nil }
