package pdu

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// vector is a block of a file under testdata: headers and the octets of a line, SCA first.
type vector struct {
	headers map[string]string
	line    string
}

// vectors reads a file of testdata.
func vectors(t testing.TB, file string) []vector {
	t.Helper()
	b, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var vs []vector
	for _, block := range strings.Split(string(b), "\n\n") {
		v := vector{headers: map[string]string{}}
		for _, l := range strings.Split(strings.TrimSpace(block), "\n") {
			if key, value, ok := strings.Cut(l, ": "); ok && !strings.Contains(l, "#") || strings.HasPrefix(l, "text: ") {
				v.headers[key] = value
				continue
			}
			octets, _, _ := strings.Cut(l, "#")
			v.line += strings.ReplaceAll(octets, " ", "")
		}
		if v.headers["name"] != "" {
			vs = append(vs, v)
		}
	}
	return vs
}

// yes renders a bool as the vectors do.
func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func rfc(t time.Time) string { return strings.ReplaceAll(t.Format(time.RFC3339), "Z", "+00:00") }

// userDataFields renders user data under the names of the headers.
func userDataFields(f map[string]string, u *UserData) {
	f["text"] = strconv.Quote(u.Text())
	f["data"] = hex.EncodeToString(u.Data)
	f["udh"] = strings.ToUpper(hex.EncodeToString(u.UDH))
	f["alphabet"] = u.Alphabet.String()
	f["class"] = "none"
	if n, ok := u.Class.Number(); ok {
		f["class"] = fmt.Sprint(n)
	}
	f["concat"], f["ports"] = "none", "none"
	if c := u.Concat; c != nil {
		f["concat"] = fmt.Sprintf("%d/%d/%d", c.Reference, c.Total, c.Number)
		if c.Wide {
			f["concat"] += " wide"
		}
	}
	if p := u.Ports; p != nil {
		f["ports"] = fmt.Sprintf("%d from %d", p.Dest, p.Source)
	}
	f["languages"] = fmt.Sprintf("%d/%d", u.Locking, u.Single)
}

// fields renders a decoded TPDU under the names of the headers.
func fields(t *testing.T, m any) map[string]string {
	t.Helper()
	f := map[string]string{}
	switch m := m.(type) {
	case *Deliver:
		userDataFields(f, &m.UserData)
		f["sca"], f["addr"], f["ton"] = m.SCA.String(), m.OA.String(), fmt.Sprint(m.OA.TON)
		f["pid"], f["dcs"], f["scts"], f["more"] = fmt.Sprint(m.PID), fmt.Sprint(m.DCS), rfc(m.SCTS), yes(m.More)
		f["lenient"] = strings.Join(m.Lenient, "; ")
	case *StatusReport:
		userDataFields(f, &m.UserData)
		f["sca"], f["addr"], f["ton"] = m.SCA.String(), m.RA.String(), fmt.Sprint(m.RA.TON)
		f["pid"], f["dcs"], f["scts"], f["dt"], f["more"] = fmt.Sprint(m.PID), fmt.Sprint(m.DCS), rfc(m.SCTS), rfc(m.DT), yes(m.More)
		f["mr"], f["st"] = fmt.Sprint(m.MR), fmt.Sprint(m.ST)
		final, delivered := m.Outcome()
		f["final"], f["delivered"] = yes(final), yes(delivered)
		f["lenient"] = strings.Join(m.Lenient, "; ")
	case *Submit:
		u, err := m.UserData()
		if err != nil {
			t.Error(err)
		}
		userDataFields(f, &u)
		f["addr"], f["ton"], f["srr"] = m.DA.String(), fmt.Sprint(m.DA.TON), yes(m.SRR)
		f["pid"], f["dcs"], f["mr"] = fmt.Sprint(m.PID), fmt.Sprint(m.DCS), fmt.Sprint(m.MR)
		if d, ok := m.VP.Duration(); ok {
			f["vp"] = d.String()
		}
		if until, ok := m.VP.Time(); ok {
			f["until"] = rfc(until)
		}
		f["lenient"] = strings.Join(m.Lenient, "; ")
	}
	return f
}

// raw gives the octets that a decoded TPDU says it came from.
func raw(m any) []byte {
	switch m := m.(type) {
	case *Deliver:
		return m.Raw
	case *StatusReport:
		return m.Raw
	case *Submit:
		return m.Raw
	}
	return nil
}

