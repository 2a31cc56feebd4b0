package modem

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/modem/modemsim/replay"
)

// steps lists findings as "verdict step".
func steps(r *CheckResult) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Verdict)+" "+f.Step)
	}
	return strings.Join(all, ", ")
}

// found gives the finding of a step.
func found(r *CheckResult, step string) Finding {
	for _, f := range r.Findings {
		if f.Step == step {
			return f
		}
	}
	return Finding{}
}

// checkStick checks a stick in a bubble.
func checkStick(t *testing.T, k *stick, cfg CheckConfig, fn func(t *testing.T, r *CheckResult)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Port, cfg.Open = "/dev/stick", k.open
		r := Check(t.Context(), cfg)
		if k.conn != nil {
			k.conn.Close()
		}
		fn(t, r)
	})
}

const allWell = "ok port, ok answers, ok identity, ok PIN, ok card, ok SMSC, ok acknowledgement, ok storage, ok indications, ok reports, ok network, ok operator, ok signal"

func TestCheck_AllWell_Usable(t *testing.T) {
	k := newStick()
	var told []Finding
	checkStick(t, k, CheckConfig{Step: func(f Finding) { told = append(told, f) }}, func(t *testing.T, r *CheckResult) {
		if !r.Usable() || steps(r) != allWell || !slices.Equal(told, r.Findings) {
			t.Errorf("%s\n%+v", steps(r), r.Findings)
		}
		if k.count("AT+CMGL=4") > 0 {
			t.Error("the messages on the SIM were read, for nothing")
		}
	})
}

func TestCheck_OneThingWrong_SaidWithItsMend(t *testing.T) {
	for name, c := range map[string]struct {
		change        func(k *stick)
		pin           string
		verdict       Verdict
		step          string
		text, mend    string
		tries, usable int
	}{
		"no port":        {func(k *stick) { k.gone = true }, "", CheckFail, "port", "no such port", "plug the stick in", 0, 0},
		"hang":           {func(k *stick) { k.deaf = true }, "", CheckFail, "answers", "does not answer", "another of the stick's ports", 0, 0},
		"echo stays":     {echoing, "", CheckWarn, "answers", "shows each command again", "firmware", 0, 1},
		"nameless":       {func(k *stick) { k.answers["AT+CGSN"] = "ERROR" }, "", CheckWarn, "identity", "IMEI not told", "by its path", 0, 1},
		"no SIM":         {func(k *stick) { k.answers["AT+CPIN?"] = "+CME ERROR: 10" }, "", CheckFail, "PIN", "no SIM", "put a SIM in", 0, 0},
		"SIM busy":       {func(k *stick) { k.answers["AT+CPIN?"] = "+CME ERROR: 14" }, "", CheckFail, "PIN", "busy", "take the SIM out", 0, 0},
		"PUK":            {func(k *stick) { k.answers["AT+CPIN?"] = "+CPIN: SIM PUK" }, "1234", CheckFail, "PIN", "PUK", "give its PUK there", 0, 0},
		"network lock":   {func(k *stick) { k.answers["AT+CPIN?"] = "+CPIN: PH-NET PIN" }, "1234", CheckFail, "PIN", "another code", "locked", 0, 0},
		"no PIN":         {func(k *stick) { k.answers["AT+CPIN?"] = "+CPIN: SIM PIN" }, "", CheckFail, "PIN", "none is known", "--pin", 0, 0},
		"odd PIN":        {func(k *stick) { k.answers["AT+CPIN?"] = "+CPIN: SIM PIN" }, "12", CheckFail, "PIN", "4 to 8 digits", "--pin", 0, 0},
		"wrong PIN":      {func(k *stick) { lock(k, "7391", "ERROR") }, "1111", CheckFail, "PIN", "refused the PIN", "the right PIN", 1, 0},
		"one try left":   {func(k *stick) { lock(k, "7391", "+CPINR: SIM PIN,1,3") }, "7391", CheckFail, "PIN", "only 1 tries left", "telephone", 0, 0},
		"right PIN":      {func(k *stick) { lock(k, "7391", "+CPINR: SIM PIN,2,3") }, "7391", CheckWarn, "PIN", "2 tries are left", "right PIN once", 1, 1},
		"no ICCID":       {func(k *stick) { k.answers["AT+CCID"] = "ERROR" }, "", CheckWarn, "card", "IMSI 204", "ICCID", 0, 1},
		"no SMSC":        {func(k *stick) { k.answers["AT+CSCA?"] = `+CSCA: "",129` }, "", CheckFail, "SMSC", "no service-centre address", "AT+CSCA=", 0, 0},
		"phase 2":        {func(k *stick) { k.answers["AT+CSMS=1"] = "ERROR" }, "", CheckWarn, "acknowledgement", "by itself", "storage", 0, 1},
		"full storage":   {func(k *stick) { k.answers[`AT+CPMS="SM","SM","SM"`] = "+CPMS: 20,20,20,20,20,20" }, "", CheckWarn, "storage", "SM is full, 20 of 20", "until there is room", 0, 1},
		"no storage":     {noStorage, "", CheckWarn, "storage", "none", "nothing to do", 0, 1},
		"no indications": {func(k *stick) { k.answers["AT+CNMI=?"] = "+CNMI: (5),(5),(5),(5),(5)" }, "", CheckWarn, "indications", "none", "sweep", 0, 1},
		"no reports":     {func(k *stick) { k.answers["AT+CNMI=?"] = "+CNMI: (0-2),(0-3),(0,2),(0),(0,1)" }, "", CheckWarn, "reports", "no status reports", "unknown", 0, 1},
		"no network":     {func(k *stick) { k.answers["AT+CREG?"] = "+CREG: 1,2" }, "", CheckFail, "network", "not within 1m30s: searching", "aerial", 0, 0},
		"denied":         {func(k *stick) { k.answers["AT+CREG?"] = "+CREG: 1,3" }, "", CheckFail, "network", "denies", "contract", 0, 0},
		"roaming":        {func(k *stick) { k.answers["AT+CREG?"] = "+CREG: 1,5" }, "", CheckWarn, "network", "roaming", "cost", 0, 1},
		"no operator":    {func(k *stick) { k.answers["AT+COPS?"] = "+COPS: 0" }, "", CheckWarn, "operator", "not told", "nothing", 0, 1},
		"weak signal":    {func(k *stick) { k.answers["AT+CSQ"] = "+CSQ: 2,99" }, "", CheckWarn, "signal", "weak, -109 dBm", "aerial", 0, 1},
		"no signal told": {func(k *stick) { k.answers["AT+CSQ"] = "+CSQ: 99,99" }, "", CheckWarn, "signal", "not told", "nothing", 0, 1},
		"restart":        {restartAt("AT+CSCA?"), "", CheckFail, "set up", "restarted", "power supply", 0, 0},
		"unplugged":      {func(k *stick) { k.hook = unplugging(k, "AT+CIMI") }, "", CheckFail, "card", "closed", "cable", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			c.change(k)
			checkStick(t, k, CheckConfig{PIN: c.pin}, func(t *testing.T, r *CheckResult) {
				f := found(r, c.step)
				if f.Verdict != c.verdict || !strings.Contains(f.Text, c.text) || !strings.Contains(f.Mend, c.mend) {
					t.Errorf("%+v\n%s", f, steps(r))
				}
				if r.Usable() != (c.usable == 1) || k.tried() != c.tries {
					t.Errorf("usable %v, the PIN was tried %d times: %s", r.Usable(), k.tried(), steps(r))
				}
			})
		})
	}
}

