package provisioning

import (
	"cmp"
	"encoding/hex"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

var problemType = reflect.TypeFor[Problem]()

// stateWords are the words of all states [SMPP34 5.2.28].
func stateWords() []string {
	words := make([]string, storage.Rejected+1)
	for i := range words {
		words[i] = router.StateWord(storage.State(i))
	}
	return words
}

var partWords = [...]string{
	storage.PartWaiting: "waiting", storage.PartTrying: "trying", storage.PartSent: "sent",
	storage.PartUnknown: "unknown", storage.PartDone: "done", storage.PartFailed: "failed",
}

var kindWords = map[storage.Kind]string{storage.MT: "MT", storage.MO: "MO", storage.Receipt: "receipt"}

func parseState(word string) (storage.State, bool) {
	i := slices.Index(stateWords(), strings.ToUpper(word))
	return storage.State(max(i, 0)), i >= 0
}

// word is the i-th of words, or "?" for a value that this program does not know.
func word[I ~uint8](words []string, i I) string {
	if int(i) < len(words) {
		return words[i]
	}
	return "?"
}

func (a *API) userOf(v router.UserView) User {
	u := User{
		Name: v.SystemID, Enabled: v.Enabled, CreatedAt: v.Created.Time(),
		AddressRanges: append([]string{}, v.AddressRanges...), Balance: balanceOf(v.Balance),
		Alphabet: cmp.Or(v.Alphabet, "gsm"), LongForm: cmp.Or(v.LongForm, "payload"), ReceiptForm: cmp.Or(v.ReceiptForm, "both"),
		MaxSessions: v.MaxSessions, Window: v.Window, Rate: v.Rate, Pool: v.Pool, KeepCount: v.KeepCount, KeepHours: v.KeepHours,
		AllowedFrom: append([]string{}, v.AllowedFrom...), CertNames: append([]string{}, v.CertNames...), CertAuth: v.CertAuth, National: v.National,
		PasswordForm: "argon2id", PriceList: v.PriceList, Region: v.Region, CreditLimit: int64(v.CreditLimit),
		Refund:  cmp.Or(v.Refund, "whole"),
		Sources: append([]string{}, v.Sources...), Destinations: append([]string{}, v.Destinations...),
		DefaultSource: v.DefaultSource, ForcedSource: v.ForcedSource,
		Weight: max(1, v.Weight), AnyOrder: v.AnyOrder, QueueCount: v.QueueCount, QueueMinutes: v.QueueMinutes, WhenFull: v.WhenFull,
	}
	if v.Imported {
		u.PasswordForm = "sha1"
	}
	u.Deliver, u.Callback = router.Deliver(&v.User), callbackOf(&v)
	u.Waiting = Waiting{SMPP: a.Router.Queued(router.UserQueue(u.Name)), Callback: a.Router.Queued(router.CallbackQueue(u.Name))}
	return u
}

func bindsOf(b router.Binds) Binds {
	return Binds{
		Accepted: b.Accepted, Refused: b.ByReason(), Hashes: b.Hashes,
		WaitingAddresses: b.WaitingAddresses, WaitingUsers: b.WaitingUsers,
	}
}

func balanceOf(b storage.Balance) Balance {
	return Balance{Granted: int64(b.Granted), Available: int64(b.Available), Held: int64(b.Held), Spent: int64(b.Spent)}
}

func channelsOf(list []router.ChannelStatus) []Channel {
	channels := make([]Channel, len(list))
	for i, c := range list {
		channels[i] = Channel{Name: c.Name, Ready: c.Ready, Reason: c.Reason, Queued: c.Queued, Lanes: []Lane{}, Queues: []Queue{}}
		for _, l := range c.Lanes {
			channels[i].Lanes = append(channels[i].Lanes, laneOf(l))
		}
		for _, q := range c.Queues {
			channels[i].Queues = append(channels[i].Queues, queueOf(q))
		}
	}
	return channels
}

func queueOf(q router.QueueStatus) Queue {
	queue := Queue{Name: q.Name, Queued: q.Queued}
	if q.Known {
		rate, empty := math.Round(q.Rate*10)/10, int64(q.Empty/time.Second)
		queue.PerMinute, queue.EmptyInS = &rate, &empty
	}
	return queue
}

func laneOf(l router.LaneStatus) Lane {
	lane := Lane{ID: l.ID, Queue: l.Queue, Reason: l.Reason, Busy: l.Busy, Window: l.Window}
	if !l.RestsUntil.IsZero() {
		lane.RestsUntil = &l.RestsUntil
	}
	return lane
}

func waitsOf(all []router.Wait) []Wait {
	waits := make([]Wait, len(all))
	for i, w := range all {
		waits[i] = Wait{Reason: w.Reason, Lane: w.Lane}
		if !w.Until.IsZero() {
			until := w.Until.UTC()
			waits[i].Until = &until
		}
	}
	return waits
}

func (a *API) messageOf(x *router.Explainer, m *storage.Message) Message {
	out := Message{
		ID: m.ID.String(), Kind: kindWords[m.Kind], User: m.User, State: router.StateWord(m.State),
		Source: router.AddressText(m.Source), Dest: router.AddressText(m.Dest), Text: m.Text,
		Price: int64(m.Held + m.Spent), Cost: int64(m.Cost), Ways: m.Ways, Priority: m.Priority, Route: m.Route, Bare: m.Bare, Resent: int(m.Resent), Reason: x.Why(m), Waits: waitsOf(x.Waits(m)), Queue: m.Queue, Pool: m.Pool,
		AcceptedAt: m.AcceptedAt.Time(), ExpiresAt: optional(m.ExpiresAt), EndedAt: optional(m.EndedAt),
		Parts: []Part{}, Events: []Event{},
	}
	if m.Text == "" {
		out.Data = hex.EncodeToString(m.Data)
	}
	if m.SentAs != nil {
		out.SentAs = router.AddressText(*m.SentAs)
	}
	if m.Batch != 0 {
		out.ClientID = m.ClientID().String()
	}
	if m.About != nil {
		out.About = m.About.ID.String()
	}
	for i := range m.Parts {
		out.Parts = append(out.Parts, partOf(&m.Parts[i]))
	}
	for _, e := range router.Timeline(m) {
		out.Events = append(out.Events, Event{At: e.At.Time(), What: e.What, Text: e.Text})
	}
	return out
}

func partOf(p *storage.Part) Part {
	return Part{
		State: word(partWords[:], p.State), Lane: p.Lane, Ref: p.Ref, Attempts: p.Attempts,
		TriedAt: optional(p.Tried), EndedAt: optional(p.Ended), Cause: p.Cause,
	}
}

// optional is nil for a time that is not set.
func optional(t storage.Time) *time.Time {
	if t == 0 {
		return nil
	}
	at := t.Time()
	return &at
}
