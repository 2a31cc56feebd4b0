package modem

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/profile"
)

func TestSMSC_OfTheRecord_SetReadBackAndShown(t *testing.T) {
	var r records
	r.set(itsICCID, Card{SMSC: "+31611111111"})
	k := newStick()
	k.hook = func(c string) (string, bool) {
		if set, is := strings.CutPrefix(c, "AT+CSCA="); is {
			k.answers["AT+CSCA?"] = "+CSCA: " + set
			return "OK", true
		}
		return "", false
	}
	bankOf(t, Config{Card: r.card}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Ready)
		if k.count(`AT+CSCA="+31611111111",145`) != 1 || info.SMSC != "+31611111111" || info.SMSCReason != "" {
			t.Errorf("%q, %q", info.SMSC, info.SMSCReason)
		}
		r.set(itsICCID, Card{SMSC: "0611"})
		until(t, 2*time.Minute, "set anew", func() bool { return b.Modems()[0].SMSC == "0611" && k.count(`AT+CSCA="0611",129`) == 1 })
		if b.Modems()[0].Sessions != 1 {
			t.Error("the session was opened again")
		}
	}, k)
}

func TestSMSC_CannotBeSet_Reason(t *testing.T) {
	for name, c := range map[string]struct{ want, shown, set, reason string }{
		"none at all":      {"", `+CSCA: "",129`, "OK", "holds no service-centre address"},
		"refused":          {"+316", `+CSCA: "+31653131313",145`, "+CMS ERROR: 304", "refuses the service-centre address"},
		"another is shown": {"+316", `+CSCA: "+31653131313",145`, "OK", "shows another"},
		"no number":        {"KPN", `+CSCA: "+31653131313",145`, "OK", "is no number"},
		"without its plus": {"+31653131313", `+CSCA: "31653131313",145`, "ERROR", ""},
		"as it should be":  {"+31653131313", `+CSCA: "+31653131313",145`, "ERROR", ""},
		"in UCS-2":         {"+3165", `+CSCA: "002B0033003100360035",145`, "ERROR", ""},
	} {
		var r records
		r.set(itsICCID, Card{SMSC: c.want})
		k := newStick()
		k.answers["AT+CSCA?"] = c.shown
		k.hook = func(cmd string) (string, bool) { return c.set, strings.HasPrefix(cmd, "AT+CSCA=") }
		bankOf(t, Config{Card: r.card}, func(t *testing.T, b *Bank, h *memory) {
			info := untilState(t, b, 0, Ready)
			if c.reason == "" && info.SMSCReason != "" || !strings.Contains(info.SMSCReason, c.reason) {
				t.Errorf("%s: %q", name, info.SMSCReason)
			}
		}, k)
	}
}

func TestSeen_EachSIMThatIsIdentified(t *testing.T) {
	k := newStick()
	var seen []Info
	bankOf(t, Config{Seen: func(_ context.Context, i Info) { seen = append(seen, i) }}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		if len(seen) != 1 || seen[0].SIM.ICCID != itsICCID || seen[0].IMEI != "490154203237518" || seen[0].SIM.Number == "" {
			t.Errorf("%+v", seen)
		}
	}, k)
}

// tableOf is the table of models with one row for the stick.
func tableOf(t *testing.T, fields string) *profile.Table {
	t.Helper()
	table, err := profile.Builtin().With("test", []byte(`[{"name": "ours", "manufacturer": ["acme"], `+fields+`}]`))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestProfile_OfAFile_ObeyedAndShown(t *testing.T) {
	k := newStick()
	k.answers[`AT+CPMS="ME"`] = "+CPMS: 0,10,0,20,0,20"
	k.answers[`AT+CPMS="ME","ME","ME"`] = "+CPMS: 0,10,0,10,0,10"
	k.answers["AT+XICCID"] = "+ICCID: 8931084600000000009"
	table := tableOf(t, `"init": ["AT+XINIT"], "iccid": ["AT+XICCID"], "storage": ["ME"], "phase2": false, "cmms": false,
		"cnmi": ["1,2,0,2,0"], "cnmi_avoid": ["2,1"], "chatter": ["^NOISE:"]`)
	bankOf(t, Config{Profiles: table}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Ready)
		if info.Profile != "ours" || info.SIM.ICCID != "8931084600000000009" || info.StoredTotal != 10 || info.ReportWay != "stored" {
			t.Errorf("%+v", info)
		}
		for command, n := range map[string]int{"AT+XINIT": 1, "AT+CSMS=1": 0, "AT+CSMS=0": 1, "AT+CMMS=2": 0, "AT+CNMI=1,2,0,2,0": 1} {
			if k.count(command) != n {
				t.Errorf("%s was said %d times", command, k.count(command))
			}
		}
		k.say("^NOISE: 1", "^OTHER: 2")
		time.Sleep(time.Second)
		text, err := b.list()[0].Transcript(true).MarshalText()
		if err != nil || strings.Contains(string(text), "^NOISE") || !strings.Contains(string(text), "^OTHER") {
			t.Errorf("transcript: %v\n%s", err, text)
		}
	}, k)
}

