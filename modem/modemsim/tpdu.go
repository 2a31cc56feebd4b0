package modemsim

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	errShort    = errors.New("modemsim: TPDU too short")
	errTrailing = errors.New("modemsim: octets behind the user data")
)

// Message type indicators [23.040 9.2.3.1]; towards the network and from it the same bits mean different things.
const (
	mtiDeliver      = 0
	mtiSubmit       = 1
	mtiStatusReport = 2
	foNoMore        = 1 << 2
	foSRR           = 1 << 5 // SRI in a deliver
	foUDHI          = 1 << 6
)

// reader takes octets off a TPDU and remembers that it ran out.
type reader struct {
	b   []byte
	err error
}

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.err, r.b = errShort, nil
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) octet() byte { return r.take(1)[0] }

// parseSubmit reads an SMS-SUBMIT as a strict service centre does [23.040 9.2.2.2].
func (a *alphabets) parseSubmit(raw []byte) (Segment, error) {
	r := &reader{b: raw}
	fo := r.octet()
	s := Segment{Raw: append([]byte(nil), raw...), SRR: fo&foSRR != 0, UDHI: fo&foUDHI != 0}
	if r.err == nil && fo&3 != mtiSubmit {
		return s, fmt.Errorf("modemsim: message type %d is not SMS-SUBMIT", fo&3)
	}
	s.MR = r.octet()
	if err := a.readAddress(r, &s); err != nil {
		return s, err
	}
	s.PID, s.DCS = r.octet(), r.octet()
	s.VP = append(s.VP, r.take(vpLength(fo))...)
	s.UDL = int(r.octet())
	if r.err != nil {
		return s, r.err
	}
	return s, a.readUserData(r.b, &s)
}

// parseDeliver reads an SMS-DELIVER [23.040 9.2.2.1].
func (a *alphabets) parseDeliver(raw []byte) (Segment, error) {
	r := &reader{b: raw}
	fo := r.octet()
	s := Segment{Raw: append([]byte(nil), raw...), UDHI: fo&foUDHI != 0}
	if r.err == nil && fo&3 != mtiDeliver {
		return s, fmt.Errorf("modemsim: message type %d is not SMS-DELIVER", fo&3)
	}
	if err := a.readAddress(r, &s); err != nil {
		return s, err
	}
	s.PID, s.DCS = r.octet(), r.octet()
	r.take(7)
	s.UDL = int(r.octet())
	if r.err != nil {
		return s, r.err
	}
	return s, a.readUserData(r.b, &s)
}

func vpLength(fo byte) int {
	switch fo >> 3 & 3 { // TP-VPF [23.040 9.2.3.3]
	case 0:
		return 0
	case 2:
		return 1
	}
	return 7
}

// digits of a semi-octet address [23.040 9.1.2.3]; 15 is the filler.
const addressDigits = "0123456789*#abc"

func (a *alphabets) readAddress(r *reader, s *Segment) error {
	n := int(r.octet())
	s.TOA = r.octet()
	if r.err == nil && n > 20 {
		return fmt.Errorf("modemsim: address of %d digits", n)
	}
	octets := r.take((n + 1) / 2)
	if r.err != nil {
		return r.err
	}
	if s.TOA&0x80 == 0 {
		return fmt.Errorf("modemsim: type of address %#02x without its high bit", s.TOA)
	}
	s.address = append([]byte{byte(n), s.TOA}, octets...)
	if s.TOA&0x70 == 0x50 {
		s.To = a.text(unpack(octets, 0, n*4/7), 0, 0)
		return nil
	}
	text, err := semiOctets(octets, n)
	if s.TOA&0x70 == 0x10 {
		text = "+" + text
	}
	s.To = text
	return err
}

func semiOctets(octets []byte, n int) (string, error) {
	var b strings.Builder
	for i := range n {
		d := octets[i/2] >> (4 * (i % 2)) & 15
		if d == 15 {
			return "", errors.New("modemsim: filler inside an address")
		}
		b.WriteByte(addressDigits[d])
	}
	if n%2 == 1 && octets[n/2]>>4 != 15 {
		return "", errors.New("modemsim: no filler behind an odd number of digits")
	}
	return b.String(), nil
}

func (a *alphabets) readUserData(ud []byte, s *Segment) error {
	s.Alphabet, s.Class = dataCoding(s.DCS)
	s.Seq, s.Total, s.DestPort, s.SrcPort = 1, 1, -1, -1
	octets, most := s.UDL, 140
	if s.Alphabet == GSM7 {
		octets, most = (s.UDL*7+7)/8, 160
	}
	switch {
	case s.UDL > most:
		return fmt.Errorf("modemsim: user data length %d over %d", s.UDL, most)
	case len(ud) < octets:
		return errShort
	case len(ud) > octets:
		return errTrailing
	}
	header := 0
	if s.UDHI {
		n, err := s.readHeader(ud)
		if err != nil {
			return err
		}
		header = n
	}
	return a.readText(ud, header, s)
}

