package pdu

import (
	"encoding/hex"
	"errors"
	"testing"
	"time"
)

func TestTextReport_EachField(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("", 7200)
	for name, c := range map[string]struct {
		fields []string
		want   string // the TPDU
		ra     string
		scts   time.Time
		st     uint8
	}{
		"whole": {[]string{"6", "17", "+31612345678", "145", "26/01/02,03:04:05+08", "26/01/02,03:04:09+08", "0"},
			"06110b911316325476f8621020304050806210203040908000", "+31612345678", time.Date(2026, 1, 2, 3, 4, 5, 0, zone), 0},
		"the type says what the sign does not": {[]string{"6", "1", "31612345678", "145", "26/01/02,03:04:05+08", "26/01/02,03:04:05+08", "70"},
			"06010b911316325476f8621020304050806210203040508046", "+31612345678", time.Date(2026, 1, 2, 3, 4, 5, 0, zone), 70},
		"west, no type": {[]string{"2", "255", "0612345678", "", "99/12/31,23:59:59-14", "", "64"},
			"02ff0a816021436587992113329595490000000000000040", "0612345678", time.Date(1999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -14*900)), 64},
	} {
		r, err := TextReport(c.fields)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.RA.String() != c.ra || !r.SCTS.Equal(c.scts) || r.ST != c.st {
			t.Errorf("%s: %+v", name, r)
		}
		back, err := DecodeStatusReport(r.Raw)
		if err != nil || back.RA != r.RA || !back.SCTS.Equal(r.SCTS) || !back.DT.Equal(r.DT) || back.MR != r.MR || back.ST != r.ST {
			t.Errorf("%s: as a TPDU %+v, %v", name, back, err)
		}
		if got := hex.EncodeToString(r.Raw); got != c.want {
			t.Errorf("%s: TPDU %s, want %s", name, got, c.want)
		}
	}
}

func TestTextReport_Wrong_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fields []string
		want   error
	}{
		"short":           {[]string{"6", "17", "+316"}, ErrTruncated},
		"not a report":    {[]string{"4", "17", "+31612345678", "145", "", "", "0"}, ErrType},
		"no TP-MR":        {[]string{"6", "", "+31612345678", "145", "", "", "0"}, ErrDigit},
		"TP-MR too large": {[]string{"6", "256", "+31612345678", "145", "", "", "0"}, ErrDigit},
		"no TP-ST":        {[]string{"6", "1", "+31612345678", "145", "", "", ""}, ErrDigit},
		"long number":     {[]string{"6", "1", "+316123456789012345678", "145", "", "", "0"}, ErrLength},
	} {
		if _, err := TextReport(c.fields); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is read can be read again as a TPDU.
func FuzzTextReport(f *testing.F) {
	f.Add("6", "17", "+31612345678", "145", "26/01/02,03:04:05+08", "26/01/02,03:04:09-08", "0")
	f.Add("2", "0", "", "", "", "99/13/01,25:00:00+99", "255")
	f.Fuzz(func(t *testing.T, fo, mr, ra, tora, scts, dt, st string) {
		r, err := TextReport([]string{fo, mr, ra, tora, scts, dt, st})
		if err != nil {
			return
		}
		back, err := DecodeStatusReport(r.Raw)
		if err != nil || back.MR != r.MR || back.ST != r.ST || !back.SCTS.Equal(r.SCTS) {
			t.Errorf("%+v became %+v, %v", r, back, err)
		}
	})
}