// lock makes a SIM want a PIN, see locked.
func lock(k *stick, pin, tries string) {
	l := locked(pin, tries)
	k.answers, k.hook = l.answers, func(c string) (string, bool) {
		given, is := strings.CutPrefix(c, "AT+CPIN=")
		switch {
		case !is:
			return "", false
		case strings.Trim(given, `"`) == pin:
			k.answers["AT+CPIN?"] = "+CPIN: READY"
			return "OK", true
		}
		return "+CME ERROR: 16", true
	}
}

// echoing makes a stick that cannot be stopped from showing commands.
func echoing(k *stick) {
	k.echo, k.answers["ATE0"], k.answers["ATE0Q0V1"] = true, "OK", "OK"
}

func noStorage(k *stick) {
	for _, command := range []string{"AT+CPMS=?", `AT+CPMS="SM"`, `AT+CPMS="ME"`} {
		k.answers[command] = "ERROR"
	}
}

// restartAt makes a modem that falls over at a command, and says so when it is back.
func restartAt(command string) func(*stick) {
	return func(k *stick) { k.answers[command] = "RDY" }
}

// unplugging takes the stick out at a command.
func unplugging(k *stick, at string) func(string) (string, bool) {
	return func(command string) (string, bool) {
		if command == at {
			k.conn.Close()
			return "-", true
		}
		return "", false
	}
}

