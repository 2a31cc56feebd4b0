package pdu

import "time"

const maxSegments = 255 // the element's total is one octet [23.040 9.2.3.24.1]

// Options are the fields that all segments of a message share.
type Options struct {
	Dest             Address
	ProtocolID       uint8
	Class            Class         // SplitText only: the others take a whole DCS
	StatusReport     bool          // TP-SRR on every segment
	RejectDuplicates bool          // TP-RD
	ReplyPath        bool          // TP-RP on every segment
	Validity         time.Duration // 0 none; see RelativeVP for its steps
	UDH              []byte        // elements for every segment, without UDHL, none of concatenation (ports, say); nil for none
	Reference        uint16        // concatenation reference; the low octet only unless WideReference
	WideReference    bool          // 16 bit references: one octet less room a segment
	MessageReference uint8         // TP-MR of the first segment; the next ones count on from it, modulo 256
}

// room is what a segment holds, in septets, octets, or UTF-16 units.
type room struct{ single, multi int }

// roomFor gives the room that elements of udhLen octets leave, beside a concatenation element of concatLen octets when there are
// several segments. [23.040 9.2.3.24.1]
func roomFor(a Alphabet, udhLen, concatLen int) room {
	single := 0
	if udhLen > 0 {
		single = 1 + udhLen
	}
	return room{capacity(a, single), capacity(a, 1+udhLen+concatLen)}
}

// capacity gives the room behind a header of n octets, UDHL included; -1 when the header itself does not fit.
func capacity(a Alphabet, n int) int {
	switch {
	case n > maxUD:
		return -1
	case a == GSM7:
		_, septets := fill(n)
		return maxUDSeptets - septets
	case a == UCS2:
		return (maxUD - n) / 2
	}
	return maxUD - n
}

// Lengths of the concatenation elements.
const (
	concat8Len  = 5
	concat16Len = 6
)

// concatLen gives the length of the concatenation element that o asks for.
func (o *Options) concatLen() int {
	if o.WideReference {
		return concat16Len
	}
	return concat8Len
}

// Fit says how a text would be carried: the alphabet, and the number of segments with an 8 bit reference. udhLen is the
// length of the user data header elements that each segment carries besides concatenation (6 for ports, 0 for none).
// A count of 0 means that the header leaves no room; one over 255 cannot be sent. It allocates nothing.
func Fit(text string, udhLen int) (Alphabet, int) { return fit(text, max(0, udhLen), concat8Len) }

// Fit is the function Fit with the header elements and the kind of reference of o.
func (o *Options) Fit(text string) (Alphabet, int) { return fit(text, len(o.UDH), o.concatLen()) }

func fit(text string, udhLen, concatLen int) (Alphabet, int) {
	if n, ok := fitGSM7(text, roomFor(GSM7, udhLen, concatLen)); ok {
		return GSM7, n
	}
	return UCS2, fitUCS2(text, roomFor(UCS2, udhLen, concatLen))
}

// counter counts the segments of characters that come one after the other.
type counter struct {
	room            room
	total, used, in int // units in all, units in this segment, full segments
	widest          int // units of the widest character
}

// add takes a character of n units.
func (c *counter) add(n int) {
	c.total += n
	c.used += n
	c.widest = max(c.widest, n)
	if c.used > c.room.multi {
		c.used = n
		c.in++
	}
}

// segments gives the count; 0 when a character finds no room.
func (c *counter) segments() int {
	switch {
	case c.total <= c.room.single:
		return 1
	case c.room.multi < c.widest:
		return 0
	}
	return c.in + 1
}

// fitGSM7 counts the segments in the default alphabet; ok is false when the text is not in it.
func fitGSM7(text string, r room) (n int, ok bool) {
	c := counter{room: r}
	for _, r := range text {
		s := septetFor(r)
		if s == notGSM7 {
			return 0, false
		}
		c.add(septetWidth(s))
	}
	return c.segments(), true
}

// fitUCS2 counts the segments in UTF-16.
func fitUCS2(text string, r room) int {
	c := counter{room: r}
	for _, r := range text {
		c.add(utf16Width(r))
	}
	return c.segments()
}

// SplitText cuts a text into the least number of segments. Neither an extension character nor a surrogate pair is cut.
// Octets that are not UTF-8 become U+FFFD each. Errors: ErrAlphabet (text not in GSM7, or alphabet Data8), ErrTooLong (over 255
// segments, or a header that leaves no room), ErrHeader.
func SplitText(text string, alphabet Alphabet, o Options) ([]Submit, error) {
	var data []byte
	switch alphabet {
	case GSM7:
		septets, ok := EncodeSeptets(text)
		if !ok {
			return nil, refuse("TP-UD", ErrAlphabet)
		}
		data = septets
	case UCS2:
		data = make([]byte, 0, 2*len(text))
		for _, r := range text {
			data = appendUTF16(data, r)
		}
	default:
		return nil, refuse("TP-UD", ErrAlphabet)
	}
	return o.split(data, alphabet, textDCS(alphabet, o.Class))
}

