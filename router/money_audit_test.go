package router

import (
	"slices"
	"strings"
	"time"

	"gsmgate/storage"
)

// audit holds what is on disk against the books and what clients were told.
func (w *world) audit() {
	w.Helper()
	w.quiet()
	held := map[string]storage.Millicredits{}
	there := map[storage.ID]bool{}
	for _, m := range w.messages() {
		there[m.ID] = true
		held[m.User] += m.Held
		if m.Kind == storage.MT {
			w.auditMessage(m)
		} else if m.Held != 0 || m.Spent != 0 || w.books.bill(m.ID) != (bill{}) {
			w.Fatalf("%+v costs something: %+v", m, w.books.bill(m.ID))
		}
	}
	for _, name := range names() {
		b, err := w.db.Balance(name)
		w.must(err)
		w.must(w.books.agrees(name, b))
		if b.Held != held[name] {
			w.Fatalf("%s has %d held, its messages hold %d", name, b.Held, held[name])
		}
		if b.Available < 0 {
			w.seen["postpaid"]++
		}
	}
	w.auditGone(there)
	clear(w.maybe)
}

// auditMessage checks the charge of one message, and that somebody submitted it.
func (w *world) auditMessage(m *storage.Message) {
	w.Helper()
	o, known := w.offers[nameOf(m)]
	c := w.claims[m.ID]
	switch {
	case !known || o.user != m.User:
		w.Fatalf("message %s is nobody's: %+v, offer %+v", m.ID, m, o)
	case c == nil && !w.maybe[nameOf(m)]:
		w.Fatalf("message %s of %s was never accepted", m.ID, m.Text)
	case c != nil && c.sure && c.text != m.Text:
		w.Fatalf("message %s is %s, its client has submitted %s", m.ID, m.Text, c.text)
	}
	if c == nil || c.text != m.Text {
		w.adopt(m, c)
		c = w.claims[m.ID]
	}
	c.sure = true
	held, spent := w.charge(m, o)
	if b := w.books.bill(m.ID); held != m.Held || spent != m.Spent || b.held != held || b.spent != spent {
		w.Fatalf("message %s (%s) is %s, ended at %d: it holds %d and has cost %d, its ledger says %d and %d; %d and %d are right, of %d for %d parts, %d of which went out\n%+v\n%+v",
			m.ID, m.Text, stateWord(m.State), m.EndedAt, m.Held, m.Spent, b.held, b.spent, held, spent, o.price, o.parts, w.net.out(nameOf(m)), m.Parts, m.Events)
	}
	w.auditState(m)
}

// adopt takes down a message whose client was told nothing, or the text that has
// taken the place of another.
func (w *world) adopt(m *storage.Message, c *claim) {
	if c != nil {
		w.seen["replaced"]++
		if strings.HasPrefix(m.Text, "m") {
			w.seen["replaced if present"]++
		}
	}
	w.claims[m.ID] = &claim{text: m.Text, dest: m.Dest.Addr}
}

// charge is what a message is to hold and to have cost.
func (w *world) charge(m *storage.Message, o offer) (held, spent storage.Millicredits) {
	switch {
	case m.EndedAt == 0:
		return o.price, 0
	case m.State == storage.Delivered:
		return 0, o.price
	case m.State == storage.Unknown, refundOf(m.User) == "unsent": // by part
		return 0, w.forOut(m, o)
	case refundOf(m.User) == "parts" && w.forOut(m, o) > 0: // no more than that, and nothing for what failed
		w.seen["refunded by part"]++
		failed := slices.ContainsFunc(m.Parts, func(p storage.Part) bool { return p.Final != 0 && p.Final != storage.Delivered })
		if each := o.price / storage.Millicredits(len(m.Parts)); m.Spent > w.forOut(m, o) || failed && m.Spent > w.forOut(m, o)-each {
			return 0, w.forOut(m, o)
		}
		return 0, m.Spent
	}
	return 0, 0
}

// forOut is the price of the parts that went out, or may have.
func (w *world) forOut(m *storage.Message, o offer) storage.Millicredits {
	return o.price * storage.Millicredits(w.net.out(nameOf(m))) / storage.Millicredits(len(m.Parts))
}

// auditState checks that the end of a message has a cause, and counts it.
func (w *world) auditState(m *storage.Message) {
	w.Helper()
	if m.State == storage.Scheduled {
		w.seen["scheduled"]++
	}
	if m.Moves > 0 {
		w.seen["moved"]++
	}
	if m.EndedAt == 0 {
		return
	}
	w.seen[stateWord(m.State)]++
	w.net.mu.Lock()
	told := w.net.told[m.Dest.Addr]
	w.net.mu.Unlock()
	switch {
	case m.State == storage.Delivered && told < len(m.Parts):
		w.Fatalf("message %s of %d parts is delivered, the network delivered %d", m.ID, len(m.Parts), told)
	case m.State == storage.Deleted && !w.cancelled[m.Dest.Addr]:
		w.Fatalf("message %s is deleted, nobody cancelled it", m.ID)
	}
}

// auditGone checks what is no longer there: its retention is over, and nothing is
// held for it.
func (w *world) auditGone(there map[storage.ID]bool) {
	w.Helper()
	for id, c := range w.claims {
		if there[id] {
			continue
		}
		b, o := w.books.bill(id), w.offers[c.text+" "+c.dest]
		if w.o.Retention > time.Hour || b.held != 0 || b.spent < 0 || c.sure && b.spent > o.price {
			w.Fatalf("message %s is gone, its bill is %+v of %+v", id, b, o)
		}
		delete(w.claims, id)
		w.seen["removed"]++
	}
}

// comeToRest lets all messages end, and looks at the whole once more.
func (w *world) comeToRest() {
	w.net.set(&w.net.calm, true)
	for _, c := range w.channels {
		c.down("")
	}
	for range 12 {
		w.report(w.net.take(w.rng, 1<<20))()
		time.Sleep(time.Hour)
		w.audit()
	}
	for _, name := range names() {
		u, err := w.r.User(name)
		w.must(err)
		if u.Balance.Held != 0 {
			w.Errorf("%s has %d held when all is over", name, u.Balance.Held)
		}
	}
}

// removeUsers takes all users away, whatever they have under way.
func (w *world) removeUsers() {
	for _, c := range w.claims {
		w.cancelled[c.dest] = true
	}
	for _, name := range names() {
		for tries := 0; ; tries++ {
			err := w.r.RemoveUser(w.Context(), name, true)
			if err == nil {
				break
			}
			if codeOf(err) != Conflict || tries > 5 { // one is being sent for longer than that is waited for
				w.Fatalf("remove %s: %v", name, err)
			}
		}
	}
	w.audit()
	for _, name := range names() {
		if b, _ := w.db.Balance(name); b.Available != 0 || b.Held != 0 {
			w.Fatalf("%s is removed and has %+v", name, b)
		}
	}
	w.seen["removed user"]++
}