func TestCheck_PortTaken_SaysByWhomAndWhatToDo(t *testing.T) {
	for name, want := range map[string]struct {
		err  error
		mend string
	}{
		"gateway":      {&PortBusyError{"/dev/x", 7, "gsmgate"}, "stop it first"},
		"ModemManager": {&PortBusyError{"/dev/x", 7, "ModemManager"}, "udev rule"},
		"other":        {&PortBusyError{"/dev/x", 7, "minicom"}, "end that program"},
		"not ours":     {&PortError{"/dev/x", fs.ErrPermission}, "dialout"},
		"no serial":    {&PortError{"/dev/x", ErrNotSerial}, "/dev/ttyUSB0"},
		"other error":  {&PortError{"/dev/x", io.ErrShortWrite}, "dmesg"},
	} {
		r := Check(t.Context(), CheckConfig{Port: "/dev/x", Open: func(context.Context, string) (io.ReadWriteCloser, error) { return nil, want.err }})
		if f := found(r, "port"); r.Usable() || f.Text != want.err.Error() || !strings.Contains(f.Mend, want.mend) {
			t.Errorf("%s: %+v", name, f)
		}
		if got := lines(r.Transcript(false)); !strings.HasPrefix(got, "= not opened: /dev/x: ") {
			t.Errorf("%s: transcript %q", name, got)
		}
	}
}

func TestCheck_RefusedPINRemembered_NotTriedByTheNextCheck(t *testing.T) {
	k := newStick()
	lock(k, "7391", "ERROR")
	refused := &pinMemory{refused: map[string]bool{}}
	for i, want := range []string{"refused the PIN", "refused this PIN"} {
		checkStick(t, k, CheckConfig{PIN: "1111", Refused: refused}, func(t *testing.T, r *CheckResult) {
			if f := found(r, "PIN"); !strings.Contains(f.Text, want) || k.tried() != 1 {
				t.Errorf("check %d: %+v, tried %d times", i, f, k.tried())
			}
		})
	}
}

func TestCheck_Ended_SettingsPutBack(t *testing.T) {
	for name, stopAt := range map[string]string{"to its end": "", "interrupted": "AT+CSQ", "interrupted while it waits for a network": "AT+CREG?"} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			k.answers["AT+CNMI?"], k.answers["AT+CSMS?"] = "+CNMI: 2,1,0,0,0", "+CSMS: 0,1,1,1"
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				k.hook = func(command string) (string, bool) {
					if command == stopAt {
						cancel()
						return "-", true
					}
					return "", false
				}
				r := Check(ctx, CheckConfig{Port: "/dev/stick", Open: k.open})
				cancel()
				k.conn.Close()
				if got := k.heard[len(k.heard)-2:]; !slices.Equal(got, []string{"AT+CNMI=2,1,0,0,0", "AT+CSMS=0"}) {
					t.Errorf("the last commands were %q", got)
				}
				if f := found(r, "check"); stopAt != "" && (f.Text != "interrupted" || r.Usable()) {
					t.Errorf("%s", steps(r))
				}
			})
		})
	}
}

// checkPTY checks a simulated modem on a pty.
func checkPTY(t *testing.T, cfg CheckConfig, each func(*modemsim.ModemConfig), fault func(*modemsim.Bank)) (*CheckResult, *modemsim.Bank) {
	t.Helper()
	sim, err := modemsim.New(modemsim.Config{Count: 1, Dir: t.TempDir(), Latency: 20 * time.Millisecond, Each: func(_ int, m *modemsim.ModemConfig) { each(m) }})
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = sim.Run(ctx) })
	t.Cleanup(func() { cancel(); all.Wait() })
	fault(sim)
	cfg.Port, cfg.AT = sim.Paths()[0], quick()
	return Check(t.Context(), cfg), sim
}

func plain(*modemsim.ModemConfig) {}
func noFault(*modemsim.Bank)      {}

func TestCheckPTY_MessageSentAndReported(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]func(*modemsim.ModemConfig){"straight": plain, "stored": kinds()["sim-stored"], "pin": kinds()["sim-pin"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, sim := checkPTY(t, CheckConfig{To: "+31612345678", PIN: "1234", Text: "hello"}, each, noFault)
			if f := found(r, "report"); !r.Usable() || f.Verdict != CheckOK {
				t.Errorf("%+v\n%s", r.Findings, lines(r.Transcript(true)))
			}
			if got := sim.Network().Counts(); len(got) != 1 || got[0].Text != "hello" || got[0].Times != 1 {
				t.Errorf("arrived: %+v", got)
			}
		})
	}
}