// encode gives the octets of a decoded TPDU.
func encode(m any) ([]byte, error) {
	switch m := m.(type) {
	case *Deliver:
		return m.TPDU()
	case *StatusReport:
		return m.TPDU()
	case *Submit:
		return m.TPDU()
	}
	return nil, fmt.Errorf("a %T", m)
}

func checkFields(t *testing.T, v vector, got map[string]string) {
	t.Helper()
	for name, want := range v.headers {
		if name == "name" || name == "source" || name == "reencode" || name == "sca" && got["sca"] == "" {
			continue
		}
		if name == "lenient" && want == "yes" {
			if got[name] == "" {
				t.Error("nothing was forgiven")
			}
			continue
		}
		if got[name] != want {
			t.Errorf("%s: got %s, want %s", name, got[name], want)
		}
	}
	if v.headers["lenient"] == "" && got["lenient"] != "" {
		t.Errorf("forgave %s", got["lenient"])
	}
}

func testVectors(t *testing.T, file string, check func(t *testing.T, v vector, tpdu []byte, m any)) {
	for _, v := range vectors(t, file) {
		t.Run(v.headers["name"], func(t *testing.T) {
			m, err := DecodeLine(v.line)
			if err != nil {
				t.Fatal(err)
			}
			_, tpdu, _ := ParseLine(v.line)
			checkFields(t, v, fields(t, m))
			if !bytes.Equal(raw(m), tpdu) {
				t.Errorf("raw: %x", raw(m))
			}
			check(t, v, tpdu, m)
		})
	}
}

// reencodes checks that encoding gives the same octets.
func reencodes(t *testing.T, v vector, tpdu []byte, m any) {
	if v.headers["reencode"] != "" { // the sender set bits that we do not keep
		return
	}
	got, err := encode(m)
	if err != nil || !bytes.Equal(got, tpdu) {
		t.Errorf("encoded\n%x, want\n%x (%v)", got, tpdu, err)
	}
	sca, _, _ := ParseLine(v.line)
	line, n, err := Line(sca, got)
	if err != nil || line != v.line || n != len(tpdu) {
		t.Errorf("line\n%s (%d octets, %v), want\n%s", line, n, err, v.line)
	}
}

func TestVectors_Deliver(t *testing.T) { testVectors(t, "deliver.txt", reencodes) }
func TestVectors_Submit(t *testing.T)  { testVectors(t, "submit.txt", reencodes) }

func TestVectors_StatusReport(t *testing.T) {
	testVectors(t, "report.txt", func(t *testing.T, _ vector, tpdu []byte, m any) {
		got, err := m.(*StatusReport).TPDU()
		// what is encoded has neither the optional part nor the UDHI of it
		if err != nil || got[0] != tpdu[0]&^foUDHI || !bytes.HasPrefix(tpdu[1:], got[1:]) {
			t.Errorf("encoded\n%x, of\n%x (%v)", got, tpdu, err)
		}
	})
}

func TestVectors_Field(t *testing.T) {
	testVectors(t, "field.txt", func(*testing.T, vector, []byte, any) {})
}

func TestVectors_Refuse(t *testing.T) {
	reasons := map[string]error{"truncated": ErrTruncated, "hex": ErrHex, "length": ErrLength, "digit": ErrDigit, "header": ErrHeader}
	for _, v := range vectors(t, "refuse.txt") {
		t.Run(v.headers["name"], func(t *testing.T) {
			m, err := DecodeLine(strings.TrimPrefix(v.line, "-"))
			if m != nil || !errors.Is(err, reasons[v.headers["error"]]) {
				t.Errorf("got %+v, %v", m, err)
			}
			var e *Error
			if !errors.As(err, &e) || e.Field == "" {
				t.Errorf("no field in %v", err)
			}
		})
	}
}

// A PDU cut anywhere is refused, up to TP-ST of a status report: what follows there is optional.
func TestDecode_CutAtEveryOctet_Refused(t *testing.T) {
	for _, file := range []string{"deliver.txt", "submit.txt", "report.txt"} {
		for _, v := range vectors(t, file) {
			_, tpdu, err := ParseLine(v.line)
			if err != nil {
				t.Fatal(err)
			}
			for n := range tpdu {
				if m, err := Decode(tpdu[:n]); err == nil && !holdsStatus(m, n) {
					t.Errorf("%s: %d of %d octets taken", v.headers["name"], n, len(tpdu))
				}
			}
		}
	}
}

// holdsStatus tells whether n octets are enough for a report's TP-ST.
func holdsStatus(m any, n int) bool {
	r, ok := m.(*StatusReport)
	if !ok {
		return false
	}
	b, err := r.TPDU()
	return err == nil && len(b) <= n
}
