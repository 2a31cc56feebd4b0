package modemsim

import (
	"context"
	"sort"
	"strings"
	"sync"
	"time"
)

// Network is the service centre between SIMs and handsets.
type Network struct {
	cfg  Config
	abc  *alphabets
	kick chan struct{} // one slot: the agenda has changed

	// mu guards all below. It may be taken while a modem's is held, never the other way round.
	mu          sync.Mutex
	agenda      agenda
	rules       []Rule
	handsets    map[string]*Handset
	mailboxes   map[string]*mailbox
	submissions []Submission // a ring once it is Keep long
	oldest      int
	counts      map[countKey]int
	total       int
	late        time.Duration // of all sends, see Late
}

// countKey is a segment without what differs when it is sent again: TP-MR, references, validity.
type countKey struct {
	to, payload, text string
	seq, total        int
}

func newNetwork(cfg Config, abc *alphabets) *Network {
	return &Network{
		cfg: cfg, abc: abc, kick: make(chan struct{}, 1), rules: append([]Rule(nil), cfg.Rules...),
		handsets: map[string]*Handset{}, mailboxes: map[string]*mailbox{}, counts: map[countKey]int{},
	}
}

// run does what the agenda says until ctx is done.
func (n *Network) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.kick:
		case <-timer.C:
		}
		timer.Reset(n.runDue())
	}
}

// runDue runs the entries that are due, each without the lock, and returns how long until the next.
func (n *Network) runDue() time.Duration {
	for {
		now := time.Now()
		n.mu.Lock()
		run, ok := n.agenda.due(now)
		next := n.agenda.next(now)
		n.mu.Unlock()
		if !ok {
			return next
		}
		run(now)
	}
}

// later enters run, which is called without the lock. The caller holds n.mu.
func (n *Network) later(d time.Duration, run func(now time.Time)) {
	n.agenda.at(time.Now().Add(d), run)
	n.wake()
}

// wake makes run look at the agenda again.
func (n *Network) wake() {
	select {
	case n.kick <- struct{}{}:
	default:
	}
}

// AddRule puts a rule before all others.
func (n *Network) AddRule(r Rule) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules = append(n.rules, r)
}

// rule finds the rule for a number. The caller holds n.mu.
func (n *Network) rule(number string) Rule {
	for i := len(n.rules) - 1; i >= 0; i-- {
		match := n.rules[i].Match
		prefix, isPrefix := strings.CutSuffix(match, "*")
		if isPrefix && strings.HasPrefix(numberKey(number), numberKey(prefix)) || !isPrefix && numberKey(match) == numberKey(number) {
			return n.rules[i]
		}
	}
	return Rule{}
}

// numberKey makes one of the ways to write an international number.
func numberKey(number string) string {
	if rest, ok := strings.CutPrefix(number, "+"); ok {
		return rest
	}
	if rest, ok := strings.CutPrefix(number, "00"); ok {
		return rest
	}
	return number
}

// submit takes a segment from a modem; the result is ok when it is taken.
func (n *Network) submit(from *Modem, s Segment, wrong Rule) result {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	r := n.rule(s.To)
	refused := r.refusal()
	n.remember(Submission{At: now, Modem: from.index, From: from.sim.cfg.MSISDN, Segment: s, Code: refused.code})
	if refused != ok {
		return refused
	}
	n.total++
	n.counts[countKey{to: s.To, payload: string(s.UserData), text: s.Text, seq: s.Seq, total: s.Total}]++
	if r.Never {
		return ok
	}
	sender := from.sim.cfg.MSISDN
	r = r.with(wrong)
	n.later(n.cfg.DeliveryDelay+r.Delay, func(at time.Time) { n.settle(sender, s, r, now, at) })
	return ok
}

// refusal is what the rule answers at submission.
func (r *Rule) refusal() result {
	switch {
	case r.RefuseCME > 0:
		return cme(r.RefuseCME - 1)
	case r.Refuse > 0:
		return cms(r.Refuse)
	}
	return ok
}

func (n *Network) remember(s Submission) {
	if len(n.submissions) < n.cfg.Keep {
		n.submissions = append(n.submissions, s)
		return
	}
	n.submissions[n.oldest] = s
	n.oldest = (n.oldest + 1) % len(n.submissions)
}

// settle is the end of a segment's way: at the handset, or failed; and its reports.
func (n *Network) settle(sender string, s Segment, r Rule, submitted, now time.Time) {
	if r.ST <= 0x1f {
		n.handOver(sender, s, now)
	}
	if !s.SRR || r.NoReport {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.later(n.cfg.ReportDelay+r.ReportDelay, func(time.Time) { n.report(sender, n.reports(sender, s, r, submitted, now), r.SwapReport) })
}

func (n *Network) handOver(sender string, s Segment, now time.Time) {
	n.mu.Lock()
	h := n.handset(s.To)
	whole, done := h.receive(sender, s, now)
	number := h.number
	n.mu.Unlock()
	if done && n.cfg.OnReceive != nil {
		n.cfg.OnReceive(number, whole)
	}
}

// Handset is the handset of that number; it exists by being named. "+31…", "0031…" and "31…" are one handset.
func (n *Network) Handset(number string) *Handset {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.handset(number)
}

func (n *Network) handset(number string) *Handset {
	key := numberKey(number)
	h := n.handsets[key]
	if h == nil {
		h = &Handset{net: n, number: number, changed: make(chan struct{}), open: map[assemblyKey]*assembly{}, nextRef: 1}
		n.handsets[key] = h
	}
	if strings.HasPrefix(number, "+") || strings.HasPrefix(number, "00") {
		h.number = "+" + key
	}
	return h
}

// Submissions are the SMS-SUBMITs so far, oldest first, the last Config.Keep of them.
func (n *Network) Submissions() []Submission {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append(append([]Submission(nil), n.submissions[n.oldest:]...), n.submissions[:n.oldest]...)
}

// Counts says for each segment how often the network took it, the most often taken first.
func (n *Network) Counts() []Count {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]Count, 0, len(n.counts))
	for k, times := range n.counts {
		out = append(out, Count{To: k.to, Text: k.text, Seq: k.seq, Total: k.total, Times: times})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		switch {
		case a.Times != b.Times:
			return a.Times > b.Times
		case a.To != b.To:
			return a.To < b.To
		case a.Text != b.Text:
			return a.Text < b.Text
		}
		return a.Seq < b.Seq
	})
	return out
}

// Total is the number of SMS-SUBMITs that the network took.
func (n *Network) Total() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.total
}

// cameLate notes how much after its time a send was over.
func (n *Network) cameLate(by time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.late += by
}

// Late is how much longer than [Config.Latency] all sends so far took, in sum: by the timers and for want of a processor.
func (n *Network) Late() time.Duration {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.late
}
