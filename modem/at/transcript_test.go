package at

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func parsed(t testing.TB, file string) Transcript {
	t.Helper()
	var tr Transcript
	if err := tr.UnmarshalText([]byte(file)); err != nil {
		t.Fatal(err)
	}
	return tr
}

const aTranscript = `gsmgate transcript 1
modem: huawei E173
note: a backslash \ is plain here

    0.000 = opened
    0.081 > AT+CMGS=19
    0.093 < >
    0.093 > 0031\x1a
   12.345 < \x20odd \\ \xff
12345.000 < OK
`

func TestTranscript_ParsedAndFormatted_SameFile(t *testing.T) {
	tr := parsed(t, aTranscript)
	if got := tr.Get("modem"); got != "huawei E173" {
		t.Errorf("modem is %q", got)
	}
	want := []Entry{{0, Mark, "opened"}, {81 * time.Millisecond, ToModem, "AT+CMGS=19"}, {93 * time.Millisecond, FromModem, ">"},
		{93 * time.Millisecond, ToModem, "0031\x1a"}, {12345 * time.Millisecond, FromModem, " odd \\ \xff"}, {12345 * time.Second, FromModem, "OK"}}
	if !reflect.DeepEqual(tr.Entries, want) {
		t.Errorf("got %+v", tr.Entries)
	}
	if got, _ := tr.MarshalText(); string(got) != aTranscript {
		t.Errorf("formatted:\n%s", got)
	}
}

func TestTranscript_WrittenByHand_Read(t *testing.T) {
	tr := parsed(t, "gsmgate transcript 1\r\n# a remark\r\nmodem: x\r\n\r\n> AT\r\n# another\r\n\r\n 1 < OK  \r\n<\r\n1.5\t= closed\r\n")
	want := []Entry{{0, ToModem, "AT"}, {time.Second, FromModem, "OK"}, {time.Second, FromModem, ""}, {1500 * time.Millisecond, Mark, "closed"}}
	if !reflect.DeepEqual(tr.Entries, want) {
		t.Errorf("got %+v", tr.Entries)
	}
}

func TestTranscript_Wrong_LineNamed(t *testing.T) {
	for body, want := range map[string]string{
		"":                                                            `line 1: the file does not begin with "gsmgate transcript 1"`,
		"gsmgate transcript 2\n":                                      "line 1:",
		transcriptTitle + "\n> AT\n":                                  `line 2: a line of the header is "key: value"`,
		transcriptTitle + "\n\nAT\n":                                  "line 3: neither >, < nor =",
		transcriptTitle + "\n\n>AT\n":                                 "line 3: no blank after >",
		transcriptTitle + "\n\n1.2345 > AT\n":                         `line 3: "1.2345" is not a time`,
		transcriptTitle + "\n\n1..2 > AT\n":                           "is not a time",
		transcriptTitle + "\n\n. > AT\n":                              "is not a time",
		transcriptTitle + "\n\n2 > AT\n1.9 < OK\n":                    "line 4: time goes back to 1.9",
		transcriptTitle + "\n\n> A\\T\n":                              "a backslash is followed by",
		transcriptTitle + "\n\n> A\\xg1\n":                            `"\\xg1" is not \xNN`,
		transcriptTitle + "\n\n" + strings.Repeat("#", maxTranscript): "more than",
	} {
		var tr Transcript
		if err := tr.UnmarshalText([]byte(body)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: %v, want %s", body, err, want)
		}
	}
}

// FuzzTranscript holds the parser to its promise: what it reads it writes, and reads back the same.
func FuzzTranscript(f *testing.F) {
	f.Add([]byte(aTranscript))
	f.Add([]byte(transcriptTitle + "\n\n1 > \\x00\n= \n< \xff\n"))
	f.Add([]byte(transcriptTitle + "\na:b:c\n:x\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var first, second Transcript
		if first.UnmarshalText(file) != nil {
			return
		}
		text, err := first.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > maxTranscript {
			return
		}
		if err := second.UnmarshalText(text); err != nil || !reflect.DeepEqual(first, second) {
			t.Errorf("%v\n%s", err, text)
		}
		Redact(first.Entries, nil)
	})
}

