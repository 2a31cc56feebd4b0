package router

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gsmgate/storage"
)

// Wait is one reason for which a message waits.
type Wait struct {
	Reason string
	Until  time.Time // when it ends by itself; zero: that is not known
	Lane   string    // which it is about; "" when about none
}

// Absentees is a Channel that knows of lanes which are not served now, and why.
type Absentees interface{ Absent() []LaneStatus }

// Explainer says why messages wait. What it has looked up for one message it
// does not look up again for the next: it is for one answer.
type Explainer struct {
	r      *Router
	now    time.Time
	places map[flowOf]map[storage.ID]int // what is first in it
	lanes  map[string][]LaneStatus       // by channel, those that are served
	absent map[string][]LaneStatus       // by channel, those that are not
}

// Explain begins to explain.
func (r *Router) Explain() *Explainer {
	return &Explainer{
		r: r, now: r.o.Now(), places: map[flowOf]map[storage.ID]int{},
		lanes: map[string][]LaneStatus{}, absent: map[string][]LaneStatus{},
	}
}

// Why says in one line why a message is where it is, see Router.Why.
func (x *Explainer) Why(m *storage.Message) string {
	var all []string
	if m.Reason != "" {
		all = append(all, m.Reason)
	}
	for _, w := range x.Waits(m) {
		if w.Reason != m.Reason {
			all = append(all, w.Reason)
		}
	}
	return strings.Join(all, "; ")
}

// Waits gives the reasons for which a message waits, none when it has ended.
func (x *Explainer) Waits(m *storage.Message) []Wait {
	switch {
	case ended(m):
		return nil
	case m.DueAt == 0:
		return x.outThere(m)
	case m.DueAt.Time().After(x.now):
		return []Wait{later(m)}
	}
	channels := x.r.channels.all()
	i := slices.IndexFunc(channels, func(c Channel) bool { return belongs(m.Queue, c.Name()) })
	if i < 0 {
		return []Wait{{Reason: x.r.undrained(m.Queue)}}
	}
	if m.Kind != storage.MT {
		return x.forClient(channels[i], m)
	}
	if id := x.r.before(m); id != 0 {
		return []Wait{x.inOrder(id)}
	}
	return x.forLane(channels[i], m)
}

// outThere is for what waits for no lane.
func (x *Explainer) outThere(m *storage.Message) (all []Wait) {
	for i := range m.Parts {
		if p := &m.Parts[i]; p.State == storage.PartTrying {
			all = append(all, Wait{Reason: fmt.Sprintf("part %d of %d is being sent by %s", i+1, len(m.Parts), p.Lane), Lane: p.Lane})
		}
	}
	if len(all) == 0 && m.Reason != "" {
		all = []Wait{{Reason: m.Reason, Until: m.Deadline.Time()}}
	}
	return all
}

// later is for what is not due.
func later(m *storage.Message) Wait {
	w := Wait{Reason: "not before " + local(m.DueAt), Until: m.DueAt.Time()}
	switch {
	case m.State == storage.Scheduled:
		w.Reason += ": it is scheduled"
	case m.Reason != "":
		w.Reason += ": it is tried again"
	}
	return w
}

// forClient is for MO and receipts.
func (x *Explainer) forClient(ch Channel, m *storage.Message) []Wait {
	if st := ch.Status(); !st.Ready {
		return []Wait{{Reason: st.Reason}}
	}
	run := x.r.laneOf(m.Queue)
	switch {
	case run == nil:
		return []Wait{{Reason: x.unserved(m)}}
	case run.line != nil:
		return []Wait{{Reason: orDefault(run.line.waits(m), notYet), Lane: run.ID}}
	}
	return []Wait{{Reason: notYet, Lane: run.ID}}
}

// unserved says why nothing takes what is for the user.
func (x *Explainer) unserved(m *storage.Message) string {
	u, ok := x.r.db.User(m.User)
	switch {
	case !ok:
		return "there is no user " + m.User
	case m.Queue == CallbackQueue(m.User) && !u.Enabled:
		return "user " + m.User + " is disabled"
	case m.Queue == CallbackQueue(m.User):
		return "nothing is posted to the callback of user " + m.User + " now"
	}
	return "user " + m.User + " has no session that may receive"
}

