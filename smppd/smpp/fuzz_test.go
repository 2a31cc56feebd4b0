package smpp

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

func addVectors(f *testing.F) {
	for _, file := range []string{"testdata/pdu.txt", "testdata/error.txt"} {
		for _, v := range readVectors(f, file) {
			f.Add(v.frame)
		}
	}
}

// FuzzParse holds that what was read can be written, and is then read the same.
func FuzzParse(f *testing.F) {
	addVectors(f)
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, p, err := Parse(bytes.Clone(frame))
		var e *Error
		if err != nil {
			if !errors.As(err, &e) || e.Status == StatusOK || e.Reason == "" || e.Offset > len(frame) {
				t.Fatalf("error %#v", err)
			}
			return
		}
		first, err := Append(nil, h.Status, h.Sequence, p)
		if err != nil {
			t.Fatalf("%s was read and cannot be written: %v", describe(h, p), err)
		}
		h2, p2, err := Parse(bytes.Clone(first))
		if err != nil {
			t.Fatalf("%s: %v", describe(h, p), err)
		}
		if !(h.Status != StatusOK && bodyOnlyWhenOK(h.ID, p)) && describe(h2, p2) != describe(h, p) {
			t.Fatalf("%s\nthen %s", describe(h, p), describe(h2, p2))
		}
		if second, err := Append(nil, h2.Status, h2.Sequence, p2); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("%X\nthen %X, %v", first, second, err)
		}
		if v, ok := p.(*SubmitSM); ok {
			_ = v.TLVs.Check(h.ID)
		}
	})
}

// FuzzReader holds that frames put together are the stream again.
func FuzzReader(f *testing.F) {
	addVectors(f)
	f.Add(append(mustAppend(f, nil, &EnquireLink{}), mustAppend(f, nil, sampleSubmit())...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := NewReader(bytes.NewReader(stream), 4096)
		var out []byte
		for {
			frame, err := r.ReadFrame()
			if err != nil {
				var e *Error
				if err == io.EOF && len(out) != len(stream) || !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, &e) {
					t.Fatalf("%v after %d of %d octets", err, len(out), len(stream))
				}
				break
			}
			out = append(out, frame...)
			if _, _, err := Parse(frame); err != nil && !errors.As(err, new(*Error)) {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(stream, out) {
			t.Fatal("frames are not the stream")
		}
	})
}
