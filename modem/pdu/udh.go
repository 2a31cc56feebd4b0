package pdu

// Information element identifiers. [23.040 9.2.3.24]
const (
	ieiConcat8   = 0x00
	ieiSpecial   = 0x01
	ieiPorts8    = 0x04
	ieiPorts16   = 0x05
	ieiConcat16  = 0x08
	ieiSingle    = 0x24 // hexadecimal: some codecs have decimal 24 and 25
	ieiLocking   = 0x25
	maxUD        = 140 // octets of TP-UD [23.040 9.2.3.16]
	maxUDSeptets = 160
)

// Concat is a concatenation element, of 8 or 16 bit reference. [23.040 9.2.3.24.1] [23.040 9.2.3.24.8]
type Concat struct {
	Reference     uint16
	Wide          bool // 16 bit reference
	Total, Number uint8
}

// Ports is an application port element, of 8 or 16 bit ports. [23.040 9.2.3.24.3] [23.040 9.2.3.24.4]
type Ports struct {
	Dest, Source uint16
	Wide         bool // 16 bit ports
}

// Element is one information element of a user data header. [23.040 9.2.3.24]
type Element struct {
	ID   uint8
	Data []byte
}

// Elements takes a user data header, with UDHL, apart. The Data point into udh. Error: ErrHeader.
func Elements(udh []byte) ([]Element, error) {
	if len(udh) == 0 {
		return nil, nil
	}
	if int(udh[0]) != len(udh)-1 {
		return nil, &Error{"TP-UDHL", 0, ErrHeader}
	}
	return elements(udh[1:], 1)
}

// elements takes bare elements apart; at is their place, for the error.
func elements(b []byte, at int) ([]Element, error) {
	var es []Element
	for len(b) > 0 {
		if len(b) < 2 || int(b[1]) > len(b)-2 {
			return nil, &Error{"TP-UDH", at, ErrHeader}
		}
		n := 2 + int(b[1])
		es = append(es, Element{b[0], b[2:n:n]})
		b, at = b[n:], at+n
	}
	return es, nil
}

// WithoutOwn gives a header, with UDHL, without the elements that this package has read: concatenation and, when the data was decoded to
// text, the national languages and the indication of waiting messages. nil when nothing is left. A header that cannot be taken apart
// stays as it is.
func WithoutOwn(udh []byte, text bool) []byte {
	es, err := Elements(udh)
	if err != nil {
		return udh
	}
	kept := []byte{0}
	for _, e := range es {
		switch e.ID {
		case ieiConcat8, ieiConcat16:
			continue
		case ieiSingle, ieiLocking, ieiSpecial:
			if text {
				continue
			}
		}
		kept = append(append(kept, e.ID, byte(len(e.Data))), e.Data...)
	}
	if len(kept) == 1 {
		return nil
	}
	kept[0] = byte(len(kept) - 1)
	return kept
}

// Indication is a special message indication: of messages that wait elsewhere. [23.040 9.2.3.24.2]
type Indication struct {
	Kind  uint8 // 0 voicemail, 1 fax, 2 e-mail, 3 other
	Count uint8 // of messages that wait
	Store bool  // keep the message that brings it
}

// Indications gives those of a header, and the one of TP-DCS: there only whether messages wait is known, a Count of 1 or 0. A message
// with PID 0x5F, Return Call Message, is one of them: many networks say so that a voicemail waits. [23.038 4] [23.040 9.2.3.9]
func (d *Deliver) Indications() []Indication {
	var all []Indication
	es, _ := Elements(d.UDH)
	for _, e := range es {
		if e.ID == ieiSpecial && len(e.Data) == 2 {
			all = append(all, Indication{Kind: e.Data[0] & 3, Count: e.Data[1], Store: e.Data[0]&0x80 != 0})
		}
	}
	w := ParseDCS(d.DCS).Waiting
	switch {
	case len(all) > 0: // it tells more, and goes before [23.040 9.2.3.24.2]
	case w.Present:
		all = append(all, Indication{Kind: w.Kind, Count: flag(w.Active, 1), Store: w.Store})
	case d.PID == pidReturnCall:
		all = append(all, Indication{Count: 1, Store: true})
	}
	return all
}

// AppendConcat appends a concatenation element to elements without UDHL.
func AppendConcat(b []byte, c Concat) []byte {
	if c.Wide {
		return append(b, ieiConcat16, 4, byte(c.Reference>>8), byte(c.Reference), c.Total, c.Number)
	}
	return append(b, ieiConcat8, 3, byte(c.Reference), c.Total, c.Number)
}

