package storage

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func seeds(t testing.TB, c codec) [][]byte {
	t.Helper()
	m := mt("alice", 10)
	m.About = &About{ID: FirstID, State: Delivered, Text: "Hello"}
	m.UDH, m.TLVs, m.Dedupe = []byte{5, 0, 3, 1, 2, 1}, []byte{2, 4, 0, 2, 0, 9}, []string{"k"}
	m.Parts = append(m.Parts, Part{State: PartSent, Lane: "sim:1", Match: "316", Ref: "17"})
	s := seg(1, 2, "x")
	var all [][]byte
	for _, record := range []any{m, &s, &User{SystemID: "alice", AddressRanges: []string{"+316*"}},
		&Balance{100, 90, 10, 0}, &Entry{At: 1, User: "alice", Kind: TopUp, Amount: -5, Note: "fee"}} {
		b, err := c.encode(record)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// FuzzRecord decodes octets as every kind of record. What decodes must come
// out of the encoder as one fixed form, and its index must be made without a
// panic: Check does this with a damaged file.
func FuzzRecord(f *testing.F) {
	c, err := newCodec()
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range seeds(f, c) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if m, err := c.message(FirstID, b); err == nil {
			settled(t, c, m, func(b []byte) (any, error) { return c.message(FirstID, b) })
			if m.validate() == nil {
				appendIndex(nil, &arena{}, m)
			}
			var o outline
			if err := c.peek.Unmarshal(b, &o); err != nil {
				t.Errorf("a message without an outline: %v", err)
			}
		}
		if s, err := c.segment(b); err == nil {
			settled(t, c, &s, func(b []byte) (any, error) { s, err := c.segment(b); return &s, err })
			if s.validate() == nil {
				(&arena{}).segmentPrefix(&s)
			}
		}
		if u, err := c.user(b); err == nil {
			settled(t, c, &u, func(b []byte) (any, error) { u, err := c.user(b); return &u, err })
		}
		if v, err := c.balance(b); err == nil {
			settled(t, c, &v, func(b []byte) (any, error) { v, err := c.balance(b); return &v, err })
		}
		if e, err := c.entry(1, b); err == nil {
			settled(t, c, &e, func(b []byte) (any, error) { e, err := c.entry(1, b); return &e, err })
		}
	})
}

// settled encodes a record, decodes that and encodes it again.
func settled(t *testing.T, c codec, record any, decode func([]byte) (any, error)) {
	t.Helper()
	once, err := c.encode(record)
	if err != nil {
		t.Fatalf("decoded, but cannot be encoded: %v", err)
	}
	again, err := decode(once)
	if err != nil {
		t.Fatalf("encoded, but cannot be decoded: %v", err)
	}
	twice, err := c.encode(again)
	if err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("%v: %x, then %x", err, once, twice)
	}
}

func TestCodec_UnknownField_Refused(t *testing.T) {
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.encode(map[int]int{2: 1, 127: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.message(FirstID, b); err == nil {
		t.Error("a field of a newer program would be lost at the next change")
	}
}

func TestID_Text(t *testing.T) {
	for id, want := range map[ID]string{FirstID: "10000000", 0xfedcba98765: "fedcba98765", 7: "00000007"} {
		if id.String() != want {
			t.Errorf("%d is %s, want %s", id, id, want)
		}
		if back, err := ParseID(want); err != nil || back != id {
			t.Errorf("%s is %d, %v", want, back, err)
		}
	}
	if _, err := ParseID("Hello"); err == nil {
		t.Error("Hello is no ID")
	}
}

// Two fields of a record with one key would both be lost.
func TestRecords_EachFieldHasItsOwnKey(t *testing.T) {
	for _, record := range []any{
		User{}, Balance{}, Message{}, Part{}, Event{}, About{}, Address{}, Entry{}, Segment{}, SIM{}, MOFilter{}, Channel{}, SMPPChannel{}, LoopbackChannel{}, ParkedReport{},
		Tally{}, givenUp{}, Undecoded{}, PriceList{}, Route{},
	} {
		kind := reflect.TypeOf(record)
		fields := map[string]string{}
		for i := range kind.NumField() {
			key, _, _ := strings.Cut(kind.Field(i).Tag.Get("cbor"), ",")
			if key == "" || key == "-" {
				continue
			}
			if other := fields[key]; other != "" {
				t.Errorf("%s: key %s is that of %s and of %s", kind.Name(), key, other, kind.Field(i).Name)
			}
			fields[key] = kind.Field(i).Name
		}
		if len(fields) == 0 {
			t.Errorf("%s has no keys", kind.Name())
		}
	}
}
