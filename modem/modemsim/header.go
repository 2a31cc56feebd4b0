package modemsim

import "errors"

// Information elements that a handset acts on [23.040 9.2.3.24].
const (
	ieConcat8  = 0x00
	iePorts8   = 0x04
	iePorts16  = 0x05
	ieConcat16 = 0x08
	ieSingle   = 0x24
	ieLocking  = 0x25
)

// readHeader reads the elements and returns the octets that the header takes, its length included.
func (s *Segment) readHeader(ud []byte) (int, error) {
	if len(ud) == 0 || int(ud[0])+1 > len(ud) {
		return 0, errors.New("modemsim: header longer than the user data")
	}
	end := int(ud[0]) + 1
	for b := ud[1:end]; len(b) > 0; {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return 0, errors.New("modemsim: element longer than the header")
		}
		e := Element{ID: b[0], Data: append([]byte(nil), b[2:2+int(b[1])]...)}
		b = b[2+len(e.Data):]
		s.UDH = append(s.UDH, e)
		s.readElement(e)
	}
	return end, nil
}

func (s *Segment) readElement(e Element) {
	d := e.Data
	switch {
	case e.ID == ieConcat8 && len(d) == 3:
		s.concat(int(d[0]), int(d[1]), int(d[2]), false)
	case e.ID == ieConcat16 && len(d) == 4:
		s.concat(int(d[0])<<8|int(d[1]), int(d[2]), int(d[3]), true)
	case e.ID == iePorts8 && len(d) == 2:
		s.DestPort, s.SrcPort = int(d[0]), int(d[1])
	case e.ID == iePorts16 && len(d) == 4:
		s.DestPort, s.SrcPort = int(d[0])<<8|int(d[1]), int(d[2])<<8|int(d[3])
	case (e.ID == ieSingle || e.ID == ieLocking) && len(d) == 1:
	case e.ID == ieConcat8, e.ID == ieConcat16, e.ID == iePorts8, e.ID == iePorts16, e.ID == ieSingle, e.ID == ieLocking:
		s.warn("element of wrong length")
	}
}

func (s *Segment) concat(ref, total, seq int, wide bool) {
	if total == 0 || seq == 0 || seq > total { // to be ignored [23.040 9.2.3.24.1]
		s.warn("concatenation out of range")
		return
	}
	s.Ref, s.Total, s.Seq, s.Wide = ref, total, seq, wide
}

// languages gives the locking and single shift tables that the header asks for; unknown ones are the default.
func (s *Segment) languages() (locking, single int) {
	for _, e := range s.UDH {
		if len(e.Data) != 1 || e.Data[0] >= languages {
			continue
		}
		switch e.ID {
		case ieSingle:
			single = int(e.Data[0])
		case ieLocking:
			locking = int(e.Data[0])
		}
	}
	return locking, single
}

// concatHeader is a user data header with one concatenation element, its length octet included.
func concatHeader(ref, total, seq int, wide bool) []byte {
	if wide {
		return []byte{6, ieConcat16, 4, byte(ref >> 8), byte(ref), byte(total), byte(seq)}
	}
	return []byte{5, ieConcat8, 3, byte(ref), byte(total), byte(seq)}
}
