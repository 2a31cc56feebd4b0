package smpp

import (
	"testing"
	"time"
)

func TestReceipt_Format(t *testing.T) {
	r := Receipt{ID: "0123456789", Sub: 3, Dlvrd: 2, SubmitDate: time.Date(2026, 9, 26, 12, 1, 59, 0, time.UTC),
		DoneDate: time.Date(2026, 9, 26, 12, 2, 0, 0, time.UTC), State: StateUndeliverable, Err: "7", Text: "Grüße an alle, die das lesen"}
	want := "id:0123456789 sub:003 dlvrd:002 submit date:2609261201 done date:2609261202 stat:UNDELIV err:007 text:Grüße an alle, die d"
	if got := r.Format(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := (Receipt{ID: "1", State: StateExpired}).Format(); got != "id:1 sub:000 dlvrd:000 submit date:0000000000 done date:0000000000 stat:EXPIRED err:000 text:" {
		t.Error(got)
	}
}

func TestParseReceipt_AsProvidersWriteIt(t *testing.T) {
	at := func(h, m, s int) time.Time { return time.Date(2026, 9, 26, h, m, s, 0, time.UTC) }
	for _, c := range []struct {
		name, text string
		want       Receipt
	}{
		{"Appendix B", "id:0123456789 sub:001 dlvrd:001 submit date:2609261201 done date:2609261202 stat:DELIVRD err:000 Text:Hello world id:9",
			Receipt{"0123456789", 1, 1, at(12, 1, 0), at(12, 2, 0), StateDelivered, "000", "Hello world id:9"}},
		{"with seconds", "id:a-b sub:001 dlvrd:000 submit date:260926120130 done date:260926120245 stat:UNDELIV err:00B text:",
			Receipt{"a-b", 1, 0, at(12, 1, 30), at(12, 2, 45), StateUndeliverable, "00B", ""}},
		{"with a century", "id:7 submit date:20260926120130 done date:202609261202 stat:EXPIRED err:1",
			Receipt{"7", 0, 0, at(12, 1, 30), at(12, 2, 0), StateExpired, "1", ""}},
		{"upper case, underscores, a NUL", "ID:7 SUB:1 DLVRD:1 SUBMIT_DATE:2609261201 DONE_DATE:2609261202 STAT:delivrd ERR:0 TEXT:\x00",
			Receipt{"7", 1, 1, at(12, 1, 0), at(12, 2, 0), StateDelivered, "0", ""}},
		{"blanks after the colons, no text", "id: 7 sub: 001 dlvrd: 001 submit date: 2609261201 done date: 2609261202 stat: ACCEPTD err: 000",
			Receipt{"7", 1, 1, at(12, 1, 0), at(12, 2, 0), StateAccepted, "000", ""}},
		{"commas", "id:7,sub:001,dlvrd:001,stat:REJECTD,err:12",
			Receipt{ID: "7", Sub: 1, Dlvrd: 1, State: StateRejected, Err: "12"}},
		{"a field without a value", "id:7 sub: dlvrd: stat:DELETED err: text:x", Receipt{ID: "7", State: StateDeleted, Text: "x"}},
		{"another order", "stat:FAILED id:7 err:3", Receipt{ID: "7", State: StateUndeliverable, Err: "3"}},
		{"fields that nobody knows", "id:7 price:0.01 mccmnc:20408 stat:BUFFRED", Receipt{ID: "7", State: StateEnroute}},
		{"a state that nobody knows", "id:7 stat:WHATEVER", Receipt{ID: "7", State: StateUnknown}},
		{"a date that is none", "id:7 submit date:2613991201 done date:now stat:DELIVRD", Receipt{ID: "7", State: StateDelivered}},
		{"text before stat", "id:7 text:hi you stat:DELIVRD", Receipt{ID: "7", State: StateDelivered, Text: "hi you stat:DELIVRD"}},
	} {
		if got, err := ParseReceipt(c.text, nil); err != nil || got != c.want {
			t.Errorf("%s: %v\ngot  %+v\nwant %+v", c.name, err, got, c.want)
		}
	}
}

func TestParseReceipt_Zone(t *testing.T) {
	east := time.FixedZone("", 7200)
	got, err := ParseReceipt("id:7 done date:2609261202 stat:DELIVRD", east)
	if want := time.Date(2026, 9, 26, 10, 2, 0, 0, time.UTC); err != nil || !got.DoneDate.Equal(want) {
		t.Errorf("%s, %v, want %s", got.DoneDate, err, want)
	}
}

func TestParseReceipt_None(t *testing.T) {
	for _, text := range []string{"", "Hello", "id:", "id:7", "stat:DELIVRD", "the paid:7 restat:x", "id: stat:DELIVRD"} {
		if got, err := ParseReceipt(text, nil); err != ErrNoReceipt {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestParseReceiptWord_EveryStateOfItsOwn(t *testing.T) {
	for s := StateScheduled; s <= StateSkipped; s++ {
		for _, w := range []string{s.String(), s.ReceiptWord()} {
			if got, ok := ParseReceiptWord(w); got != s || !ok {
				t.Errorf("%s: got %s", w, got)
			}
		}
		if n := len(s.ReceiptWord()); n != 7 {
			t.Errorf("%s has %d letters", s.ReceiptWord(), n)
		}
	}
}

func FuzzReceipt(f *testing.F) {
	f.Add("id:0123456789 sub:001 dlvrd:001 submit date:2609261201 done date:2609261202 stat:DELIVRD err:000 Text:Hello")
	f.Add("id:7 text:hi stat:DELIVRD")
	f.Add("id:,stat::")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseReceipt(s, nil)
		if err != nil {
			return
		}
		again, err := ParseReceipt(r.Format(), nil)
		if err != nil || again.ID != r.ID || again.State != r.State {
			t.Errorf("%q: %+v, then %+v, %v", s, r, again, err)
		}
	})
}
