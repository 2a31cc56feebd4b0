package pdu

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

// Language is a national language identifier; 0 is the default alphabet. [23.038 6.2.1.2.4]
type Language uint8

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

// Text decodes one segment alone. 8-bit data has no text: the result is empty.
func (u *UserData) Text() string { return "" }

// Element is one information element of a user data header. [23.040 9.2.3.24]
type Element struct {
	ID   uint8
	Data []byte
}

// Elements takes a user data header, with UDHL, apart. Error: ErrHeader.
func Elements(udh []byte) ([]Element, error) { return nil, refuse("TP-UDH", ErrHeader) }

// AppendConcat appends a concatenation element to elements without UDHL.
func AppendConcat(b []byte, c Concat) []byte { return b }

// AppendPorts appends a port element to elements without UDHL.
func AppendPorts(b []byte, p Ports) []byte { return b }
