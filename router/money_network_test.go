package router

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync"
	"time"

	"gsmgate/storage"
)

// network is what lies behind all channels. What becomes of an attempt follows
// from the seed, the message and the number of the attempt alone.
type network struct {
	seed uint64

	mu      sync.Mutex
	calm    bool                    // from now on everything is taken at once
	dying   bool                    // the gateway is being killed: what begins now never happened
	tries   map[string]int          // by name and part
	has     map[string]map[int]bool // by name: the parts whose last attempt went out, or may have
	reports []storage.Report        // that the network has to tell
	told    map[string]int          // final reports of delivery, by recipient
}

func newNetwork(seed uint64) *network {
	return &network{seed: seed, tries: map[string]int{}, has: map[string]map[int]bool{}, told: map[string]int{}}
}

// nameOf tells a text for a recipient from all others.
func nameOf(m *storage.Message) string { return m.Text + " " + m.Dest.Addr }

// attempt notes that part i of a message is on its way, and gives the random
// numbers of this attempt; false: the gateway is dead.
func (n *network) attempt(name string, i int) (*rand.Rand, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dying {
		return nil, false
	}
	n.note(name, i, true)
	key := fmt.Sprintf("%s/%d", name, i)
	n.tries[key]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%s/%d", key, n.tries[key])
	return rand.New(rand.NewPCG(n.seed, h.Sum64())), true
}

func (n *network) note(name string, i int, has bool) {
	if n.has[name] == nil {
		n.has[name] = map[int]bool{}
	}
	n.has[name][i] = has
}

// out counts the parts of a message that went out, or may have.
func (n *network) out(name string) (parts int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, has := range n.has[name] {
		if has {
			parts++
		}
	}
	return parts
}

var errNetwork = errors.New("says the network")

// send is the answer of every lane.
func (n *network) send(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
	rng, alive := n.attempt(nameOf(m), i)
	if !alive {
		<-ctx.Done()
		return "", ctx.Err()
	}
	n.mu.Lock()
	calm := n.calm
	n.mu.Unlock()
	ref := fmt.Sprintf("%s-%d-%d", m.Text, i, rng.Uint32())
	if calm {
		n.later(lane, m, i, ref, storage.Delivered)
		return ref, nil
	}
	early := rng.IntN(8) == 0
	end := ending(rng)
	if early {
		n.later(lane, m, i, ref, end)
	}
	delays := []time.Duration{0, 0, time.Millisecond, 300 * time.Millisecond, 3 * time.Second, time.Minute}
	if Pause(ctx, delays[rng.IntN(len(delays))]) != nil {
		return "", errNetwork // it may have gone out
	}
	return n.answer(rng, lane, m, i, ref, early, end)
}

// ending is what the network says about a part in the end; Enroute: nothing.
func ending(rng *rand.Rand) storage.State {
	ends := []storage.State{storage.Delivered, storage.Delivered, storage.Delivered, storage.Delivered, storage.Delivered,
		storage.Undeliverable, storage.Expired, storage.Rejected, storage.Enroute, storage.Enroute}
	return ends[rng.IntN(len(ends))]
}

func (n *network) answer(rng *rand.Rand, lane string, m *storage.Message, i int, ref string, early bool, end storage.State) (string, error) {
	what := rng.IntN(100)
	switch {
	case early || what < 62:
		if !early {
			n.later(lane, m, i, ref, end)
		}
		return ref, nil
	case what < 72:
		if rng.IntN(2) == 0 { // it went out, only the answer was lost
			n.later(lane, m, i, ref, end)
		}
		return "", errNetwork
	}
	n.mu.Lock()
	if !n.dying { // else nobody heard the answer
		n.note(nameOf(m), i, false)
	}
	n.mu.Unlock()
	return "", refusalOf(rng, what)
}

func refusalOf(rng *rand.Rand, what int) *SendError {
	e := &SendError{Outcome: RefusedForNow, Err: errNetwork, Cause: uint32(rng.IntN(3))}
	switch {
	case what < 78:
		e.Outcome = RefusedForGood
	case what < 84:
		e.Outcome, e.Elsewhere = RefusedForGood, true
	case what < 86:
		e.LaneIll = true
	case what < 90:
		e.Limit = 2
	case what < 94:
		e.Tries = 2
	default:
		e.Wait = time.Duration(1+rng.IntN(600)) * time.Second
	}
	return e
}

// later has the network tell of a part some day.
func (n *network) later(lane string, m *storage.Message, i int, ref string, end storage.State) {
	if end == storage.Enroute {
		return
	}
	rep := storage.Report{Lane: lane, Match: m.Dest.Addr, Ref: ref, State: end, Submitted: m.Parts[i].Tried, Text: "said the network", Dedupe: ref}
	if end != storage.Delivered {
		rep.Cause = 7
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dying {
		return
	}
	n.reports = append(n.reports, rep)
	if end == storage.Delivered {
		n.told[m.Dest.Addr]++
	}
}

// take gives up to most reports to tell, any of them.
func (n *network) take(rng *rand.Rand, most int) (some []storage.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(some) < most && len(n.reports) > 0 {
		i := rng.IntN(len(n.reports))
		some = append(some, n.reports[i])
		n.reports[i] = n.reports[len(n.reports)-1]
		n.reports = n.reports[:len(n.reports)-1]
	}
	return some
}

func (n *network) again(rep storage.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, rep)
}

func (n *network) set(flag *bool, on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*flag = on
}

func (n *network) isDying() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.dying
}

// lumped is a channel that carries a message whole, whatever its length.
type lumped struct{ other }

func (c *lumped) Parts(m *storage.Message) ([]storage.Part, error) {
	parts, err := c.other.Parts(m)
	if err != nil || len(parts) == 1 {
		return parts, err
	}
	return []storage.Part{{Segments: uint8(len(parts))}}, nil
}

// mailbox carries to users what they are to get.
type mailbox struct{ scripted }

func (c *mailbox) Name() string                { return "user" }
func (c *mailbox) Carries(k storage.Kind) bool { return k != storage.MT }

func newMailbox(seed uint64, users []string) *mailbox {
	c := &mailbox{}
	for _, u := range users {
		c.lanes = append(c.lanes, Lane{ID: "user:" + u, Queue: UserQueue(u), Window: 4, Order: conversation, MaxRest: 30 * time.Second})
	}
	c.answer = func(_ context.Context, _ string, m *storage.Message, _ int) (string, error) {
		if rand.New(rand.NewPCG(seed, uint64(m.ID)+uint64(m.Parts[0].Attempts)<<40)).IntN(5) == 0 {
			return "", &SendError{Outcome: RefusedForNow, Err: errNetwork}
		}
		return "", nil
	}
	return c
}
