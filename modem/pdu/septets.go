package pdu

// EncodeSeptets gives a text in the GSM 7 bit default alphabet with its extension table, one septet an octet; false when a
// character is in neither. [23.038 6.2.1]
func EncodeSeptets(text string) ([]byte, bool) { return nil, false }

// DecodeSeptets reads septets, one an octet, of the default alphabet with its extension table. [23.038 6.2.1]
func DecodeSeptets(septets []byte) string { return DecodeNational(septets, 0, 0) }

// DecodeNational reads septets with a locking and a single shift table; 0 or an unknown language means the default. [23.038 6.2.1.2]
func DecodeNational(septets []byte, locking, single Language) string { return "" }

// Pack packs septets, one an octet, after fillBits (0 to 6) zero bits. [23.038 6.1.2.1]
func Pack(septets []byte, fillBits int) []byte { return nil }

// Unpack gives n septets, one an octet, that follow fillBits bits; fewer when octets end earlier.
func Unpack(octets []byte, fillBits, n int) []byte { return nil }
