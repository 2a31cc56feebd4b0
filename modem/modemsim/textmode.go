package modemsim

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shown writes text in the character set of +CSCS [27.007 5.5].
func (m *Modem) shown(text string) string {
	switch m.set.charset {
	case "UCS2":
		return upperHex(ucs2Octets(text))
	case "UTF-8":
		return text
	case "GSM":
		return m.mapRunes(text, m.net.abc.septets)
	case "8859-1":
		return m.mapRunes(text, func(r rune) ([]byte, bool) { return []byte{byte(r)}, r < 256 })
	}
	return m.mapRunes(text, func(r rune) ([]byte, bool) { return []byte{byte(r)}, r < 128 })
}

func (m *Modem) mapRunes(text string, code func(rune) ([]byte, bool)) string {
	var out []byte
	for _, r := range text {
		if b, known := code(r); known {
			out = append(out, b...)
		} else {
			out = append(out, '?')
		}
	}
	return string(out)
}

// typed reads text in the character set of +CSCS.
func (m *Modem) typed(b string) (string, bool) {
	switch m.set.charset {
	case "UCS2":
		octets, err := hex.DecodeString(b)
		return ucs2Text(octets), err == nil && len(octets)%2 == 0
	case "UTF-8":
		return b, true
	case "GSM":
		septets := []byte(b)
		for i := range septets {
			septets[i] &= 0x7f
		}
		return m.net.abc.text(septets, 0, 0), true
	case "8859-1":
		var out []rune
		for i := range len(b) {
			out = append(out, rune(b[i]))
		}
		return string(out), true
	}
	return b, true
}

// cmgsText is AT+CMGS in text mode [27.005 3.5.1].
func (m *Modem) cmgsText(args []argument) result {
	da, good := m.textAddress(args, 0)
	if !good {
		return cms(cmsInvalidText)
	}
	if m.sim.cfg.SMSC == "" {
		return cms(cmsNoSMSC)
	}
	return m.prompt(func(message []byte, at time.Time) result {
		tpdu, good := m.textSubmit(da, string(message))
		if !good {
			return cms(cmsInvalidText)
		}
		return m.send(tpdu, at, "+CMGS: ")
	})
}

// textAddress takes an address and its type from argument i and the next.
func (m *Modem) textAddress(args []argument, i int) (address []byte, good bool) {
	number0 := text(args, i, "")
	if m.set.charset == "UCS2" && len(number0)%4 == 0 {
		if decoded, fine := m.typed(number0); fine {
			number0 = decoded
		}
	}
	toa, good := number(args, i+1, 0)
	digits := strings.TrimPrefix(number0, "+")
	if !good || toa > 255 || toa != 0 && toa < 128 || digits == "" || strings.Trim(digits, addressDigits) != "" {
		return nil, false
	}
	address, err := m.net.abc.encodeAddress(number0)
	if err != nil {
		return nil, false
	}
	if toa != 0 {
		address[1] = byte(toa)
	}
	return address, true
}

// textSubmit makes an SMS-SUBMIT of what was typed and of +CSMP.
func (m *Modem) textSubmit(address []byte, message string) (tpdu []byte, good bool) {
	fo := byte(m.set.fo)
	if fo&3 != mtiSubmit {
		return nil, false
	}
	tpdu = append([]byte{fo, 0}, address...)
	tpdu = append(tpdu, byte(m.set.pid), byte(m.set.dcs))
	switch vpLength(fo) {
	case 1:
		tpdu = append(tpdu, byte(m.set.vp))
	case 7:
		return nil, false
	}
	header, payload, good := m.textPayload(message, fo&foUDHI != 0)
	if !good {
		return nil, false
	}
	return append(tpdu, userData(byte(m.set.dcs), header, payload)...), true
}

// textPayload: hexadecimal for 8 bit, UCS-2 and anything with a header, else characters [27.005 3.1 <data>].
func (m *Modem) textPayload(message string, withHeader bool) (header, payload []byte, good bool) {
	coding, _ := dataCoding(byte(m.set.dcs))
	if coding == GSM7 && !withHeader {
		characters, good := m.typed(message)
		for _, r := range characters {
			codes, known := m.net.abc.septets(r)
			if !known {
				codes = []byte{'?'}
			}
			payload = append(payload, codes...)
		}
		return nil, payload, good && len(payload) <= 160
	}
	octets, err := hex.DecodeString(strings.Trim(message, "\r\n "))
	if err != nil || len(octets) > 140 {
		return nil, nil, false
	}
	if withHeader && coding == GSM7 {
		if len(octets) == 0 || int(octets[0])+1 > len(octets) {
			return nil, nil, false
		}
		return octets[:octets[0]+1], octets[octets[0]+1:], true
	}
	return nil, octets, true
}

// deliverText is a message as +CMT and +CMGR show it in text mode, behind the colon.
func (m *Modem) deliverText(tpdu []byte) string {
	s, err := m.net.abc.parseDeliver(tpdu)
	if err != nil {
		return `"",,"` + "\"\n"
	}
	head := fmt.Sprintf(`"%s",,"%s"`, m.shown(s.To), timeText(tpdu[1+len(s.address)+2:]))
	if m.set.header == 1 {
		head += m.headerText(&s, tpdu[0])
	}
	return head + "\n" + m.body(&s)
}

// headerText is what +CSDH=1 adds [27.005 3.4.1].
func (m *Modem) headerText(s *Segment, fo byte) string {
	return fmt.Sprintf(`,%d,%d,%d,%d,"%s",%d,%d`, s.TOA, fo, s.PID, s.DCS, m.shown(m.sim.cfg.SMSC), 145, s.UDL)
}

// body is the text, or hexadecimal where text mode has it so.
func (m *Modem) body(s *Segment) string {
	if s.Alphabet == GSM7 && !s.UDHI {
		return m.shown(strings.ReplaceAll(s.Text, "\n", " "))
	}
	return upperHex(s.UserData)
}

// reportText is +CDS in text mode: <fo>,<mr>,<ra>,<tora>,<scts>,<dt>,<st> [27.005 3.4.1].
func (m *Modem) reportText(tpdu []byte) string {
	s := Segment{}
	r := &reader{b: tpdu[2:]}
	if err := m.net.abc.readAddress(r, &s); err != nil {
		return strconv.Itoa(int(tpdu[0]))
	}
	scts, dt, st := r.take(7), r.take(7), r.octet()
	return fmt.Sprintf(`%d,%d,"%s",%d,"%s","%s",%d`, tpdu[0], tpdu[1], m.shown(s.To), s.TOA, timeText(scts), timeText(dt), st)
}

// timeText writes a time stamp as "yy/MM/dd,hh:mm:ss±zz" [27.005 3.1 <scts>].
func timeText(scts []byte) string {
	if len(scts) < 7 {
		return ""
	}
	d := make([]string, 7)
	for i, b := range scts[:7] {
		d[i] = fmt.Sprintf("%d%d", b&15, b>>4)
	}
	sign := "+"
	if scts[6]&0x08 != 0 {
		sign, d[6] = "-", fmt.Sprintf("%d%d", scts[6]&7, scts[6]>>4)
	}
	return d[0] + "/" + d[1] + "/" + d[2] + "," + d[3] + ":" + d[4] + ":" + d[5] + sign + d[6]
}
