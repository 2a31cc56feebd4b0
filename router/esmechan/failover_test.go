package esmechan

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
)

// second gives the post another provider, channel "other", to which messages go
// when the first one does not take them.
func (p *post) second(lines ...string) (got func() int) {
	p.T.Helper()
	var mu sync.Mutex
	n := 0
	smsc := smppsim.NewSMSC(smppsim.SMSCConfig{Faults: faultsOf(p.T, lines...), OnSubmit: func(string, *smpp.SubmitSM) smpp.CommandStatus {
		mu.Lock()
		defer mu.Unlock()
		n++
		return smpp.StatusOK
	}})
	w := newWire()
	ch, err := New(Config{Record: storage.Channel{Name: "other", Kind: "smpp", SMPP: &storage.SMPPChannel{Address: "other.example:2775", SystemID: "gate"}}})
	if err != nil {
		p.T.Fatal(err)
	}
	ch.esme.DialContext = w.dial
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = smsc.Serve(ctx, w); close(ended) }()
	p.T.Cleanup(func() { p.stop(); cancel(); <-ended })
	if err := p.R.Add(ch); err != nil {
		p.T.Fatal(err)
	}
	if _, err := p.R.AddRoute(p.T.Context(), storage.Route{Channels: []storage.RouteChannel{{Name: "up"}, {Name: "other"}}}); err != nil {
		p.T.Fatal(err)
	}
	after(time.Second)
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// What the first provider does with a message, and how it goes on by the other.
func TestFailover_EachClass(t *testing.T) {
	for _, c := range []struct {
		name, faults  string
		set           []string
		within        time.Duration
		state         storage.State
		first, second int // how often each got it
	}{
		{"Permanent_AtOnce", "refuse 0x0B", nil, time.Second, storage.Delivered, 1, 1},
		{"Permanent_SourceNotAllowed_AtOnce", "refuse 0x0A", nil, time.Second, storage.Delivered, 1, 1},
		{"Final_NeverElsewhere", "refuse 0x45", []string{"0x45=final"}, time.Hour, storage.Undeliverable, 1, 0},
		{"Temporary_AfterThreeTries", "refuse 0x08", nil, 2 * time.Minute, storage.Delivered, 3, 1},
		{"Throttled_AfterThreeTries", "refuse 0x58", nil, time.Minute, storage.Delivered, 3, 1},
		{"QueueFull_AfterThreeTries", "refuse 0x14", nil, time.Minute, storage.Delivered, 3, 1},
		{"ChannelIll_AfterThreeTries", "refuse 0x04", nil, time.Minute, storage.Delivered, 3, 1},
		{"Nacked_AfterThreeTries", "nack", nil, 2 * time.Minute, storage.Delivered, 3, 1},
		{"Vendors_AfterThreeTries", "refuse 0x4FF", nil, 2 * time.Minute, storage.Delivered, 3, 1},
		{"Unknown_NeverElsewhere", "cut times 1 | never", nil, time.Hour, storage.Unknown, 1, 0},
		{"NotBound_AtOnce", "bind-refuse", nil, time.Second, storage.Delivered, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := smppsim.SMSCConfig{Faults: faultsOf(t, strings.Split(c.faults, " | ")...)}
			inBubble(t, conf, func(r *storage.SMPPChannel) { r.Statuses = c.set }, func(t *testing.T, p *post) {
				other := p.second()
				id := p.Submit("31612345678", "Hello")
				after(c.within)
				m := p.Ends(id, c.state)
				if len(p.submits()) != c.first || other() != c.second {
					t.Errorf("the first got it %d times, the second %d: %+v", len(p.submits()), other(), m.Events)
				}
				if b := p.Balance(); c.state == storage.Delivered && (b.Spent != credit || b.Held != 0) {
					t.Errorf("%+v", b)
				}
			})
		})
	}
}

// When none takes it the message ends, in no more tries than its budget.
func TestFailover_NobodyTakesIt_EndsWithinItsBudget(t *testing.T) {
	for fault, tries := range map[string]int{"refuse 0x0B": 2, "refuse 0x08": 3*2*3 + 10} {
		inBubble(t, smppsim.SMSCConfig{Faults: faultsOf(t, fault)}, nil, func(t *testing.T, p *post) {
			other := p.second(fault)
			id := p.Submit("31612345678", "Hello")
			after(24 * time.Hour)
			m := p.Ends(id, storage.Undeliverable)
			if n := len(p.submits()) + other(); n > tries || n < 2 {
				t.Errorf("%s: %d tries, of at most %d", fault, n, tries)
			}
			if b := p.Balance(); b.Available != 100*credit {
				t.Errorf("%s: %+v, %s", fault, b, m.Reason)
			}
		})
	}
}

// A provider that refuses all, whatever the message, does not keep those that wait
// for it: they go by the other, and come back when it is well.
func TestFailover_ChannelIll_AllThatWaitsMoves(t *testing.T) {
	inBubble(t, smppsim.SMSCConfig{Faults: faultsOf(t, "refuse 0x0101")}, nil, func(t *testing.T, p *post) {
		other := p.second()
		var ids []storage.ID
		for i := range 50 {
			ids = append(ids, p.Submit(fmt.Sprintf("316123456%02d", i), "Hello"))
		}
		after(2 * time.Minute)
		for _, id := range ids {
			if m, _ := p.R.Message(id); m.State != storage.Delivered {
				t.Errorf("%s is %s: %s", id, router.StateWord(m.State), p.R.Why(m))
			}
		}
		if other() != 50 {
			t.Errorf("the other got %d", other())
		}
		p.smsc.SetFaults()
		after(10 * time.Minute)
		p.Ends(p.Submit("31612345678", "Hello"), storage.Delivered)
		if other() != 50 {
			t.Error("the first one is well and was passed over")
		}
	})
}
