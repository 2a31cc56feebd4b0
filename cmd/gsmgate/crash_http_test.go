package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"gsmgate/storage"
)

// aWay is a channel of the crash test over HTTP, and what its route does with messages
// that may have been sent.
type aWay struct {
	name, unknown string
	description   string // what is in it beside the rest
}

// httpWays: a provider reports by the name that we gave, or by its own, which is lost
// with its answer; and one knows a request that it had before.
var httpWays = []aWay{
	{"ours", "hold", `"answer": {"format": "json", "success": [{"path": "ok", "is": ["true"]}], "id": {"own": true}}`},
	{"again", "hold", `"idempotent": true, "answer": {"format": "json", "success": [{"path": "ok", "is": ["true"]}], "id": {"own": true}}`},
	{"resend", "resend", `"answer": {"format": "json", "success": [{"path": "ok", "is": ["true"]}], "id": "id"}`},
	{"fail", "fail", `"answer": {"format": "json", "success": [{"path": "ok", "is": ["true"]}], "id": "id"}`},
}

const httpDescription = `{"name": %q, "title": "stand-in", "settings": [{"name": "base", "about": "URL"}],
	"send": {"method": "POST", "url": "{base}/%[1]s", "json": {"to": "{to}", "id": "{id}", "report": "{report_url}"}},
	"reports": {"format": "json", "id": "id", "to": "to", "state": "status", "states": {"delivered": "DELIVERED"}}, %s}`

// httpTo is the recipient of message n: its fifth digit names the way.
func httpTo(n int) string { return fmt.Sprintf("3161%d%06d", n%len(httpWays), n) }

func wayOf(to string) aWay { return httpWays[to[4]-'0'] }

