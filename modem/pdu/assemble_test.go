package pdu

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// gather puts segments together by the rules alone, as a collector on disk would: by key, doubled ones once.
func gather(segments []*Deliver) map[Key][]*Deliver {
	got := map[Key][]*Deliver{}
	for _, d := range segments {
		k, ok := d.Key()
		if !ok {
			continue
		}
		if got[k] == nil {
			got[k] = make([]*Deliver, k.Total)
		}
		got[k][d.Concat.Number-1] = d
	}
	return got
}

// segmentsFrom gives what a sender's long text arrives as.
func segmentsFrom(t *testing.T, sender, text string, o Options) (ds []*Deliver) {
	t.Helper()
	o.Dest = NewAddress(sender)
	alphabet, _ := o.Fit(text)
	segments, err := SplitText(text, alphabet, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range segments {
		ds = append(ds, deliver(t, s))
	}
	return ds
}

func TestKey_InterleavedSendersAndWidths(t *testing.T) {
	long := strings.Repeat("x€", 150)
	a := segmentsFrom(t, "+31600000001", "a"+long, Options{Reference: 7})
	b := segmentsFrom(t, "+31600000002", "b"+long, Options{Reference: 7})                      // same reference, another sender
	c := segmentsFrom(t, "+31600000001", "c"+long, Options{Reference: 7, WideReference: true}) // same number, 16 bit
	d := segmentsFrom(t, "+31600000001", "d"+long, Options{Reference: 8})
	var all []*Deliver
	for i := range a { // reversed, interleaved, doubled
		j := len(a) - 1 - i
		all = append(all, a[j], b[i], c[j], d[i], a[j])
	}
	got := gather(all)
	if len(got) != 4 {
		t.Fatalf("%d messages", len(got))
	}
	for name, m := range map[string][]*Deliver{"a": a, "b": b, "c": c, "d": d} {
		k, _ := m[0].Key()
		if text := JoinText(got[k]); text != name+long {
			t.Errorf("message %s: got %q", name, text)
		}
	}
}

func TestKey_NoneWithoutAUsableElement(t *testing.T) {
	for _, udh := range [][]byte{nil, {0}, {5, 0, 3, 1, 0, 1}, {5, 0, 3, 1, 2, 0}, {5, 0, 3, 1, 2, 3}, {4, 0, 2, 1, 2}, {6, 0, 4, 1, 2, 2, 1}} {
		u, err := newUserData(4, udh, nil)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok := (&Deliver{UserData: u}).Key(); ok {
			t.Errorf("%x: %+v", udh, k)
		}
	}
}

func TestSame_RedeliveryAgainstAReusedReference(t *testing.T) {
	first := segmentsFrom(t, "+31600000001", strings.Repeat("x", 161), Options{Reference: 7})
	again := segmentsFrom(t, "+31600000001", strings.Repeat("x", 161), Options{Reference: 7})
	again[0].More = true // may change between two tries
	if !first[0].Same(again[0]) {
		t.Error("a redelivered segment is another one")
	}
	later := *again[0]
	later.SCTS = later.SCTS.Add(time.Second)
	other := segmentsFrom(t, "+31600000001", strings.Repeat("y", 161), Options{Reference: 7})
	for _, d := range []*Deliver{&later, other[0], first[1]} {
		if first[0].Same(d) {
			t.Errorf("%+v is taken for the same", d)
		}
	}
}

func part(u UserData) *Deliver { return &Deliver{UserData: u} }

func TestJoinText_CharactersCutInTwo(t *testing.T) {
	for _, c := range []struct {
		name  string
		parts []*Deliver
		want  string
	}{
		{"escape at the end", []*Deliver{part(UserData{Data: []byte{'a', esc}}), part(UserData{Data: []byte{0x65, 'b'}})}, "a€b"},
		{"escape and nothing", []*Deliver{part(UserData{Data: []byte{'a', esc}}), nil}, "a [...]"},
		{"surrogates", []*Deliver{
			part(UserData{Alphabet: UCS2, Data: []byte{0, 'a', 0xD8, 0x3D}}), part(UserData{Alphabet: UCS2, Data: []byte{0xDE, 0, 0, 'b'}}),
		}, "a😀b"},
		{"odd octet at the end", []*Deliver{
			part(UserData{Alphabet: UCS2, Data: []byte{0, 'a', 0}}), part(UserData{Alphabet: UCS2, Data: []byte{0, 'b'}}),
		}, "ab"},
		{"missing parts", []*Deliver{nil, part(UserData{Data: []byte("b")}), nil, nil, part(UserData{Data: []byte("e")})}, "[...]b[...][...]e"},
		{"two alphabets", []*Deliver{part(UserData{Data: []byte("b")}), part(UserData{Alphabet: UCS2, Data: []byte{4, 0x16}})}, "bЖ"},
		{"two tables", []*Deliver{part(UserData{Data: []byte{esc, 'S'}, Single: Turkish}), part(UserData{Data: []byte{esc, 'S'}})}, "ŞS"},
		{"8-bit", []*Deliver{part(UserData{Alphabet: Data8, Data: []byte("a")})}, ""},
		{"none", nil, ""},
	} {
		if got := JoinText(c.parts); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestJoinData(t *testing.T) {
	parts := []*Deliver{part(UserData{Alphabet: Data8, Data: []byte{1, 2}}), nil, part(UserData{Alphabet: Data8, Data: []byte{3}})}
	if got := JoinData(parts); !bytes.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("got %x", got)
	}
}

func TestJoinText_VectorsOfThreeSegments(t *testing.T) {
	byReference := map[string][]*Deliver{}
	for _, v := range vectors(t, "deliver.txt") {
		m, err := DecodeLine(v.line)
		if err != nil {
			t.Fatal(err)
		}
		d := m.(*Deliver)
		if k, ok := d.Key(); ok && k.Total == 3 {
			byReference[k.OA.Addr] = append(byReference[k.OA.Addr], d)
		}
	}
	text := JoinText(byReference["5555"])
	if !strings.HasPrefix(text, "Итак, Алекса") || !strings.HasSuffix(text, "наг.") || !strings.Contains(text, "терпеть, он стремительно") || !strings.Contains(text, "комнату, позабыв") {
		t.Errorf("got %q", text)
	}
	// as one text it takes three segments again, cut at the same places
	segments, err := SplitText(text, UCS2, Options{Dest: NewAddress("5555"), Reference: 30})
	if err != nil || len(segments) != 3 {
		t.Fatal(len(segments), err)
	}
	for i, s := range segments {
		if !bytes.Equal(s.UD, byReference["5555"][i].Data) || !bytes.Equal(s.UDH, byReference["5555"][i].UDH) {
			t.Errorf("segment %d: %x %x", i+1, s.UDH, s.UD)
		}
	}
}