func TestCNMI_TakenAndNotKept_AnotherFormIsTaken(t *testing.T) {
	k := newStick()
	k.hook = func(c string) (string, bool) {
		if strings.HasPrefix(c, "AT+CNMI=2,2") {
			k.answers["AT+CNMI?"] = "+CNMI: 2,1,0,0,0"
			return "OK", true
		}
		if form, is := strings.CutPrefix(c, "AT+CNMI="); is && form != "?" {
			k.answers["AT+CNMI?"] = "+CNMI: " + form
			return "OK", true
		}
		return "", false
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, Ready); info.ReportWay != "straight" || k.count("AT+CNMI=1,2,0,1,0") == 0 {
			t.Errorf("%+v: %q", info, k.heard)
		}
	}, k)
}

func TestCNMI_NoStatusReports_SaidWhy(t *testing.T) {
	for ranges, want := range map[string][2]string{
		"+CNMI: (0-3),(0,1),(0,2,3),(0,2),(1)": {"stored", ""}, // MC75i
		"+CNMI: (0-2),(0-1),(0),(0),(0,1)":     {"none", "no form of AT+CNMI with status reports"},
		"+CNMI: (0),(0),(0),(0),(0)":           {"none", "no form of AT+CNMI: reports"},
	} {
		k := newStick()
		k.answers["AT+CNMI=?"] = ranges
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			if info := untilState(t, b, 0, Ready); info.ReportWay != want[0] || !strings.Contains(info.ReportReason, want[1]) {
				t.Errorf("%s: %q, %q", ranges, info.ReportWay, info.ReportReason)
			}
		}, k)
	}
}

func TestStorage_OddAnswers_ABearableChoice(t *testing.T) {
	for name, c := range map[string]struct {
		answers map[string]string
		want    []string
		total   int
	}{
		"ME takes no new ones": {map[string]string{"AT+CPMS=?": `+CPMS: ("ME","SM","MT"),("ME","SM","MT"),("SM","MT")`,
			`AT+CPMS="ME"`: "+CPMS: 0,99,0,25,0,20"}, []string{"SM", "ME"}, 20},
		"no test command":      {map[string]string{"AT+CPMS=?": "ERROR"}, []string{"SM", "ME"}, 20},
		"names without quotes": {map[string]string{"AT+CPMS=?": "+CPMS: (SM,ME),(SM,ME),(SM,ME)"}, nil, 0},
		"names before the numbers": {map[string]string{`AT+CPMS="SM"`: `+CPMS: "SM",0,20,"SM",0,20`, `AT+CPMS="ME"`: `+CPMS: "ME",0,10,"SM",0,20`,
			`AT+CPMS="SM","SM","SM"`: `+CPMS: "SM",0,20,"SM",0,20,"SM",0,20`}, []string{"SM", "ME"}, 20},
		"one set alone": {map[string]string{"AT+CPMS=?": `+CPMS: ("SM")`}, []string{"SM"}, 20},
		"three names refused": {map[string]string{`AT+CPMS="SM","SM","SM"`: "+CMS ERROR: 302", `AT+CPMS="ME"`: "+CMS ERROR: 302"},
			[]string{"SM"}, 20},
		"nothing at all": {map[string]string{"AT+CPMS=?": "ERROR", `AT+CPMS="SM"`: "ERROR", `AT+CPMS="ME"`: "OK"}, nil, 0},
	} {
		k := newStick()
		for command, answer := range c.answers {
			k.answers[command] = answer
		}
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			info := untilState(t, b, 0, Ready)
			m := b.list()[0]
			m.mu.Lock()
			got := m.live.storage
			m.mu.Unlock()
			if !slices.Equal(got, c.want) || info.StoredTotal != c.total {
				t.Errorf("%s: %q, %d places", name, got, info.StoredTotal)
			}
		}, k)
	}
}

// deafPort is a port that can be given up for another.
type deafPort struct {
	io.ReadWriteCloser
	given chan struct{}
}

func (p deafPort) Wrong() bool {
	p.given <- struct{}{}
	return true
}

func TestPort_MessagesOfWhichItBringsNoWord_GivenUp(t *testing.T) {
	for _, speaks := range []bool{false, true} {
		k, given := newStick(), make(chan struct{}, 100)
		sweeps := 0
		k.hook = func(c string) (string, bool) {
			if c == "AT+CMGL=4" {
				sweeps++
				line, n := deliverLine(t, "+31612345678", "found "+strconv.Itoa(sweeps))
				return "+CMGL: 1,1,," + strconv.Itoa(n) + "\n" + line, true
			}
			if c == "AT+CMGD=1" && speaks {
				go k.say("^RSSI: 12")
			}
			return "", false
		}
		bankOpen(t, Config{}, func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
			port, err := k.open(ctx, path)
			return deafPort{port, given}, err
		}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			time.Sleep(21 * time.Minute)
			if gone := len(given) > 0; gone == speaks || (k.openings() > 1) == speaks {
				t.Errorf("speaks %v: given up %v, opened %d times", speaks, gone, k.openings())
			}
		}, k)
	}
}

func TestPort_TakesNoCommandsForMessages_GivenUp(t *testing.T) {
	k, given := newStick(), make(chan struct{}, 4)
	k.answers["AT+CMGF=0"] = "ERROR"
	bankOpen(t, Config{}, func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
		port, err := k.open(ctx, path)
		return deafPort{port, given}, err
	}, func(t *testing.T, b *Bank, h *memory) {
		until(t, time.Minute, "given up", func() bool { return len(given) > 0 })
	}, k)
}