func TestRecorder_MoreThanItHolds_NewestKeptWithinBound(t *testing.T) {
	r := NewRecorder(4096)
	for i := range 1000 {
		r.add(FromModem, fmt.Sprintf("line %d", i))
		if n := cap(r.now) + cap(r.older); n > 4096*5/4 {
			t.Fatalf("%d octets", n)
		}
	}
	_, all := r.Entries()
	if len(all) < 100 {
		t.Fatalf("%d lines kept", len(all))
	}
	for i, e := range all {
		if want := fmt.Sprintf("line %d", 1000-len(all)+i); e.Text != want {
			t.Fatalf("line %d is %q, want %q", i, e.Text, want)
		}
	}
	r.add(FromModem, strings.Repeat("x", 10000))
	_, all = r.Entries()
	if last := all[len(all)-1].Text; len(last) > 2048 || len(last) < 2000 {
		t.Errorf("an overlong line keeps %d octets", len(last))
	}
}

func TestRecorder_ManyWriters_TimesInOrder(t *testing.T) {
	r := NewRecorder(RecordSize)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				r.add(ToModem, "AT")
				r.Entries()
			}
		})
	}
	all.Wait()
	_, entries := r.Entries()
	if len(entries) != 1600 {
		t.Errorf("%d entries", len(entries))
	}
	for i := 1; i < len(entries); i++ {
		if entries[i].At < entries[i-1].At {
			t.Fatal("time goes back")
		}
	}
	var none *Recorder
	none.Mark("nothing")
	if _, entries := none.Entries(); entries != nil {
		t.Error("a nil recorder has entries")
	}
}

func TestRecorder_PIN_NeverKept(t *testing.T) {
	for line, want := range map[string]string{
		`AT+CPIN="1234"`:             "AT+CPIN=***",
		`at+cpin=1234`:               "at+cpin=***",
		`+CPIN="12345678","4321"`:    "+CPIN=***",
		`AT+CPWD="SC","1234","4321"`: "AT+CPWD=***",
		`AT+CLCK="SC",0,"1234"`:      "AT+CLCK=***",
		`AT^CPIN="1234"`:             "AT^CPIN=***",
		`AT+CPUK="1"`:                "AT+CPUK=***",
		`ATD**04*1234*4321*4321#`:    "ATD**0***",
		`AT+CUSD=1,"**05*1*2*2#"`:    `AT+CUSD=1,"**0***`,
		`AT+CPINR="SIM PIN"`:         `AT+CPINR="SIM PIN"`,
		`AT+CPIN?`:                   `AT+CPIN?`,
		`AT+CMGS=19`:                 `AT+CMGS=19`,
	} {
		r := NewRecorder(RecordSize)
		r.add(ToModem, line)
		r.add(FromModem, line)
		if _, all := r.Entries(); all[0].Text != want || all[1].Text != want {
			t.Errorf("%s: kept as %q and %q", line, all[0].Text, all[1].Text)
		}
	}
}

