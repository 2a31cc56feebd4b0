package router

import (
	"slices"

	"gsmgate/storage"
)

// moves is the table of legal changes of a message's state; each one happens.
// UNKNOWN is left when a report settles it; all other final states are never
// left. ENROUTE goes back to SCHEDULED when the client replaces a message by one
// for later. None is ever ACCEPTED: a next hop that says so has more to say.
var moves = map[storage.State][]storage.State{
	storage.Scheduled:     {storage.Enroute, storage.Expired, storage.Deleted},
	storage.Enroute:       {storage.Scheduled, storage.Delivered, storage.Expired, storage.Deleted, storage.Undeliverable, storage.Unknown, storage.Rejected},
	storage.Accepted:      nil,
	storage.Unknown:       {storage.Enroute, storage.Delivered, storage.Undeliverable, storage.Expired, storage.Deleted, storage.Rejected},
	storage.Delivered:     nil,
	storage.Expired:       nil,
	storage.Deleted:       nil,
	storage.Undeliverable: nil,
	storage.Rejected:      nil,
}

func legal(from, to storage.State) bool { return from == to || slices.Contains(moves[from], to) }

// ended says whether the message has reached the end of its life.
func ended(m *storage.Message) bool { return m.EndedAt != 0 }

// move sets the state; an illegal move is refused and leaves m as it was.
func move(m *storage.Message, to storage.State) bool {
	if ended(m) || !legal(m.State, to) {
		return false
	}
	m.State = to
	return true
}

// tally counts the parts by what became of them.
type tally struct{ waiting, trying, sent, unknown, done, failed int }

func count(parts []storage.Part) (t tally) {
	for i := range parts {
		switch parts[i].State {
		case storage.PartWaiting:
			t.waiting++
		case storage.PartTrying:
			t.trying++
		case storage.PartSent:
			t.sent++
		case storage.PartUnknown:
			t.unknown++
		case storage.PartDone:
			t.done++
		case storage.PartFailed:
			t.failed++
		}
	}
	return t
}

// left is the number of parts that a next hop has or may have.
func (t tally) left() int { return t.sent + t.unknown + t.done }
