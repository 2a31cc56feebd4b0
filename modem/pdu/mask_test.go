package pdu

import (
	"strings"
	"testing"
)

// shape is what of a message must survive masking.
func shape(t *testing.T, line string) (out []any) {
	t.Helper()
	m, err := DecodeLine(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	data := func(u *UserData) []any {
		out := []any{u.Alphabet, len(u.Data), u.Class, u.Locking, u.Single}
		if u.Concat != nil {
			out = append(out, *u.Concat)
		}
		if u.Ports != nil {
			out = append(out, *u.Ports)
		}
		return out
	}
	switch m := m.(type) {
	case *Deliver:
		return append(data(&m.UserData), m.PID, m.DCS, m.SCTS.Unix(), m.OA.TON, m.More, m.SRI)
	case *StatusReport:
		return []any{m.MR, m.ST, m.SCTS.Unix(), m.DT.Unix(), len(m.RA.Addr)}
	case *Submit:
		return []any{m.MR, m.PID, m.DCS, m.VP, m.SRR, len(m.DA.Addr), len(m.UD)}
	}
	t.Fatalf("%T", m)
	return nil
}

// content is all that must be gone, in hex.
func checkNothingLeft(t *testing.T, masked string) {
	t.Helper()
	var sca, addr Address
	var u *UserData
	switch m, _ := DecodeLine(masked); m := m.(type) {
	case *Deliver:
		sca, addr, u = m.SCA, m.OA, &m.UserData
	case *StatusReport:
		sca, addr, u = m.SCA, m.RA, &m.UserData
	case *Submit:
		addr, u = m.DA, &UserData{Data: m.UD}
	}
	if strings.Trim(sca.Addr, "0") != "" || strings.Trim(addr.Addr, "0@") != "" || strings.Trim(string(u.Data), "\x00") != "" {
		t.Errorf("%s: SCA %q, address %q, data %x", masked, sca.Addr, addr.Addr, u.Data)
	}
}

func TestMask_AllVectors_SameShapeWithoutContent(t *testing.T) {
	n := 0
	for _, file := range []string{"deliver.txt", "report.txt", "submit.txt", "national.txt", "field.txt"} {
		for _, v := range vectors(t, file) {
			if _, err := DecodeLine(v.line); err != nil {
				continue
			}
			n++
			masked := Mask(v.line)
			if len(masked) != len(v.line) {
				t.Errorf("%s: %s has another length than %s", v.headers["name"], masked, v.line)
			}
			before, after := shape(t, v.line), shape(t, masked)
			for i := range before {
				if before[i] != after[i] {
					t.Errorf("%s: fact %d was %v, is %v", v.headers["name"], i, before[i], after[i])
				}
			}
			checkNothingLeft(t, masked)
		}
	}
	if n < 20 {
		t.Errorf("only %d vectors", n)
	}
}

func TestMask_NoPDU_AllMasked(t *testing.T) {
	for _, line := range []string{"", "0", "00", "0791316", "07913161", "zz", "0791" + strings.Repeat("FF", 20)} {
		if got := Mask(line); got != strings.Repeat("F", len(line)) {
			t.Errorf("%q: %q", line, got)
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07")
	f.Add("0031000B911316325476F80000A705C8329BFD06")
	f.Fuzz(func(t *testing.T, line string) {
		masked := Mask(line)
		if len(masked) != len(line) {
			t.Errorf("%q became %q", line, masked)
		}
		if Mask(masked) != masked {
			t.Errorf("%q becomes %q", masked, Mask(masked))
		}
	})
}
