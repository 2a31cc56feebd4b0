package smpp

import (
	"bytes"
	"testing"

	"github.com/linxGnu/gosmpp/pdu"
)

func sampleSubmit() *SubmitSM {
	return &SubmitSM{Source: Address{TONAlphanumeric, 0, "gsmgate"}, Dest: Address{1, 1, "31612345678"},
		RegisteredDelivery: ReceiptFinal, ShortMessage: []byte("The quick brown fox jumps over the lazy dog"),
		TLVs: TLVs{}.AppendUint16(TagUserMessageReference, 7)}
}

func TestAppend_IntoRoom_AllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 4096)
	for _, p := range []PDU{sampleSubmit(), (*DeliverSM)(sampleSubmit()), &SubmitSMResp{MessageID: "0123456789abcdef"},
		&DeliverSMResp{}, &EnquireLink{}, &EnquireLinkResp{}} {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := Append(dst, StatusOK, 1, p); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", p.CommandID(), n)
		}
	}
}

func TestParse_AllocatesOnlyThePDU(t *testing.T) {
	for _, p := range []PDU{sampleSubmit(), (*DeliverSM)(sampleSubmit()), &SubmitSMResp{MessageID: "0123456789abcdef"}} {
		frame, err := Append(nil, StatusOK, 1, p)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { _, _, _ = Parse(frame) }); n != 1 {
			t.Errorf("%s: %v allocations, want 1", p.CommandID(), n)
		}
	}
}

func TestTLVs_Check_AllocatesNothing(t *testing.T) {
	v := TLVs{}.AppendUint16(TagSourcePort, 1).AppendUint8(TagSARTotalSegments, 3).Append(TagMessagePayload, []byte("hi"))
	if n := testing.AllocsPerRun(100, func() { _ = v.Check(IDSubmitSM) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseSubmitSM(b *testing.B) {
	frame, _ := Append(nil, StatusOK, 1, sampleSubmit())
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSubmitSM(b *testing.B) {
	p, dst := sampleSubmit(), make([]byte, 0, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Append(dst, StatusOK, 1, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadFrameAndParse(b *testing.B) {
	frame, _ := Append(nil, StatusOK, 1, sampleSubmit())
	stream := bytes.Repeat(frame, 1000)
	b.ReportAllocs()
	r := NewReader(bytes.NewReader(stream), 0)
	for b.Loop() {
		f, err := r.ReadFrame()
		if err != nil {
			r = NewReader(bytes.NewReader(stream), 0)
			continue
		}
		if _, _, err := Parse(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseSubmitSM_gosmpp(b *testing.B) {
	frame, _ := Append(nil, StatusOK, 1, sampleSubmit())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pdu.Parse(bytes.NewReader(frame)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSubmitSM_gosmpp(b *testing.B) {
	frame, _ := Append(nil, StatusOK, 1, sampleSubmit())
	p, err := pdu.Parse(bytes.NewReader(frame))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Marshal(pdu.NewBuffer(nil))
	}
}
