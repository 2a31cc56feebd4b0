package smpp

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
)

func mustAppend(tb testing.TB, dst []byte, p PDU) []byte {
	tb.Helper()
	out, err := Append(dst, StatusOK, 7, p)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func TestReader_FramesInPieces(t *testing.T) {
	big := sampleSubmit()
	big.TLVs = big.TLVs.Append(TagMessagePayload, bytes.Repeat([]byte("payload "), 8000))
	var stream []byte
	var frames [][]byte
	for _, p := range []PDU{sampleSubmit(), &EnquireLink{}, big, &SubmitSMResp{MessageID: "1"}} {
		frame := mustAppend(t, nil, p)
		frames = append(frames, frame)
		stream = append(stream, frame...)
	}
	for name, in := range map[string]io.Reader{"whole": bytes.NewReader(stream),
		"octet by octet": iotest.OneByteReader(bytes.NewReader(stream)), "with EOF at once": iotest.DataErrReader(bytes.NewReader(stream))} {
		r := NewReader(in, 0)
		for i, want := range frames {
			got, err := r.ReadFrame()
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s: frame %d: %v, %d octets, want %d", name, i, err, len(got), len(want))
			}
		}
		if _, err := r.ReadFrame(); err != io.EOF {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

func TestReader_FrameStaysAfterTheNext(t *testing.T) {
	one := mustAppend(t, nil, &SubmitSMResp{MessageID: "one"})
	stream := mustAppend(t, bytes.Clone(one), &SubmitSMResp{MessageID: "two"})
	r := NewReader(bytes.NewReader(stream), 0)
	first, _ := r.ReadFrame()
	if _, err := r.ReadFrame(); err != nil || !bytes.Equal(first, one) {
		t.Errorf("%v, %X", err, first)
	}
}

func TestReader_CutShort_UnexpectedEOF(t *testing.T) {
	frame := mustAppend(t, nil, sampleSubmit())
	for _, n := range []int{1, 4, 15, 16, len(frame) - 1} {
		r := NewReader(bytes.NewReader(frame[:n]), 0)
		if _, err := r.ReadFrame(); err != io.ErrUnexpectedEOF {
			t.Errorf("after %d octets: %v", n, err)
		}
	}
}

func TestReader_LengthBeyondBelief(t *testing.T) {
	for _, c := range []struct {
		name, stream string
		headerOK     bool
	}{
		{"too large", "\xFF\xFF\xFF\xFF\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x09", true},
		{"one too many", "\x00\x00\x01\x01\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x09", true},
		{"too small", "\x00\x00\x00\x0F\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x09", true},
		{"zero and no more", "\x00\x00\x00\x00", false},
	} {
		r := NewReader(bytes.NewReader([]byte(c.stream)), 256)
		_, err := r.ReadFrame()
		var e *Error
		if !errors.As(err, &e) || e.Status != StatusInvCmdLen || e.HeaderOK != c.headerOK {
			t.Fatalf("%s: %v", c.name, err)
		}
		if c.headerOK && e.Header.Sequence != 9 {
			t.Errorf("%s: header %+v", c.name, e.Header)
		}
		if _, again := r.ReadFrame(); again != err {
			t.Errorf("%s: the error did not stay: %v", c.name, again)
		}
	}
}

func TestReader_LengthTooSmall_WaitsForNoMore(t *testing.T) {
	in, out := io.Pipe()
	defer out.Close()
	go out.Write([]byte{0, 0, 0, 3})
	var e *Error
	if _, err := NewReader(in, 0).ReadFrame(); !errors.As(err, &e) || e.HeaderOK {
		t.Errorf("got %v", err)
	}
}

func TestReader_ClaimedLength_CostsNoMemory(t *testing.T) {
	head := []byte{0x03, 0xFF, 0xFF, 0xFF, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 50 {
		if _, err := NewReader(bytes.NewReader(head), 1<<30).ReadFrame(); err != io.ErrUnexpectedEOF {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
		t.Errorf("50 claims of 64 MiB took %d octets", used)
	}
}

func TestReader_PartOfAPDU_TakesMemoryAsItComes(t *testing.T) {
	head := []byte{0x03, 0xFF, 0xFF, 0xFF, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1}
	for _, arrived := range []int{HeaderLen, 1000, 4000, 4097, 10_000, 100_000, 1_000_000} {
		in := append(bytes.Clone(head), make([]byte, arrived-HeaderLen)...)
		r := NewReader(iotest.HalfReader(bytes.NewReader(in)), 1<<30)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := r.ReadFrame()
		runtime.ReadMemStats(&after)
		most := readBuffer + 1024
		if arrived > readBuffer {
			most += 6 * arrived // growing leaves the smaller ones behind: together no more than this
		}
		if used := int(after.TotalAlloc - before.TotalAlloc); err != io.ErrUnexpectedEOF || used > most {
			t.Errorf("%d octets came, %d were allocated, %v", arrived, used, err)
		}
	}
}

func TestWindow_FullAndTaken(t *testing.T) {
	w := NewWindow[string](2)
	a, errA := w.Add(time0, "a")
	b, errB := w.Add(time0, "b")
	if a != 1 || b != 2 || errA != nil || errB != nil {
		t.Fatal(a, b, errA, errB)
	}
	if _, err := w.Add(time0, "c"); err != ErrWindowFull {
		t.Fatalf("a third of two: %v", err)
	}
	if got, ok := w.Take(b); got != "b" || !ok {
		t.Error("took", got, ok)
	}
	if _, ok := w.Take(b); ok {
		t.Error("the same response twice")
	}
	for _, sequence := range []uint32{0, 4, 1 << 31} {
		if _, ok := w.Take(sequence); ok {
			t.Errorf("%d was never sent", sequence)
		}
	}
	c, err := w.Add(time0, "c")
	if err != nil || c == a || w.Len() != 2 {
		t.Error(c, err, w.Len())
	}
}

func TestWindow_SequenceWrapsAndSkipsThoseThatWait(t *testing.T) {
	w := NewWindow[int](4)
	w.last = MaxSequence - 2
	stuck, _ := w.Add(time0, -1)
	seen := map[uint32]bool{stuck: true}
	for i := range 100 {
		s, err := w.Add(time0, i)
		if err != nil || s == 0 || s > MaxSequence || seen[s] {
			t.Fatalf("sequence %d, %v", s, err)
		}
		seen[s] = true
		if got, ok := w.Take(s); !ok || got != i {
			t.Fatalf("sequence %d: %d, %v", s, got, ok)
		}
	}
	if got, ok := w.Take(stuck); !ok || got != -1 {
		t.Error("the one that waited is lost")
	}
}

func TestWindow_ExpireAndClose(t *testing.T) {
	w := NewWindow[string](8)
	w.Add(time0, "old")
	w.Add(time0.Add(10), "young")
	if got := w.Expire(time0.Add(5)); len(got) != 1 || got[0] != "old" {
		t.Errorf("expired %v", got)
	}
	if got := w.Close(); len(got) != 1 || got[0] != "young" || w.Len() != 0 {
		t.Errorf("closed %v", got)
	}
	if _, err := w.Add(time0, "late"); err != ErrWindowClosed {
		t.Errorf("after Close: %v", err)
	}
}