func (a *alphabets) readText(ud []byte, header int, s *Segment) error {
	if s.Alphabet != GSM7 {
		s.UserData = append([]byte(nil), ud[header:]...)
		if s.Alphabet == UCS2 {
			s.Text = ucs2Text(s.UserData)
			if len(s.UserData)%2 == 1 {
				s.warn("odd number of octets of UCS-2")
			}
		}
		return nil
	}
	skip := headerSeptets(header)
	if skip > s.UDL {
		return errors.New("modemsim: header longer than the user data")
	}
	s.UserData = unpack(ud, skip, s.UDL-skip)
	locking, single := s.languages()
	s.Text = a.text(s.UserData, locking, single)
	s.checkFill(ud, header, skip)
	return nil
}

// checkFill looks at the bits between header and text, and at those behind the last septet [23.040 9.2.3.24].
func (s *Segment) checkFill(ud []byte, header, skip int) {
	for bit := header * 8; bit < skip*7; bit++ {
		if ud[bit/8]>>(bit%8)&1 != 0 {
			s.warn("fill bits not zero")
			break
		}
	}
	for bit := s.UDL * 7; bit < len(ud)*8; bit++ {
		if ud[bit/8]>>(bit%8)&1 != 0 {
			s.warn("bits behind the last septet not zero")
			break
		}
	}
	if n := len(s.UserData); n > 0 && s.UserData[n-1] == esc {
		s.warn("ends with ESC")
	}
}

func (s *Segment) warn(text string) { s.Warnings = append(s.Warnings, text) }

// dataCoding gives alphabet and class of a TP-DCS [23.038 4]; reserved codings are the default alphabet.
func dataCoding(dcs byte) (a Alphabet, class int) {
	class = -1
	switch {
	case dcs < 0x80: // general group, and the same with automatic deletion
		if dcs&0x10 != 0 {
			class = int(dcs & 3)
		}
		if dcs&0x20 != 0 {
			return Data8, class // compressed: kept, not read
		}
		switch dcs >> 2 & 3 {
		case 1:
			a = Data8
		case 2:
			a = UCS2
		}
	case dcs>>4 == 0xe:
		a = UCS2
	case dcs>>4 == 0xf:
		class = int(dcs & 3)
		if dcs&4 != 0 {
			a = Data8
		}
	}
	return a, class
}

// buildDeliver makes an SMS-DELIVER. text is septets for GSM-7, octets for the others.
func buildDeliver(address []byte, pid, dcs byte, at time.Time, header, text []byte) []byte {
	fo := byte(mtiDeliver | foNoMore)
	if len(header) > 0 {
		fo |= foUDHI
	}
	out := append([]byte{fo}, address...)
	out = append(out, pid, dcs)
	out = append(out, timestamp(at)...)
	return append(out, userData(dcs, header, text)...)
}

func userData(dcs byte, header, text []byte) []byte {
	if a, _ := dataCoding(dcs); a == GSM7 {
		packed := pack(header, text)
		return append([]byte{byte(headerSeptets(len(header)) + len(text))}, packed...)
	}
	return append(append([]byte{byte(len(header) + len(text))}, header...), text...)
}

// buildReport makes an SMS-STATUS-REPORT; the recipient is in the very octets of the TP-DA [23.040 9.2.2.3].
func buildReport(s *Segment, submitted, done time.Time, st byte) []byte {
	out := append([]byte{mtiStatusReport | foNoMore, s.MR}, s.address...)
	out = append(out, timestamp(submitted)...)
	out = append(out, timestamp(done)...)
	return append(out, st)
}

// timestamp writes a service centre time stamp [23.040 9.2.3.11].
func timestamp(t time.Time) []byte {
	_, offset := t.Zone()
	quarters := offset / 900
	sign := byte(0)
	if quarters < 0 {
		quarters, sign = -quarters, 0x08
	}
	out := []byte{swapped(t.Year() % 100), swapped(int(t.Month())), swapped(t.Day()), swapped(t.Hour()), swapped(t.Minute()), swapped(t.Second())}
	return append(out, swapped(quarters)|sign)
}

func swapped(n int) byte { return byte(n%10<<4 | n/10) }

// encodeAddress writes a number, "+" for international, or an alphanumeric sender.
func (a *alphabets) encodeAddress(number string) ([]byte, error) {
	toa, digits := byte(0x81), number
	if strings.HasPrefix(number, "+") {
		toa, digits = 0x91, number[1:]
	}
	if strings.Trim(digits, addressDigits) != "" {
		return a.alphanumeric(number)
	}
	if len(digits) > 20 {
		return nil, fmt.Errorf("modemsim: number of %d digits", len(digits))
	}
	out := []byte{byte(len(digits)), toa}
	return append(out, semiEncode(digits)...), nil
}

func semiEncode(digits string) []byte {
	var out []byte
	for i := range len(digits) {
		d := byte(strings.IndexByte(addressDigits, digits[i]))
		if i%2 == 0 {
			out = append(out, 0xf0|d)
		} else {
			out[i/2] = out[i/2]&0x0f | d<<4
		}
	}
	return out
}

func (a *alphabets) alphanumeric(name string) ([]byte, error) {
	var septets []byte
	for _, r := range name {
		codes, ok := a.septets(r)
		if !ok {
			return nil, fmt.Errorf("modemsim: sender holds a character outside GSM-7")
		}
		septets = append(septets, codes...)
	}
	if len(septets) > 11 {
		return nil, fmt.Errorf("modemsim: sender of %d septets, at most 11", len(septets))
	}
	semis := (len(septets)*7 + 3) / 4
	return append([]byte{byte(semis), 0xd0}, pack(nil, septets)...), nil
}