func TestEngine_WholeConversation_RecordedInOrder(t *testing.T) {
	rec := NewRecorder(RecordSize)
	script := func(f *fake, command string) string {
		switch command {
		case "AT+CMGS=23":
			return "\r\n> "
		case aSent:
			return "\r\n+CMTI: \"SM\",1\r\n\r\n+CMGS: 7\r\n\r\nOK\r\n"
		}
		return ""
	}
	talk(t, Options{Record: rec}, script, func(t *testing.T, r *rig) {
		if _, err := r.SendPDU(t.Context(), aSize, aPDU); err != nil {
			t.Fatal(err)
		}
		_, all := rec.Entries()
		var got []string
		for _, e := range all[max(0, len(all)-6):] {
			got = append(got, string(rune(e.Way))+e.Text)
		}
		want := []string{">AT+CMGS=23", "<>", ">" + aPDU + "\x1a", `<+CMTI: "SM",1`, "<+CMGS: 7", "<OK"}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestRedact_EachLine(t *testing.T) {
	long := strings.Repeat("0791", 10)
	for _, c := range []struct{ said, answered, want string }{
		{"AT+CPIN?", "+CPIN: READY", "+CPIN: READY"},
		{"AT+CGMR", "11.126.85.00.209 20200622", "11.126.85.00.209 20200622"},
		{"AT+CGMM", "E173", "E173"},
		{"AT+CGSN", "490154203237518", "490154200000000"},
		{"AT+CIMI", "204080000012345", "204080000000000"},
		{"AT+CIMI", "Hello 12", "xxxxx 00"},
		{"AT+CCID", "+CCID: 8931084600000012345F", "+CCID: 8931084000000000000F"},
		{"AT+CCID", "89860A12345678901234", "89860A1000000000000" + "0"},
		{"AT^ICCID?", "^ICCID: 98130148000000102030", "^ICCID: 98130140000000000000"},
		{"AT+CNUM", `+CNUM: "Own","+31653000001",145`, `+CNUM: "xxx","+00000000000",145`},
		{"AT+CNUM", `+CNUM: "","002B00330031",145`, `+CNUM: "","000x00000000",145`},
		{"AT+CSCA?", `+CSCA: "+31653131313",145`, `+CSCA: "+00000000000",145`},
		{"AT+COPS?", `+COPS: 0,0,"KPN"`, `+COPS: 0,0,"KPN"`},
		{"AT+CREG?", `+CREG: 2,1,"00C3","00A1"`, `+CREG: 2,1,"00C3","00A1"`},
		{"AT", `+CLIP: "+31612345678",145,,"Bob"`, `+CLIP: "+00000000000",145,,"xxx"`},
		{"AT", `+CUSD: 0,"Balance 12.34 EUR",15`, `+CUSD: 0,"xxxxxxx 00.00 xxx",00`},
		{"AT", `+CUSD: 0,Balance 12`, `+CUSD: 0,xxxxxxx 00`},
		{"AT", `^NEWS: "+31612345678"`, `^NEWS: "+00000000000"`},
		{"AT", `^NEWS: 31612345678`, `^NEWS: 00000000000`},
		{"AT", "Hello Bob, call 123", "xxxxx xxx, xxxx 000"},
		{"AT", "RING", "RING"},
		{"AT", "^RSSI: 21", "^RSSI: 21"},
		{"AT", long, strings.Repeat("0", 40)},
		{"AT+CMGF=0", "+CMS ERROR: 38", "+CMS ERROR: 38"},
		{"ATE1", "ATE1", "ATE1"},
		{`AT+CUSD=1,"*100#",15`, `AT+CUSD=1,"*100#",15`, `AT+CUSD=1,"*000#",00`},
	} {
		got := Redact([]Entry{{0, ToModem, c.said}, {0, FromModem, c.answered}}, nil)
		if got[1].Text != c.want {
			t.Errorf("%s, %s: %s, want %s", c.said, c.answered, got[1].Text, c.want)
		}
	}
	for said, want := range map[string]string{
		`AT+CMGS="+31612345678"`:    `AT+CMGS="+00000000000"`,
		"AT+CMGS=23":                "AT+CMGS=23",
		`AT+CSCA="+31653131313"`:    `AT+CSCA="+00000000000"`,
		`AT+CPMS="SM","SM","SM"`:    `AT+CPMS="SM","SM","SM"`,
		"ATD+31612345678;":          "ATD+00000000000;",
		"Hello Bob\x1a":             "xxxxx xxx\x1a",
		long + "\x1a":               "\x1a",
		"\x1b":                      "\x1b",
		"AT+CNMI=2,2,0,1,0":         "AT+CNMI=2,2,0,1,0",
		`AT+CPBW=1,"12","","Bob"`:   `AT+CPBW=1,"00","","xxx"`,
		`AT+CMGF=1;+CMGS="+316123"`: `AT+CMGF=1;+CMGS="+000000"`,
	} {
		if got := RedactCommand(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}

func TestRedact_MessagesInTextMode_NothingOfThemLeft(t *testing.T) {
	entries := []Entry{{0, ToModem, "AT+CMGL=\"ALL\""}, {0, FromModem, `+CMGL: 1,"REC READ","+31612345678",,"26/01/01,10:00:00+04"`},
		{0, FromModem, "At home by 8"}, {0, FromModem, "+secret: Bob"}, {0, FromModem, "OK"}, {0, FromModem, `+CMT: "+31612345678",,"26/01/01,10:00:00+04"`},
		{0, FromModem, "RING Bob"}}
	for _, e := range Redact(entries, nil) {
		for _, leak := range []string{"316", "ome", "8", "Bob", "secret"} {
			if strings.Contains(e.Text, leak) {
				t.Errorf("%q shows %q", e.Text, leak)
			}
		}
	}
	pdu := []Entry{{0, FromModem, "+CMT: ,24"}, {0, FromModem, "^RSSI: 3"}, {0, FromModem, "07913161"}, {0, FromModem, "+CMGR: 0,,24"}, {0, FromModem, "07913161"}}
	got := Redact(pdu, func(string) string { return "masked" })
	if got[2].Text != "masked" || got[4].Text != "masked" || got[1].Text != "^RSSI: 3" {
		t.Errorf("got %+v", got)
	}
}

func BenchmarkRecorder(b *testing.B) {
	r := NewRecorder(RecordSize)
	b.ReportAllocs()
	for range b.N {
		r.add(FromModem, "+CMGS: 17")
	}
}
