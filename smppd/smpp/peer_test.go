package smpp

import (
	"bytes"
	"testing"

	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// TestPeer_ReadsWhatWeWrite holds our PDUs against a codec that we did not write.
// It fails on responses of the header alone and panics on TLVs of query_sm, so
// those are left out.
func TestPeer_ReadsWhatWeWrite(t *testing.T) {
	for _, v := range readVectors(t, "testdata/pdu.txt") {
		h, p, err := Parse(bytes.Clone(v.frame))
		if err != nil {
			t.Fatal(err)
		}
		if headerOnly := len(v.frame) == HeaderLen && h.ID.IsResponse(); headerOnly || v.head["emit"] == "differs" || isQueryWithTLVs(p) {
			continue
		}
		theirs, err := pdu.Parse(bytes.NewReader(v.frame))
		if err != nil {
			t.Errorf("%s: the peer says %v", v.head["name"], err)
			continue
		}
		if s, ok := p.(*SubmitSM); ok {
			compareSubmit(t, v.head["name"], s, theirs.(*pdu.SubmitSM))
		}
		if theirs.GetSequenceNumber() != int32(h.Sequence) {
			t.Errorf("%s: sequence %d", v.head["name"], theirs.GetSequenceNumber())
		}
	}
}

func isQueryWithTLVs(p PDU) bool {
	q, ok := p.(*QuerySM)
	return ok && len(q.TLVs) > 0
}

func compareSubmit(t *testing.T, name string, ours *SubmitSM, theirs *pdu.SubmitSM) {
	t.Helper()
	if theirs.ServiceType != ours.ServiceType || theirs.SourceAddr.Address() != ours.Source.Addr || theirs.DestAddr.Address() != ours.Dest.Addr ||
		theirs.EsmClass != byte(ours.ESMClass) || theirs.ValidityPeriod != ours.ValidityPeriod ||
		theirs.ScheduleDeliveryTime != ours.ScheduleDeliveryTime || theirs.RegisteredDelivery != byte(ours.RegisteredDelivery) {
		t.Errorf("%s: the peer reads %+v", name, theirs)
	}
}

func TestPeer_WeReadWhatItWrites(t *testing.T) {
	sm := pdu.NewSubmitSM().(*pdu.SubmitSM)
	sm.SetSequenceNumber(77)
	source, dest := pdu.NewAddress(), pdu.NewAddress()
	if source.SetAddress("gsmgate") != nil || dest.SetAddress("31612345678") != nil {
		t.Fatal("addresses")
	}
	source.SetTon(TONAlphanumeric)
	dest.SetTon(TONInternational)
	dest.SetNpi(NPIISDN)
	sm.SourceAddr, sm.DestAddr, sm.RegisteredDelivery = source, dest, 1
	for _, c := range []struct {
		text   string
		coding data.Encoding
		dc     DataCoding
	}{{"Grüße [€]", data.GSM7BIT, CodingDefault}, {"你好 😀", data.UCS2, CodingUCS2}, {"Ünï", data.LATIN1, CodingLatin1},
		{"Привет", data.CYRILLIC, CodingCyrillic}, {"שלום", data.HEBREW, CodingHebrew}, {"ascii", data.ASCII, CodingIA5}} {
		if err := sm.Message.SetMessageWithEncoding(c.text, c.coding); err != nil {
			t.Fatal(err)
		}
		buf := pdu.NewBuffer(nil)
		sm.Marshal(buf)
		h, p, err := Parse(buf.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		got := p.(*SubmitSM)
		text, err := DecodeText(got.DataCoding, GSM0338, got.ShortMessage)
		if err != nil || text != c.text || got.DataCoding != c.dc {
			t.Errorf("%q: got %q, %v, data_coding %d", c.text, text, err, got.DataCoding)
		}
		if h.Sequence != 77 || got.Source != (Address{5, 0, "gsmgate"}) || got.Dest != (Address{1, 1, "31612345678"}) || got.RegisteredDelivery != 1 {
			t.Errorf("%+v %+v", h, got)
		}
	}
}

func TestVersionName(t *testing.T) {
	for v, want := range map[uint8]string{Version33: "3.3", Version34: "3.4", Version50: "5.0", 0: "0.0"} {
		if got := VersionName(v); got != want {
			t.Errorf("%#x is %s, want %s", v, got, want)
		}
	}
}
