package main

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gsmgate/modem/modemsim"
)

// bankKey is what a script's simulated modems are found by.
type bankKey struct{}

// addBank gives a script room for one bank, which `modems` starts.
func addBank(e *testscript.Env) { e.Values[bankKey{}] = new(*modemsim.Bank) }

func scriptBank(ts *testscript.TestScript) *modemsim.Bank {
	b := *ts.Value(bankKey{}).(**modemsim.Bank)
	if b == nil {
		ts.Fatalf("start modems first")
	}
	return b
}

// modems N [PIN]: simulated modems at $WORK/modems/modem00, modem01 … until
// the script ends, their SIMs behind a PIN.
func modems(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: modems N [PIN]")
	}
	count, err := strconv.Atoi(args[0])
	ts.Check(err)
	bank, err := modemsim.New(modemsim.Config{
		Count: count, Dir: ts.MkAbs("modems"),
		Each: func(_ int, m *modemsim.ModemConfig) {
			if len(args) == 2 {
				m.SIM.PIN = args[1]
			}
		},
	})
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		bank.Run(ctx)
	}()
	ts.Defer(func() {
		cancel()
		<-ended
	})
	*ts.Value(bankKey{}).(**modemsim.Bank) = bank
}

func modemNumber(ts *testscript.TestScript, text string) *modemsim.Modem {
	i, err := strconv.Atoi(text)
	ts.Check(err)
	return scriptBank(ts).Modem(i)
}

// plug in|out N: takes the stick out, or puts it back.
func plug(ts *testscript.TestScript, neg bool, args []string) {
	switch {
	case neg || len(args) != 2:
		ts.Fatalf("usage: plug in|out N")
	case args[0] == "out":
		modemNumber(ts, args[1]).Unplug()
	default:
		ts.Check(modemNumber(ts, args[1]).Replug())
	}
}

// handset NUMBER shows TEXT…: exactly these messages, in this order;
// handset NUMBER writes N TEXT: to the SIM in modem N;
// handset NUMBER fails TP-ST: messages to it are taken, and reported with this
// status; handset NUMBER unreported: no report comes of messages to it.
func handset(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: handset NUMBER shows TEXT… | writes N TEXT | fails TP-ST | unreported")
	}
	network := scriptBank(ts).Network()
	h := network.Handset(args[0])
	switch {
	case args[1] == "writes" && len(args) == 4:
		ts.Check(h.Send(modemNumber(ts, args[2]).Number(), args[3]))
		return
	case args[1] == "fails" && len(args) == 3:
		status, err := strconv.ParseUint(args[2], 0, 8)
		ts.Check(err)
		network.AddRule(modemsim.Rule{Match: args[0], ST: byte(status)})
		return
	case args[1] == "unreported":
		network.AddRule(modemsim.Rule{Match: args[0], NoReport: true})
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	received, err := h.Wait(ctx, len(args)-2)
	ts.Check(err)
	var texts []string
	for _, r := range received {
		texts = append(texts, r.Text)
	}
	if !slices.Equal(texts, args[2:]) {
		ts.Fatalf("the handset shows %q", texts)
	}
}

// until REGEXP COMMAND…: the command's output matches before half a minute is
// over.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until REGEXP COMMAND ARG…")
	}
	want := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err := ts.Exec(args[1], args[2:]...); err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
	}
	ts.Fatalf("%s never came", args[0])
}
