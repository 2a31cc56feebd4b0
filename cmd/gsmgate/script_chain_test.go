package main

import (
	"context"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
)

// loadsKey is what a script's loads are found by.
type loadsKey struct{}

func addLoads(e *testscript.Env) { e.Values[loadsKey{}] = map[string]chan loaded{} }

// loaded is the end of a load.
type loaded struct {
	result smppsim.LoadResult
	err    error
}

// load NAME PORT USER PASSWORD COUNT RATE: an ESME submits so many messages, each
// to a number of its own, and asks for receipts. The script goes on meanwhile.
func startLoad(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 6 {
		ts.Fatalf("usage: load NAME PORT USER PASSWORD COUNT RATE")
	}
	count, err := strconv.Atoi(args[4])
	ts.Check(err)
	rate, err := strconv.ParseFloat(args[5], 64)
	ts.Check(err)
	conf := smppsim.LoadConfig{
		Config: esme.Config{Address: "127.0.0.1:" + args[1], SystemID: args[2], Password: args[3]},
		Count:  count, Rate: rate, Dest: "3161234####", RegisteredDelivery: smpp.ReceiptFinal, ReceiptWait: 10 * time.Second,
	}
	end := make(chan loaded, 1)
	ctx, cancel := context.WithCancel(context.Background())
	ts.Defer(cancel)
	go func() {
		r, err := smppsim.Load(ctx, conf)
		end <- loaded{r, err}
	}()
	ts.Value(loadsKey{}).(map[string]chan loaded)[args[0]] = end
}

// accepted NAME: the load has ended, and every message was accepted; no receipt
// came twice or for a message that it did not send.
func loadAccepted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: accepted NAME")
	}
	end := <-ts.Value(loadsKey{}).(map[string]chan loaded)[args[0]]
	ts.Check(end.err)
	ts.Logf("%+v", end.result)
	if r := end.result; r.Accepted != r.Sent || r.ReceiptsStrange > 0 {
		ts.Fatalf("%d of %d accepted, %d receipts too many", r.Accepted, r.Sent, r.ReceiptsStrange)
	}
}

// once HUB BOX…: each message of the first store is DELIVERED, and one of the
// others has it once; or it is UNKNOWN, and none of the others has more than one
// of it. Half a minute is given for that.
func once(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: once HUB BOX…")
	}
	var wrong string
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if wrong = notOnce(ts, args[0], args[1:]); wrong == "" {
			return
		}
	}
	ts.Fatalf("%s", wrong)
}

// notOnce says what is wrong.
func notOnce(ts *testscript.TestScript, hub string, boxes []string) string {
	copies := map[string]int{}
	for _, box := range boxes {
		n := 0
		for _, m := range sentFrom(ts, box) {
			copies[m.Dest]++
			n++
		}
		ts.Logf("%s has %d", box, n)
	}
	unknown := 0
	for _, m := range sentFrom(ts, hub) {
		switch n := copies[m.Dest]; {
		case n > 1:
			return "the message to " + m.Dest + " came " + strconv.Itoa(n) + " times"
		case m.State == "UNKNOWN":
			unknown++
		case m.State != "DELIVERED" || n != 1:
			return "the message to " + m.Dest + " is " + m.State + ", and came " + strconv.Itoa(n) + " times: " + m.Reason
		}
	}
	ts.Logf("%d are UNKNOWN", unknown)
	return ""
}

// sentFrom gives the last thousand MT messages of a store.
func sentFrom(ts *testscript.TestScript, dir string) []provisioning.Message {
	api := client.Unix(filepath.Join(ts.MkAbs(dir), socketFile))
	defer api.Close()
	all, err := api.Messages(context.Background(), provisioning.MessageFilter{Kind: "MT", Limit: 1000})
	ts.Check(err)
	return all
}
