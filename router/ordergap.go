package router

import "gsmgate/storage"

// scan is one reading of what was passed over.
type scan struct {
	from, at storage.DueKey // it began after, and has come to
	end      bool           // it has come to the cursor
	full     map[*talk]bool // whose chains could hold no more on the way
}

// fill looks for the next messages of a conversation of which some were passed
// over. It reads until the chain is full, and fills those of others on the way:
// conversations that lie mixed would else be read as often as there are
// conversations.
func (o *line) fill(t *talk, now storage.Time) (err error) {
	s := scan{from: t.from, at: t.from, full: map[*talk]bool{}}
	done := len(t.chain) > 0 // by the scan for another one
	for looks := 0; err == nil && !done && looks < mostLooks && !s.end && !s.full[t]; looks += headSize {
		err = o.readOn(&s, now)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.scanned(&s)
	o.free(t)
	return err
}

// readOn reads on, one head of the queue.
func (o *line) readOn(s *scan, now storage.Time) error {
	entries, _, err := o.run.r.db.Due(o.q.name, now, s.at, headSize)
	if err != nil {
		return err
	}
	s.end = len(entries) == 0
	for _, e := range entries {
		if s.end = after(e, o.at); s.end {
			return nil // from here on the loop comes by again
		}
		s.at = e
		if o.knows(e.ID) {
			continue
		}
		m, err := o.read(e.ID, now)
		if err != nil {
			return err
		}
		if m != nil {
			o.join(s, m, e)
		}
	}
	return nil
}

// join gives a message that was passed over to the chain of its conversation,
// unless an older one of it was left where it is.
func (o *line) join(s *scan, m *storage.Message, e storage.DueEntry) {
	key := o.run.Order(m)
	o.mu.Lock()
	defer o.mu.Unlock()
	t := o.talks[key]
	switch {
	case t == nil || !t.gap || after(s.from, t.from) || s.full[t]:
	case len(t.chain) >= o.chainMay():
		s.full[t], t.from = true, storage.DueKey{At: e.At, ID: e.ID - 1}
	default:
		t.chain = append(t.chain, m.ID)
		o.known[m.ID] = false
	}
}

// scanned notes how far the conversations were read of which all was taken.
// Called with the lock held.
func (o *line) scanned(s *scan) {
	for _, t := range o.talks {
		if t.gap && !after(s.from, t.from) && !s.full[t] {
			t.gap = !s.end
			if after(s.at, t.from) {
				t.from = s.at
			}
		}
	}
}
