package smpp

// Pack packs septets, one an octet, for a peer whose default alphabet is
// GSM0338Packed: on a septet boundary after a user data header of so many octets,
// its length octet among them. [23.038 6.1.2.1.1, 23.040 9.2.3.24]
func Pack(septets []byte, header int) []byte { return packGSM(septets, fillBits(header)) }