// AppendPorts appends a port element to elements without UDHL; the destination comes first.
func AppendPorts(b []byte, p Ports) []byte {
	if p.Wide {
		return append(b, ieiPorts16, 4, byte(p.Dest>>8), byte(p.Dest), byte(p.Source>>8), byte(p.Source))
	}
	return append(b, ieiPorts8, 2, byte(p.Dest), byte(p.Source))
}

// concatOf reads a concatenation element. One that makes no sense is to be ignored: ok is false. [23.040 9.2.3.24.1]
func concatOf(e Element) (c Concat, ok bool) {
	switch {
	case e.ID == ieiConcat8 && len(e.Data) == 3:
		c = Concat{Reference: uint16(e.Data[0]), Total: e.Data[1], Number: e.Data[2]}
	case e.ID == ieiConcat16 && len(e.Data) == 4:
		c = Concat{Reference: uint16(e.Data[0])<<8 | uint16(e.Data[1]), Wide: true, Total: e.Data[2], Number: e.Data[3]}
	}
	return c, c.Number != 0 && c.Number <= c.Total
}

// portsOf reads a port element; ok is false for any other and for one of wrong length.
func portsOf(e Element) (p Ports, ok bool) {
	switch {
	case e.ID == ieiPorts8 && len(e.Data) == 2:
		return Ports{Dest: uint16(e.Data[0]), Source: uint16(e.Data[1])}, true
	case e.ID == ieiPorts16 && len(e.Data) == 4:
		d := e.Data
		return Ports{Dest: uint16(d[0])<<8 | uint16(d[1]), Source: uint16(d[2])<<8 | uint16(d[3]), Wide: true}, true
	}
	return Ports{}, false
}

// languageOf reads a national language element; ok is false for any other and for one of wrong length or an unknown language.
func languageOf(e Element, id uint8) (l Language, ok bool) {
	if e.ID != id || len(e.Data) != 1 || e.Data[0] == 0 || e.Data[0] > uint8(lastLanguage) {
		return 0, false
	}
	return Language(e.Data[0]), true
}

// UserData is TP-UD, taken apart.
type UserData struct {
	UDH      []byte   // with UDHL, as it came; nil when there is none
	Alphabet Alphabet // how Data is laid out; Data8 for compressed text
	Data     []byte   // septets one an octet when GSM7, octets otherwise
	Class    Class
	Concat   *Concat // nil when there is none that makes sense
	Ports    *Ports  // nil when there are none
	Locking  Language
	Single   Language
}

// read fills the fields that follow from the header. Of an element that comes twice the last one counts. [23.040 9.2.3.24]
func (u *UserData) read(es []Element) {
	for _, e := range es {
		if c, ok := concatOf(e); ok {
			u.Concat = &c
		} else if p, ok := portsOf(e); ok {
			u.Ports = &p
		} else if l, ok := languageOf(e, ieiSingle); ok {
			u.Single = l
		} else if l, ok := languageOf(e, ieiLocking); ok {
			u.Locking = l
		}
	}
}

// newUserData takes a header and data apart; udh may be nil.
func newUserData(dcs uint8, udh, data []byte) (UserData, error) {
	info := ParseDCS(dcs)
	u := UserData{UDH: udh, Alphabet: info.layout(), Data: data, Class: info.Class}
	es, err := Elements(udh)
	u.read(es)
	return u, err
}

// Text decodes one segment alone. 8-bit data has no text: the result is empty.
func (u *UserData) Text() string { return u.decode(u.Data) }

// decode reads data in the alphabet and languages of u.
func (u *UserData) decode(data []byte) string {
	switch u.Alphabet {
	case GSM7:
		return DecodeNational(data, u.Locking, u.Single)
	case UCS2:
		return decodeUTF16(data)
	}
	return ""
}

// appendUD appends TP-UDL and TP-UD. Errors: ErrHeader, ErrAlphabet, ErrTooLong. [23.040 9.2.3.16] [23.040 9.2.3.24]
func appendUD(dst []byte, alphabet Alphabet, udh, data []byte) ([]byte, error) {
	if len(udh) > 0 && int(udh[0]) != len(udh)-1 {
		return nil, refuse("TP-UDHL", ErrHeader)
	}
	if alphabet != GSM7 {
		n := len(udh) + len(data)
		if n > maxUD {
			return nil, refuse("TP-UD", ErrTooLong)
		}
		dst = append(dst, byte(n))
		return append(append(dst, udh...), data...), nil
	}
	bits, header := fill(len(udh))
	if header+len(data) > maxUDSeptets {
		return nil, refuse("TP-UD", ErrTooLong)
	}
	for _, s := range data {
		if s > 0x7F {
			return nil, refuse("TP-UD", ErrAlphabet)
		}
	}
	dst = append(dst, byte(header+len(data)))
	return appendPacked(append(dst, udh...), data, bits), nil
}
