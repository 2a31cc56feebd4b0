package pdu

import (
	"encoding/hex"
	"strings"
)

// Mask gives a line with zeros for all digits of its numbers and all of its text. Length, type, times, references, ports and status stay,
// so that it decodes as before. A line that cannot be decoded becomes one of F, which cannot either.
func Mask(line string) string {
	b, err := hex.DecodeString(line)
	if _, wrong := DecodeLine(line); err != nil || wrong != nil {
		return strings.Repeat("F", len(line))
	}
	m := &masker{in: b, out: make([]byte, len(b))}
	m.sca()
	m.tpdu()
	return strings.ToUpper(hex.EncodeToString(m.out))
}

// masker copies what may stay; what it skips, or never comes to, is zero.
type masker struct {
	in, out []byte
	at      int
}

// keep copies n octets, and returns the last of them; 0 when they are not there.
func (m *masker) keep(n int) byte {
	if n == 0 {
		return 0
	}
	if n > len(m.in)-m.at {
		m.at = len(m.in)
		return 0
	}
	copy(m.out[m.at:m.at+n], m.in[m.at:])
	m.at += n
	return m.in[m.at-1]
}

// digits leaves n octets zero, but for the filler that tells an odd number of digits.
func (m *masker) digits(n int) {
	n = min(n, len(m.in)-m.at)
	m.at += n
	if n > 0 && m.in[m.at-1]>>4 == filler {
		m.out[m.at-1] = filler << 4
	}
}

// sca masks the service-centre address, whose length counts octets.                                            [24.011 8.2.5.1]
func (m *masker) sca() {
	if n := int(m.keep(1)); n > 0 {
		m.keep(1)
		m.digits(n - 1)
	}
}

// address masks TP-OA, TP-DA or TP-RA, whose length counts semi-octets.                                       [23.040 9.1.2.5]
func (m *masker) address() {
	n := int(m.keep(1))
	if kind := m.keep(1); kind>>4&7 == TONAlphanumeric {
		m.at = min(len(m.in), m.at+(n+1)/2)
		return
	}
	m.digits((n + 1) / 2)
}

func (m *masker) tpdu() {
	fo := m.keep(1)
	switch fo & 3 {
	case mtiSubmit:
		m.keep(1) // TP-MR
		m.address()
		m.keep(2 + validityLength(fo>>foVPF&3)) // TP-PID, TP-DCS, TP-VP
	case mtiStatusReport:
		m.keep(1) // TP-MR
		m.address()
		m.keep(7 + 7 + 1) // TP-SCTS, TP-DT, TP-ST; what may follow is masked
		return
	default:
		m.address()
		m.keep(2 + 7) // TP-PID, TP-DCS, TP-SCTS
	}
	m.keep(1) // TP-UDL
	if fo&foUDHI != 0 {
		m.header()
	}
}

func validityLength(format byte) int {
	return ValidityPeriod{Format: VPFormat(format)}.len()
}

// header keeps the elements that hold no content: concatenation, ports, languages.                              [23.040 9.2.3.24]
func (m *masker) header() {
	if m.at >= len(m.in) || int(m.in[m.at]) >= len(m.in)-m.at {
		return
	}
	end := m.at + 1 + int(m.in[m.at])
	m.keep(1)
	for m.at+2 <= end && m.at+2+int(m.in[m.at+1]) <= end {
		id := m.in[m.at]
		n := int(m.keep(2))
		switch id {
		case ieiConcat8, ieiConcat16, ieiPorts8, ieiPorts16, ieiSingle, ieiLocking:
			m.keep(n)
		default:
			m.at += n
		}
	}
}
