package smppchan

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
)

func TestMistakes_EachHasAWordAndASentence(t *testing.T) {
	seen := map[string]mistake{}
	for k := range otherMistake + 1 {
		w := k.words()
		if other, twice := seen[w.word]; twice || w.word == "" || !strings.HasSuffix(w.mend, ".") {
			t.Errorf("mistake %d: word %q, as of %d, sentence %q", k, w.word, other, w.mend)
		}
		seen[w.word] = k
	}
	if otherMistake >= 64 {
		t.Error("more mistakes than a set holds")
	}
}

func TestLint_ReceiptsThatNobodyCanGet_FoundAfterTenMinutes(t *testing.T) {
	l, now := newLint(), time.Unix(1_000_000, 0)
	l.now = func() time.Time { return now }
	if l.unheard("acme") {
		t.Error("found at once")
	}
	if now = now.Add(unheardTime + 1); !l.unheard("acme") {
		t.Error("not found after ten minutes")
	}
	if l.users["acme"].receivers = 1; l.unheard("acme") {
		t.Error("found with a receiver bound")
	}
}

func TestLint_Storm_ManyWithinAMinuteOnly(t *testing.T) {
	r, now := &record{}, time.Unix(1_000_000, 0)
	for i := range 3 * stormCount {
		if r.storm(now) {
			t.Fatalf("session %d: found though they come seven seconds apart", i)
		}
		now = now.Add(7 * time.Second)
	}
	n := 0
	for !r.storm(now) {
		n++
	}
	if n > stormCount || len(r.shortLived) > stormCount {
		t.Errorf("found after %d more, %d are kept", n, len(r.shortLived))
	}
}

// Whatever comes, no more is kept than maxFindings, and everything is counted.
func TestLint_ManyFields_Bounded(t *testing.T) {
	d := newDoor(t, smppd.Config{})
	d.bind(false)
	s := sessionOf(d)
	for i := range 3 * maxFindings {
		e := &smpp.Error{Status: smpp.StatusInvParLen, Field: fmt.Sprint("field", i)}
		d.open.Fault(s, smppd.Fault{Kind: smppd.FaultMalformed, Err: e})
	}
	var sum uint64
	all := d.open.Lint("acme")
	for _, f := range all {
		sum += f.Count
	}
	if len(all) != maxFindings || sum != 3*maxFindings {
		t.Errorf("%d findings with %d counts, want %d with %d", len(all), sum, maxFindings, 3*maxFindings)
	}
}

// sessionOf is the session of the channel's one client.
func sessionOf(d *door) *smppd.Session {
	d.open.mu.Lock()
	defer d.open.mu.Unlock()
	return d.open.clients["acme"].members[0].s
}

// A connection that has not bound is nobody's.
func TestLint_BeforeTheBind_UnderNobody(t *testing.T) {
	l := newLint()
	l.users[""] = &record{findings: map[findingKey]*finding{{kind: beforeBind}: {count: 1, remote: &net.TCPAddr{}}}}
	if mistakeOf(smppd.FaultState, false) != beforeBind || len(l.list("")) != 1 || len(l.list("acme")) != 0 {
		t.Errorf("%+v", l.list(""))
	}
}

func BenchmarkLint_OrdinaryText(b *testing.B) {
	l, s := newLint(), &smppd.Session{}
	sm := written(smpp.CodingDefault, []byte(ordinary[0]))
	b.ReportAllocs()
	for b.Loop() {
		l.submit(s, sm, smpp.GSM0338)
	}
}

func BenchmarkLint_TransmitterThatAsksForReceipts(b *testing.B) {
	l, s := newLint(), &smppd.Session{}
	sm := written(smpp.CodingDefault, []byte(ordinary[0]))
	sm.RegisteredDelivery = smpp.ReceiptFinal
	b.ReportAllocs()
	for b.Loop() {
		l.submit(s, sm, smpp.GSM0338)
	}
}