func TestCheckPTY_Faults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		each       func(*modemsim.ModemConfig)
		fault      func(*modemsim.Bank)
		step       string
		verdict    Verdict
		text, mend string
	}{
		"no SMSC":      {func(m *modemsim.ModemConfig) { m.SIM.SMSC = "" }, noFault, "SMSC", CheckFail, "no service-centre", "AT+CSCA"},
		"no SIM":       {func(m *modemsim.ModemConfig) { m.NoSIM = true }, noFault, "PIN", CheckFail, "no SIM", "put a SIM in"},
		"full storage": {plain, func(b *modemsim.Bank) { b.Modem(0).FillStorage("SM", 0) }, "storage", CheckWarn, "50 of 50", "room"},
		"hang":         {plain, func(b *modemsim.Bank) { b.Modem(0).Hang(0) }, "answers", CheckFail, "does not answer", "another"},
		"no network":   {plain, func(b *modemsim.Bank) { b.Modem(0).LoseNetwork(0) }, "network", CheckFail, "searching", "aerial"},
		"garbage":      {plain, func(b *modemsim.Bank) { b.Modem(0).Garbage(500) }, "report", CheckOK, "delivered", ""},
		"odd speech":   {plain, func(b *modemsim.Bank) { b.Modem(0).CROnly(true); b.Modem(0).URCInsideAnswers(50) }, "report", CheckOK, "delivered", ""},
		"refused":      {plain, func(b *modemsim.Bank) { b.Modem(0).FailSends(1, 38) }, "message", CheckFail, "38", "credit"},
		"bad number":   {plain, func(b *modemsim.Bank) { b.Modem(0).FailSends(1, 1) }, "message", CheckFail, "1", "number"},
		"answer lost":  {plain, func(b *modemsim.Bank) { b.Modem(0).LoseAnswers(1) }, "message", CheckFail, "unknown", "may have gone out"},
		"no report": {plain, func(b *modemsim.Bank) { b.Network().AddRule(modemsim.Rule{Match: "*", NoReport: true}) }, "report", CheckWarn,
			"none within 2s", "off"},
		"not delivered": {plain, func(b *modemsim.Bank) { b.Network().AddRule(modemsim.Rule{Match: "*", ST: 0x46, Temporary: 0x21}) }, "report", CheckWarn,
			"validity period expired", "the modem works"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, sim := checkPTY(t, CheckConfig{To: "+31612345678", Network: 2 * time.Second, Report: 2 * time.Second}, c.each, c.fault)
			f := found(r, c.step)
			if f.Verdict != c.verdict || !strings.Contains(f.Text, c.text) || !strings.Contains(f.Mend, c.mend) || r.Usable() != (c.verdict != CheckFail) {
				t.Errorf("%+v\n%s", f, lines(r.Transcript(true)))
			}
			if name == "full storage" && sim.Modem(0).Stored("SM") != 50 {
				t.Errorf("%d messages are left on the SIM", sim.Modem(0).Stored("SM"))
			}
		})
	}
}

func TestCheckPTY_MessageComesIn_LeftForTheGateway(t *testing.T) {
	t.Parallel()
	for name, each := range map[string]func(*modemsim.ModemConfig){"straight": plain, "stored": kinds()["sim-stored"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, sim := checkPTY(t, CheckConfig{To: "+31612345678", Report: 3 * time.Second}, each, func(b *modemsim.Bank) {
				b.Network().AddRule(modemsim.Rule{Match: "*", NoReport: true})
				if err := b.Network().Handset("+31600000009").Send(b.Modem(0).Number(), "for the gateway"); err != nil {
					t.Error(err)
				}
			})
			if !r.Usable() {
				t.Errorf("%s", steps(r))
			}
			h := newMemory()
			b := NewBank(Config{Ports: sim.Paths(), Handler: h, AT: quick(), Sweep: time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { _ = b.Run(ctx) })
			within(t, "delivered to the gateway", func() bool { return slices.Contains(h.list(), "deliver +31600000009 for the gateway") })
			cancel()
			all.Wait()
		})
	}
}

func TestCheck_ItsRecording_CanBePlayed(t *testing.T) {
	t.Parallel()
	r, _ := checkPTY(t, CheckConfig{To: "+31612345678", Text: "for the file"}, plain, noFault)
	tr := r.Transcript(false)
	if text, err := tr.MarshalText(); err != nil || strings.Contains(string(text), "1316325476") {
		t.Errorf("%v\n%s", err, text)
	}
	p, err := replay.New(tr, 1)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		again := Check(t.Context(), CheckConfig{Port: "/dev/recorded", Open: p.Open, To: "00000000000"})
		if !again.Usable() || fmt.Sprint(p.Problems()) != "[]" || steps(again) != steps(r) {
			t.Errorf("%s, problems %q", steps(again), p.Problems())
		}
		synctest.Wait()
	})
}
