package pdu

import (
	"strconv"
	"strings"
	"time"
)

// textTime is a time in text mode without its zone.                                                         [27.005 3.1 <scts>]
const textTime = "06/01/02,15:04:05"

// TextReport reads a status report as +CDS shows it in text mode: <fo>,<mr>,[<ra>],[<tora>],<scts>,<dt>,<st>, each without its quotes.
// Nothing but the optional part of the TPDU is missing there. Raw is made of what was read. Errors: ErrTruncated, ErrType, ErrDigit,
// those of StatusReport.TPDU.                                                                                [27.005 3.4.1]
func TextReport(fields []string) (*StatusReport, error) {
	if len(fields) < 7 {
		return nil, refuse("+CDS", ErrTruncated)
	}
	var octets [4]uint8
	for i, f := range []struct{ name, value string }{{"<fo>", fields[0]}, {"<mr>", fields[1]}, {"<st>", fields[6]}, {"<tora>", fields[3]}} {
		n, err := strconv.ParseUint(f.value, 10, 8)
		if err != nil && (i < 3 || f.value != "") {
			return nil, refuse(f.name, ErrDigit)
		}
		octets[i] = uint8(n)
	}
	fo, toa := octets[0], octets[3]
	if fo&3 != mtiStatusReport {
		return nil, refuse("<fo>", ErrType)
	}
	ra := NewAddress(fields[2])
	if toa != 0 && ra.Addr != "" && ra.TON != TONAlphanumeric {
		ra.TON, ra.NPI = toa>>4&7, toa&0xF
	}
	r := &StatusReport{More: fo&foMMS == 0, LP: fo&foLP != 0, SRQ: fo&foSRR != 0, MR: octets[1], RA: ra, ST: octets[2]}
	r.SCTS, r.DT = readTextTime(fields[4]), readTextTime(fields[5])
	var err error
	r.Raw, err = r.TPDU()
	return r, err
}

// readTextTime reads "yy/MM/dd,hh:mm:ss±zz", zz in quarter hours; zero when it cannot be read, UTC when the zone cannot.
func readTextTime(s string) time.Time {
	if len(s) < len(textTime) {
		return time.Time{}
	}
	t, err := time.Parse(textTime, s[:len(textTime)])
	if err != nil {
		return time.Time{}
	}
	quarters, err := strconv.Atoi(strings.TrimSpace(s[len(textTime):]))
	if err != nil || quarters < -maxWest || quarters > maxEast || quarters == 0 {
		return t
	}
	return t.Add(-time.Duration(quarters) * quarter).In(time.FixedZone("", quarters*int(quarter/time.Second)))
}