// SplitOctets cuts data into the least number of segments with the given DCS: octets, UTF-16 (big endian, pairs kept together) or
// septets one an octet (extension pairs kept together), as the DCS says. Errors as for SplitText, and ErrLength for an odd
// number of octets of UTF-16.
func SplitOctets(data []byte, dcs uint8, o Options) ([]Submit, error) {
	if err := checkData(data, dcs); err != nil {
		return nil, err
	}
	return o.split(data, ParseDCS(dcs).layout(), dcs)
}

// Raw makes the one segment that a client cut by itself: udh, with UDHL, is kept octet for octet (nil for none); data is septets one an
// octet when the DCS says GSM7, octets otherwise. Options.UDH, Class and the references of concatenation are not used.
// Errors: ErrHeader, ErrAlphabet, ErrLength (odd UTF-16), ErrTooLong.
func Raw(udh, data []byte, dcs uint8, o Options) (Submit, error) {
	if _, err := Elements(udh); err != nil {
		return Submit{}, err
	}
	if err := checkData(data, dcs); err != nil {
		return Submit{}, err
	}
	layout := ParseDCS(dcs).layout()
	if len(data) > capacity(layout, len(udh))*unit(layout) {
		return Submit{}, refuse("TP-UD", ErrTooLong)
	}
	return o.submit(0, dcs, udh, data), nil
}

// checkData tells whether data can be of the DCS.
func checkData(data []byte, dcs uint8) error {
	switch ParseDCS(dcs).layout() {
	case GSM7:
		for i, s := range data {
			if s > 0x7F {
				return &Error{"TP-UD", i, ErrAlphabet}
			}
		}
	case UCS2:
		if len(data)%2 != 0 {
			return refuse("TP-UD", ErrLength)
		}
	}
	return nil
}

// unit gives the octets of Data that a unit of room takes.
func unit(a Alphabet) int {
	if a == UCS2 {
		return 2
	}
	return 1
}

// split cuts data, which is laid out as a says.
func (o *Options) split(data []byte, a Alphabet, dcs uint8) ([]Submit, error) {
	if err := checkExtra(o.UDH); err != nil {
		return nil, err
	}
	r := roomFor(a, len(o.UDH), o.concatLen())
	if len(data) <= r.single*unit(a) {
		return []Submit{o.submit(0, dcs, header(o.UDH), data)}, nil
	}
	cuts, ok := cut(data, a, r.multi*unit(a))
	if !ok || len(cuts) == 0 { // none: the header alone is too long
		return nil, refuse("TP-UD", ErrTooLong)
	}
	segments := make([]Submit, len(cuts))
	for i, c := range cuts {
		e := AppendConcat(make([]byte, 0, concat16Len+len(o.UDH)), o.concat(len(cuts), i+1))
		segments[i] = o.submit(i, dcs, header(append(e, o.UDH...)), c)
	}
	return segments, nil
}

// concat gives the concatenation element of segment n of total.
func (o *Options) concat(total, n int) Concat {
	c := Concat{Reference: o.Reference, Wide: o.WideReference, Total: uint8(total), Number: uint8(n)}
	if !c.Wide {
		c.Reference &= 0xFF
	}
	return c
}

// checkExtra refuses header elements that are malformed or that would number the segments a second time.
func checkExtra(udh []byte) error {
	es, err := elements(udh, 0)
	for _, e := range es {
		if e.ID == ieiConcat8 || e.ID == ieiConcat16 {
			err = refuse("TP-UDH", ErrHeader)
		}
	}
	return err
}

// header puts UDHL before elements; nil for none.
func header(elements []byte) []byte {
	if len(elements) == 0 {
		return nil
	}
	return append([]byte{byte(len(elements))}, elements...)
}

// submit fills segment i, counted from 0.
func (o *Options) submit(i int, dcs uint8, udh, ud []byte) Submit {
	return Submit{
		RD: o.RejectDuplicates, RP: o.ReplyPath, SRR: o.StatusReport, MR: o.MessageReference + uint8(i), DA: o.Dest,
		PID: o.ProtocolID, DCS: dcs, VP: RelativeVP(o.Validity), UDH: udh, UD: ud,
	}
}

// cut cuts data into pieces of at most limit octets between characters; false when that takes over 255.
func cut(data []byte, a Alphabet, limit int) (cuts [][]byte, ok bool) {
	for len(data) > 0 {
		n := 0
		for n < len(data) {
			w := charLen(data[n:], a)
			if n+w > limit {
				break
			}
			n += w
		}
		if n == 0 || len(cuts) == maxSegments {
			return nil, false
		}
		cuts = append(cuts, data[:n:n])
		data = data[n:]
	}
	return cuts, true
}

// charLen gives the octets of the first character of data, which is not empty.
func charLen(data []byte, a Alphabet) int {
	switch {
	case a == GSM7 && data[0] == esc && len(data) > 1:
		return 2
	case a == UCS2 && data[0]&0xFC == 0xD8 && len(data) >= 4 && data[2]&0xFC == 0xDC:
		return 4
	case a == UCS2:
		return 2
	}
	return 1
}
