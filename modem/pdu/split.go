package pdu

import "time"

// Options are the fields that all segments of a message share.
type Options struct {
	Dest             Address
	ProtocolID       uint8
	Class            Class         // SplitText only: the others take a whole DCS
	StatusReport     bool          // TP-SRR on every segment
	RejectDuplicates bool          // TP-RD
	Validity         time.Duration // 0 none; rounded up to the grid of RelativeVP
	UDH              []byte        // elements for every segment, without UDHL, none of concatenation (ports, say); nil for none
	Reference        uint16        // concatenation reference; the low octet only unless WideReference
	WideReference    bool          // 16 bit references: one octet less room a segment
	MessageReference uint8         // TP-MR of the first segment; the next ones count on from it, modulo 256
}

// Fit says how a text would be carried: the alphabet, and the number of segments with an 8 bit reference. udhLen is the
// length of the user data header elements that each segment carries besides concatenation (6 for ports, 0 for none).
// A count of 0 means that the header leaves no room; one over 255 cannot be sent. It allocates nothing.
func Fit(text string, udhLen int) (Alphabet, int) { return GSM7, 0 }

// SplitText cuts a text into the least number of segments. Neither an extension character nor a surrogate pair is cut.
// Octets that are not UTF-8 become U+FFFD each. Errors: ErrAlphabet (text not in GSM7, or alphabet Data8), ErrTooLong (over 255
// segments, or a header that leaves no room), ErrHeader.
func SplitText(text string, alphabet Alphabet, o Options) ([]Submit, error) {
	return nil, refuse("TP-UD", ErrTooLong)
}

// SplitOctets cuts data into the least number of segments with the given DCS: octets, UTF-16 (big endian, pairs kept together) or
// septets one an octet (extension pairs kept together), as the DCS says. Errors as for SplitText.
func SplitOctets(data []byte, dcs uint8, o Options) ([]Submit, error) {
	return nil, refuse("TP-UD", ErrTooLong)
}

// Raw makes the one segment that a client cut by itself: udh, with UDHL, is kept octet for octet (nil for none); data is septets one an
// octet when the DCS says GSM7, octets otherwise. Options.UDH, Class and the references of concatenation are not used.
// Errors: ErrHeader, ErrAlphabet, ErrTooLong.
func Raw(udh, data []byte, dcs uint8, o Options) (Submit, error) {
	return Submit{}, refuse("TP-UD", ErrTooLong)
}