// TestCrash_AnySideOverHTTP_NothingLostNothingDoubledInSilence has clients, a gateway
// and an HTTP provider, and kills one of the three GSMGATE_CRASHES times (4; make
// crash: 50) at random moments under load. Then the file is held against what the
// provider has, and against what the clients were told.
func TestCrash_AnySideOverHTTP_NothingLostNothingDoubledInSilence(t *testing.T) {
	kills, seed := number(t, "GSMGATE_CRASHES", 4), number(t, "GSMGATE_SEED", int(time.Now().Unix()))
	t.Logf("GSMGATE_CRASHES=%d GSMGATE_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 3))
	c := newHTTPCrash(t)
	gone := c.come(t.Context())
	defer gone()
	for range kills {
		c.kill(random)
	}
	c.enough()
	c.settle(c.gate)
	c.settle(c.gate) // what was sent again meanwhile
	gone()
	c.gate.stop()
	c.provider.kill()
	c.gate.verify()
	c.check()
}

// httpCrash is clients, a gateway and a provider.
type httpCrash struct {
	*clients
	gate     *gateway
	provider *httpProvider
}

func newHTTPCrash(t *testing.T) *httpCrash {
	t.Helper()
	c := &httpCrash{clients: newClients(t, httpTo)}
	c.provider = newHTTPProvider(t)
	c.gate = newGateway(t, "--log", "error", "--provider-listen", "http://127.0.0.1:0", "--provider-url", gatewayOutside)
	c.gate.begin(loadUser)
	c.gate.args[slices.Index(c.gate.args, "--provider-listen")+1] = "http://" + c.gate.providers
	c.provider.calls(c.gate.providers)
	for i, w := range httpWays {
		file := filepath.Join(t.TempDir(), w.name+".json")
		if err := os.WriteFile(file, fmt.Appendf(nil, httpDescription, w.name, w.description), 0o600); err != nil {
			t.Fatal(err)
		}
		c.gate.must("channel", "add", w.name, "--kind", "http", "--description", file, "--set", "base=http://"+c.provider.address, "--window", "8")
		c.gate.must("route", "add", "--to", fmt.Sprintf("3161%d", i), "--channel", w.name, "--unknown", w.unknown, "--unknown-after", "1s")
	}
	c.conf = loadConfig(c.gate)
	return c
}

// kill lets the load go on for a while, ends one side, and starts it again.
func (c *httpCrash) kill(random *rand.Rand) {
	c.t.Helper()
	time.Sleep(time.Duration(random.Int64N(int64(1500 * time.Millisecond))))
	switch random.IntN(5) {
	case 0, 1:
		c.killGateway("gateway", c.gate, random)
	case 2, 3:
		c.kills["provider"]++
		c.provider.kill()
		time.Sleep(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
		c.provider.start()
	default:
		c.kills["client"]++
		c.cut()
	}
}

// check holds all sides against each other.
func (c *httpCrash) check() {
	c.t.Helper()
	b := readBooks(c.t, c.gate.dir, loadUser)
	c.checkAccepted(&b)
	counts, delivered, open := map[string]int{}, 0, 0
	for to, m := range b.byDest {
		copies := c.provider.copies(to)
		if wrong := outcomeWrong(m, wayOf(to).unknown, copies); wrong != "" {
			c.t.Errorf("message %s by %s: %s; the provider has it %d times; %s: %v", m.ID, wayOf(to).name, wrong, copies, m.Reason, m.Events)
		}
		word := "DELIVRD"
		switch {
		case m.State == storage.Delivered:
			delivered++
		case m.EndedAt == 0:
			open++
		default:
			word = "UNDELIV"
		}
		c.checkReceipts(&b, m, word)
		counts[fmt.Sprintf("%s: state %d, sent again %d times, with the provider %d times", wayOf(to).name, m.State, m.Resent, copies)]++
	}
	for to := range c.provider.taken {
		if b.byDest[to] == nil {
			c.t.Errorf("the provider has a message to %s, which the gateway has not", to)
		}
	}
	b.balanced(c.t, delivered, open)
	c.t.Logf("killed %v; offered %d, accepted %d, without an answer %d, on disk %d, receipts for %d; %v",
		c.kills, c.next, len(c.accepted), c.unheard, len(b.byDest), len(c.receipts), counts)
}

// outcomeWrong says what is wrong with the end of a message, of which the provider has
// so many copies. What may have been sent is UNKNOWN or what the route says, and
// a second copy is in its timeline.
func outcomeWrong(m *storage.Message, policy string, copies int) string {
	told := hasEvent(m, "unknown")
	switch {
	case copies > 1+int(m.Resent):
		return "it was doubled in silence"
	case int(m.Resent) > 0 && (policy != "resend" || !hasEvent(m, "resent")):
		return "it was sent again, and nobody had said so"
	case m.State == storage.Delivered && copies > 0:
		return ""
	case m.State == storage.Unknown && m.EndedAt == 0 && told && policy == "hold" && copies == 0 && m.Deadline != 0:
		return "" // it never came to the provider, which nobody can know
	case m.State == storage.Unknown && m.EndedAt == 0 && told && policy == "resend" && m.Resent > 0 && m.Deadline != 0:
		return "" // as often as it may be
	case m.State == storage.Undeliverable && told && policy == "fail":
		return ""
	}
	return fmt.Sprintf("it is in state %d", m.State)
}

// The table itself: each end that is wrong is found.
func TestCrash_OverHTTP_OutcomesThatAreWrong(t *testing.T) {
	note := func(m storage.Message, what ...string) *storage.Message {
		for _, w := range what {
			m.Note(1, w, "")
		}
		return &m
	}
	for name, c := range map[string]struct {
		m      *storage.Message
		policy string
		copies int
		right  bool
	}{
		"delivered":             {note(storage.Message{State: storage.Delivered}), "hold", 1, true},
		"delivered and nowhere": {note(storage.Message{State: storage.Delivered}), "hold", 0, false},
		"doubled":               {note(storage.Message{State: storage.Delivered}), "resend", 2, false},
		"doubled and told":      {note(storage.Message{State: storage.Delivered, Resent: 1}, "unknown", "resent"), "resend", 2, true},
		"against the policy":    {note(storage.Message{State: storage.Delivered, Resent: 1}, "unknown", "resent"), "hold", 1, false},
		"lost":                  {note(storage.Message{State: storage.Enroute}), "hold", 0, false},
		"failed":                {note(storage.Message{State: storage.Undeliverable, EndedAt: 1}, "unknown"), "fail", 1, true},
		"failed in silence":     {note(storage.Message{State: storage.Undeliverable, EndedAt: 1}), "fail", 1, false},
		"held":                  {note(storage.Message{State: storage.Unknown, Deadline: 1}, "unknown"), "hold", 0, true},
		"held for ever":         {note(storage.Message{State: storage.Unknown}, "unknown"), "hold", 0, false},
	} {
		if wrong := outcomeWrong(c.m, c.policy, c.copies); (wrong == "") != c.right {
			t.Errorf("%s: %q", name, wrong)
		}
	}
}
