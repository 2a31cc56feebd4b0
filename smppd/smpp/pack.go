package smpp

// Unpacked is a with one character an octet: in it texts are cut.
func (a Alphabet) Unpacked() Alphabet {
	if a == GSM0338Packed {
		return GSM0338
	}
	return a
}

// Pack gives user data, septets one an octet, as a peer has it to whom
// data_coding 0 means a: GSM0338Packed begins on a septet boundary after a user
// data header of so many octets, its length octet among them, and all else stays.
// [23.038 6.1.2.1.1, 23.040 9.2.3.24]
func (a Alphabet) Pack(dc DataCoding, data []byte, header int) []byte {
	if a == GSM0338Packed && dc.Default() {
		return packGSM(data, fillBits(header))
	}
	return data
}

// Unpack is the way back of Pack.
func (a Alphabet) Unpack(dc DataCoding, data []byte, header int) []byte {
	if a == GSM0338Packed && dc.Default() {
		return unpackGSM(data, fillBits(header))
	}
	return data
}

// AlphabetNamed gives the alphabet that a setting names: gsm (or nothing), latin1,
// ascii or gsm-packed.
func AlphabetNamed(name string) (a Alphabet, ok bool) {
	switch name {
	case "", "gsm":
		return GSM0338, true
	case "latin1":
		return Latin1, true
	case "ascii":
		return ASCII, true
	case "gsm-packed":
		return GSM0338Packed, true
	}
	return GSM0338, false
}
