package router

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"gsmgate/storage"
)

// SendRequest is a message from the operator rather than from a bound client.
type SendRequest struct {
	User, From, To, Text string
	Priority             uint8        // priority_flag [SMPP34 5.2.14]
	At, Until            storage.Time // not before the one, and no longer than to the other; 0: at once, the default validity
	// Key, when set, makes a request that comes again, of the same user with the
	// same key, the same message while that is kept.
	Key string
}

// Send accepts a text as if the user had submitted it, with a receipt asked
// for.
func (r *Router) Send(ctx context.Context, q SendRequest) (storage.ID, error) {
	if q.Text == "" {
		return 0, invalid("text", "the text is empty", "")
	}
	if q.Priority >= storage.Levels {
		return 0, invalid("priority", "no such priority", "use 0 to 3; the higher leaves first")
	}
	m := &storage.Message{
		Kind: storage.MT, User: q.User, Text: q.Text, RegisteredDelivery: 1, Priority: q.Priority,
		Source: addressOf(q.From), Dest: addressOf(q.To), DueAt: q.At, ExpiresAt: q.Until,
	}
	if q.Key != "" {
		sum := sha256.Sum256([]byte(q.User + "\x00" + q.Key))
		m.Dedupe = []string{"key:" + hex.EncodeToString(sum[:16])}
	}
	id, err := r.SubmitSync(ctx, m)
	if again := (*storage.DuplicateError)(nil); errors.As(err, &again) && again.First != 0 {
		return again.First, nil
	}
	return id, err
}

// addressOf gives an address its TON and NPI: international with a +,
// alphanumeric when it is no number, else unknown, so that short codes stay
// what they are [SMPP34 5.2.5].
func addressOf(s string) storage.Address {
	switch digits, international := strings.CutPrefix(s, "+"); {
	case strings.Trim(digits, "0123456789*#") != "":
		return storage.Address{TON: 5, Addr: s}
	case international:
		return storage.Address{TON: 1, NPI: 1, Addr: digits}
	}
	return storage.Address{Addr: s}
}

// AddressText writes an address, an international number with its plus
// [SMPP34 5.2.5].
func AddressText(a storage.Address) string {
	const international = 1
	if a.TON == international && a.Addr != "" && !strings.HasPrefix(a.Addr, "+") {
		return "+" + a.Addr
	}
	return a.Addr
}

// Messages lists messages, the newest first.
func (r *Router) Messages(f storage.Filter) ([]*storage.Message, error) {
	ms, err := r.db.Messages(f)
	return ms, public(err)
}

// Message gives one message.
func (r *Router) Message(id storage.ID) (*storage.Message, error) {
	m, err := r.db.Message(id)
	return m, public(err)
}

// Why says why a message is where it is: how it ended, or what it waits for.
func (r *Router) Why(m *storage.Message) string { return r.Explain().Why(m) }

// laneOf gives a lane that takes from the queue, nil when there is none.
func (r *Router) laneOf(queue string) *laneRun {
	r.mu.Lock()
	defer r.mu.Unlock()
	for run := range r.lanes {
		if run.Queue == queue {
			return run
		}
	}
	return nil
}

// Lane shows a lane that is served; ok is false when there is none of that name.
func (r *Router) Lane(id string) (s LaneStatus, ok bool) {
	if run := r.lane(id); run != nil {
		return run.status(), true
	}
	return s, false
}

// Queued is how many messages wait in a queue.
func (r *Router) Queued(queue string) int { return r.db.Queued(queue) }

// ChannelStatus is a channel, its lanes and its queue.
type ChannelStatus struct {
	Name   string
	Ready  bool
	Reason string
	Queued int
	Lanes  []LaneStatus
	Queues []QueueStatus // of messages to handsets
}

// LaneStatus is one ready lane.
type LaneStatus struct {
	ID           string
	Queue        string // that it drains
	Busy, Window int
	RestsUntil   time.Time // zero: it takes what is due, or there is a Reason that no time ends
	Reason       string    // why it rests
	Held         int       // conversations that wait for a message that the far end refused for now
}

// Channels shows all channels in the order they were added.
func (r *Router) Channels() []ChannelStatus {
	queued := r.db.Queues()
	var all []ChannelStatus
	for _, ch := range r.channels.all() {
		st := ch.Status()
		cs := ChannelStatus{Name: ch.Name(), Ready: st.Ready, Reason: st.Reason}
		for name, n := range queued {
			if belongs(name, ch.Name()) {
				cs.Queued += n
			}
		}
		cs.Lanes = r.lanesOf(ch.Name())
		if ch.Carries(storage.MT) {
			cs.Queues = r.queuesOf(ch.Name(), queued)
		}
		all = append(all, cs)
	}
	return all
}

// belongs says whether a queue is drained by the channel: "gsm", its pinned
// parts "gsm#…", its pools "gsm/…" and the queues of users "user:…" of channel "user".
func belongs(queue, channel string) bool {
	rest, ok := strings.CutPrefix(queue, channel)
	return ok && (rest == "" || rest[0] == '#' || rest[0] == '/' || rest[0] == ':')
}

func (r *Router) lanesOf(channel string) []LaneStatus {
	var runs []*laneRun
	r.mu.Lock()
	for run := range r.lanes {
		if belongs(run.Queue, channel) {
			runs = append(runs, run)
		}
	}
	r.mu.Unlock()
	var lanes []LaneStatus
	for _, run := range runs {
		lanes = append(lanes, run.status())
	}
	slices.SortFunc(lanes, func(a, b LaneStatus) int { return strings.Compare(a.ID, b.ID) })
	return lanes
}

// Timeline is what happened to a message, in order.
func Timeline(m *storage.Message) []storage.Event {
	first := storage.Event{At: m.AcceptedAt, What: "accepted"}
	if m.Session != "" {
		first.Text = "by session " + m.Session
	}
	return append([]storage.Event{first}, m.Events...)
}

// StateWord is the state in SMPP's words, ENROUTE for one.
func StateWord(s storage.State) string { return strings.ToUpper(stateWord(s)) }

// Begun counts the messages that a lane has begun and not ended: those of which
// a part is on its way, or the rest waits for the lane.
func (r *Router) Begun(channel, lane string) int {
	n := r.db.Queues()[pinned(&Lane{Queue: channel, ID: lane})]
	for _, l := range r.lanesOf(channel) {
		if l.ID == lane {
			n += l.Busy
		}
	}
	return n
}