// undrained says why nothing can leave a queue that no channel has.
func (r *Router) undrained(queue string) string {
	if name := storage.ChannelOf(queue); r.disabled(name) {
		return fmt.Sprintf("channel %s is disabled", name)
	}
	return "no channel drains queue " + queue
}

// before is the message of the same user to the same recipient that m waits for; 0:
// none.
func (r *Router) before(m *storage.Message) storage.ID {
	if m.Talk() == 0 {
		return 0
	}
	if id := r.floors.holder(m.Talk()); id != 0 && id != m.ID {
		return id
	}
	id, err := r.db.Ahead(m)
	if err != nil {
		return 0
	}
	return id
}

// inOrder is for what waits for an earlier message.
func (x *Explainer) inOrder(id storage.ID) Wait {
	w := Wait{Reason: "behind message " + id.String() + " of the same user to the same recipient"}
	if m, err := x.r.db.Message(id); err == nil && m.DueAt.Time().After(x.now) {
		w.Until = m.DueAt.Time()
		w.Reason += ", which is tried again at " + local(m.DueAt)
		if m.Reason != "" {
			w.Reason += ": " + m.Reason
		}
	}
	return w
}

const notYet = "it is not its turn yet"

// forLane is for messages to handsets.
func (x *Explainer) forLane(ch Channel, m *storage.Message) []Wait {
	if _, lane, must := strings.Cut(m.Queue, "#"); must {
		return []Wait{x.byOne(ch, m, lane)}
	}
	var closed []Wait
	var open []LaneStatus
	for _, l := range x.served(ch) {
		switch {
		case l.Queue != m.Queue:
		case l.Reason != "":
			closed = append(closed, waitOf(l))
		default:
			open = append(open, l)
		}
	}
	if len(open) > 0 {
		return x.open(ch, m, open)
	}
	for _, l := range x.missing(ch) {
		if l.Queue == m.Queue {
			closed = append(closed, waitOf(l))
		}
	}
	if len(closed) > 0 {
		return x.noneReady(ch, m, closed)
	}
	if st := ch.Status(); !st.Ready {
		return []Wait{{Reason: st.Reason}}
	}
	if m.Pool != "" {
		return []Wait{{Reason: "no SIM is in pool " + m.Pool}}
	}
	return []Wait{{Reason: notYet}}
}

// mostReasons is how many lanes are named at most.
const mostReasons = 16

// ofBank says whether the lanes of a channel are SIMs, in pools.
func (x *Explainer) ofBank(ch Channel) bool {
	bank := x.r.carrier(storage.MT)
	return bank != nil && bank.Name() == ch.Name()
}

// noneReady names the lanes of the channel, or pool of it, that all are not ready.
func (x *Explainer) noneReady(ch Channel, m *storage.Message, closed []Wait) []Wait {
	first := "channel " + ch.Name() + " is not ready"
	switch {
	case m.Pool != "":
		first = "no SIM of pool " + m.Pool + " is ready"
	case x.ofBank(ch):
		first = "no SIM of the default pool is ready"
	}
	all := []Wait{{Reason: first}}
	more := len(closed) - mostReasons
	if more > 0 {
		closed = closed[:mostReasons]
	}
	all = append(all, closed...)
	if more > 0 {
		all = append(all, Wait{Reason: fmt.Sprintf("and %d more", more)})
	}
	return all
}

func waitOf(l LaneStatus) Wait {
	return Wait{Reason: l.ID + ": " + l.Reason, Until: l.RestsUntil, Lane: l.ID}
}

// byOne is for a message that must leave by one lane, or prefers it.
func (x *Explainer) byOne(ch Channel, m *storage.Message, lane string) Wait {
	why := "the rest of it must leave by " + lane
	if m.Prefer != "" {
		why = "for up to " + x.r.o.StickyWait.String() + " it waits for " + lane + ", which wrote to its recipient last"
	}
	w := Wait{Lane: lane}
	for _, l := range append(slices.Clone(x.served(ch)), x.missing(ch)...) {
		if l.ID != lane {
			continue
		}
		w.Until = l.RestsUntil
		switch n, _ := x.before(m); {
		case l.Reason != "":
			why += ": " + l.Reason
		case n > 0:
			why += fmt.Sprintf(": behind %d others", n)
		}
		w.Reason = why
		return w
	}
	w.Reason = why + ": it is in no modem"
	return w
}

