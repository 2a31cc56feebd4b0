package pdu

import (
	"encoding/hex"
	"testing"
)

func TestSubmit_HelloInternational_KnownOctets(t *testing.T) {
	s, err := SplitText("hellohello", GSM7, Options{Dest: NewAddress("+46708251358")})
	if err != nil {
		t.Fatal(err)
	}
	b, err := s[0].TPDU()
	if err != nil {
		t.Fatal(err)
	}
	const want = "01000b916407281553f800000ae8329bfd4697d9ec37"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	line, n, err := Line(Address{}, b)
	if err != nil || n != 22 || line[:6] != "000100" {
		t.Errorf("line %s, length %d, %v", line, n, err)
	}
}

func TestDecode_KnownDeliver(t *testing.T) {
	m, err := DecodeLine("07917283010010F5040BC87238880900F10000993092516195800AE8329BFD4697D9EC37")
	if err != nil {
		t.Fatal(err)
	}
	d := m.(*Deliver)
	if d.SCA.String() != "+27381000015" || d.OA.Addr != "27838890001" || d.Text() != "hellohello" {
		t.Errorf("%+v %q", d, d.Text())
	}
}
