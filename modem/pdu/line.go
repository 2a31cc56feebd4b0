package pdu

// Line gives what AT+CMGS and AT+CMGW take in PDU mode: upper-case hexadecimal with the SCA first (the zero Address means the stored
// one, "00"), and the length in octets without the SCA. [27.005 4.3]
func Line(sca Address, tpdu []byte) (hex string, length int, err error) {
	return "", 0, refuse("SCA", ErrLength)
}

// ParseLine takes a hexadecimal line of +CMT, +CMGR, +CMGL or +CDS apart. Blanks around it are ignored, either case is read.
func ParseLine(line string) (sca Address, tpdu []byte, err error) {
	return Address{}, nil, refuse("SCA", ErrLength)
}

// DecodeLine is ParseLine and Decode in one, with SCA filled in.
func DecodeLine(line string) (any, error) { return nil, refuse("SCA", ErrLength) }