// open is for a message that some lane may take.
func (x *Explainer) open(ch Channel, m *storage.Message, open []LaneStatus) []Wait {
	if all := x.r.unfitBy(m, open, x.now); len(all) == len(open) {
		return all
	}
	busy := 0
	for _, l := range open {
		if l.Busy >= l.Window {
			busy++
		}
	}
	n, more := x.before(m)
	switch {
	case more:
		return []Wait{{Reason: fmt.Sprintf("behind more than %d others in queue %s", n, m.Queue) + x.shared(m)}}
	case n > 0:
		return []Wait{{Reason: fmt.Sprintf("behind %d others in queue %s", n, m.Queue) + x.shared(m)}}
	case busy == len(open) && x.ofBank(ch):
		return []Wait{{Reason: "all SIMs that could take it are sending; it is the next one"}}
	case busy == len(open):
		return []Wait{{Reason: "as many as channel " + ch.Name() + " may have at once are on their way; it is the next one"}}
	}
	return []Wait{{Reason: notYet}}
}

// unfitBy gives the lanes that may not begin the message.
func (r *Router) unfitBy(m *storage.Message, lanes []LaneStatus, now time.Time) (all []Wait) {
	for _, l := range lanes {
		run := r.lane(l.ID)
		if run == nil || run.Fits == nil {
			return nil
		}
		if h := run.Fits(m, now); h.On() {
			all = append(all, Wait{Reason: l.ID + ": " + h.Reason, Until: h.Until, Lane: l.ID})
		}
	}
	return all
}

// lane gives the lane of a name, nil when it is not served.
func (r *Router) lane(id string) *laneRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		if run.ID == id {
			return run
		}
	}
	return nil
}

// mostBefore is how far a queue is read to find the place of a message.
const mostBefore = 1000

// flowOf is a flow of a queue.
type flowOf struct {
	queue string
	storage.Flow
}

// before is how many messages of its user come before m: those that were due before
// it, and those of higher priority. more: it is not among the first mostBefore.
func (x *Explainer) before(m *storage.Message) (n int, more bool) {
	flow := flowOf{m.Queue, m.Flow()}
	places, ok := x.places[flow]
	if !ok {
		places = map[storage.ID]int{}
		entries, _, err := x.r.db.DueOf(m.Queue, flow.Flow, storage.TimeOf(x.now), storage.DueKey{}, mostBefore)
		if err != nil && !errors.Is(err, storage.ErrClosed) {
			x.r.log.Warn("the order of a queue cannot be read", "queue", m.Queue, "err", err)
		}
		for i, e := range entries {
			places[e.ID] = i
		}
		x.places[flow] = places
	}
	higher := 0
	for f, queued := range x.r.db.Flows(m.Queue) {
		if f.User == m.User && f.Level > flow.Level {
			higher += queued
		}
	}
	if n, ok = places[m.ID]; ok {
		return n + higher, false
	}
	return len(places) + higher, len(places) >= mostBefore
}

// shared says with how many other users the user of m shares its queue.
func (x *Explainer) shared(m *storage.Message) string {
	users := map[string]bool{}
	for f := range x.r.db.Flows(m.Queue) {
		users[f.User] = true
	}
	if len(users) < 2 {
		return ""
	}
	return fmt.Sprintf(" of user %s, whose turn comes beside that of %d other users", m.User, len(users)-1)
}

func (x *Explainer) served(ch Channel) []LaneStatus {
	lanes, ok := x.lanes[ch.Name()]
	if !ok {
		lanes = x.r.lanesOf(ch.Name())
		x.lanes[ch.Name()] = lanes
	}
	return lanes
}

func (x *Explainer) missing(ch Channel) []LaneStatus {
	lanes, ok := x.absent[ch.Name()]
	if a, can := ch.(Absentees); can && !ok {
		lanes = a.Absent()
		x.absent[ch.Name()] = lanes
	}
	return lanes
}
