package smpp

// tpduOctets are the octets of user data in one message of a handset. [23.040 9.2.3.24]
const tpduOctets = 140

// Room returns how much of a text, a septet or an octet each, fits one message of
// a handset beside a user data header of so many octets, its length octet
// included. [23.040 9.2.3.24]
func Room(dc DataCoding, header int) int {
	room := tpduOctets - header
	if dc.Default() {
		room = room * 8 / 7
	}
	return room
}

// Cut cuts user data, septets one an octet, into pieces of at most room. No
// character is cut: neither a surrogate pair nor an escape from what it escapes.
// A room of less than two characters gives nil.
func Cut(dc DataCoding, data []byte, room int) (pieces [][]byte) {
	if room < 4 && len(data) > room {
		return nil
	}
	for len(data) > 0 {
		n := cut(dc, data, room)
		pieces, data = append(pieces, data[:n:n]), data[n:]
	}
	return pieces
}

func cut(dc DataCoding, data []byte, room int) int {
	const escape = 0x1B
	if len(data) <= room {
		return len(data)
	}
	switch {
	case dc.UCS2():
		room -= room % 2
		if data[room-2]&0xFC == 0xD8 { // the first half of a surrogate pair
			room -= 2
		}
	case dc.Default() && data[room-1] == escape:
		room--
	}
	return room
}

// ConcatOctets are the octets of the element that Concat adds.
const ConcatOctets = 5

// Concat returns a user data header, udh or a new one when that is empty, with an
// element at its end that makes it part number of total. [23.040 9.2.3.24.1]
func Concat(udh []byte, ref, total, number uint8) []byte {
	var own []byte // elements that are there already
	if len(udh) > 0 {
		own = udh[1:]
	}
	header := append([]byte{uint8(len(own) + ConcatOctets)}, own...)
	return append(header, 0, 3, ref, total, number)
}

// AppendSAR returns t with what makes it part number of total without a header.
// [SMPP34 5.3.2.22 to 5.3.2.24]
func (t TLVs) AppendSAR(ref uint16, total, number uint8) TLVs {
	return t.AppendUint16(TagSARMsgRefNum, ref).AppendUint8(TagSARTotalSegments, total).AppendUint8(TagSARSegmentSeqnum, number)
}
