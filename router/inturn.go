package router

import (
	"errors"
	"slices"
	"sync"
	"time"

	"gsmgate/storage"
)

// floors says which message of each storage.Talk has the floor: it was taken by a
// lane, and its outcome is not on disk. Others of the talk wait until then, in the
// head of their queue or, where that would be full of them, on disk. There are as
// many entries as lanes have messages in their hands.
type floors struct {
	mu   sync.Mutex
	held map[storage.Talk]floor
}

type floor struct {
	id     storage.ID
	others []*queue // where others of the talk wait
}

// free says whether nobody has the floor, not the message itself out of another
// queue either. If somebody has it, the queue is stirred when that leaves.
func (f *floors) free(talk storage.Talk, q *queue) bool {
	if talk == 0 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	h, ok := f.held[talk]
	if !ok {
		return true
	}
	if !slices.Contains(h.others, q) {
		h.others = append(h.others, q)
		f.held[talk] = h
	}
	return false
}

// take gives the floor to a message, if nobody has it.
func (f *floors) take(talk storage.Talk, id storage.ID) bool {
	if talk == 0 {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.held[talk]; ok {
		return false
	}
	f.held[talk] = floor{id: id}
	return true
}

// holder is the message that has the floor; 0: none.
func (f *floors) holder(talk storage.Talk) storage.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.held[talk].id
}

// leave ends a message's turn, and gives the queues in which others wait for that.
func (f *floors) leave(talk storage.Talk, id storage.ID) []*queue {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.held[talk]
	if h.id != id {
		return nil
	}
	delete(f.held, talk)
	return h.others
}

// left is called when a message was taken by a lane, and is no more.
func (r *Router) left(talk storage.Talk, id storage.ID) {
	if talk == 0 {
		return
	}
	for _, q := range r.floors.leave(talk, id) {
		q.stir()
	}
	r.nextTurn(talk)
}

// nextTurn makes due the first of those that wait behind others on disk, if its
// turn has come.
func (r *Router) nextTurn(talk storage.Talk) {
	if talk == 0 || r.db.Behind() == 0 || r.floors.holder(talk) != 0 {
		return
	}
	r.db.NextTurn(talk, func(m *storage.Message, err error) {
		switch {
		case m != nil:
			r.queue(m.Queue).offer(m)
		case errors.Is(err, storage.ErrBusy):
			time.AfterFunc(busyPause, func() { r.nextTurn(talk) })
		case err != nil && !errors.Is(err, storage.ErrClosed) && !errors.Is(err, storage.ErrSkip) && !errors.Is(err, storage.ErrNotFound):
			r.log.Error("a message that waits for its turn cannot be called", "err", err)
		}
	})
}

// standsBack puts a message behind those of its talk that come before it.
func standsBack(m *storage.Message) {
	if m.Prefer != "" {
		m.Unpin()
	}
	m.Turn = storage.TurnBehind
}

// keepPlace has a message that was changed, and waits on, be seen by those behind
// it: it may be due later than they are, or in another queue. One that has a
// schedule lets them pass.
func keepPlace(m *storage.Message) {
	switch {
	case m.Kind != storage.MT || m.DueAt == 0:
	case m.State == storage.Scheduled && m.Turn == storage.TurnNext:
		m.Turn = storage.TurnFree
	case m.State != storage.Scheduled && m.Turn == storage.TurnFree:
		m.Turn = storage.TurnNext
	}
}

// freeTurn says that nothing is known to be before the message.
func freeTurn(m *storage.Message) {
	if m.Turn != storage.TurnAny {
		m.Turn = storage.TurnFree
	}
}

// park puts messages behind others on disk that were taken out of the head of a
// queue because their talks are busy, so that others are seen. What is not busy any
// more is due as before.
func (r *Router) park(q *queue, f storage.Flow, ids []storage.ID) {
	talks := map[storage.Talk]storage.ID{} // who has the floor: asked once, for all of a talk stay or none does
	r.changeMany(ids, func(m *storage.Message, _ storage.Time) ([]*storage.Message, error) {
		talk := m.Talk()
		holder, asked := talks[talk]
		if !asked {
			holder = r.floors.holder(talk)
			talks[talk] = holder
		}
		if ended(m) || m.DueAt == 0 || m.Queue != q.name || m.Turn == storage.TurnBehind || holder == 0 || holder == m.ID {
			return nil, storage.ErrSkip
		}
		standsBack(m)
		return nil, nil
	}, func([]*storage.Message, error) {
		for _, id := range ids {
			q.release(id)
		}
		q.kick(f, r.now())
		for talk := range talks { // who had the floor may have left it before this was on disk
			r.nextTurn(talk)
		}
	})
}

// talksPage is how many talks are looked at in one go.
const talksPage = 1024

// callTurns calls up who waits behind nobody, after the talk, and gives the last
// one that was looked at; 0: that was all.
func (r *Router) callTurns(after storage.Talk) (storage.Talk, error) {
	if r.db.Behind() == 0 {
		return 0, nil
	}
	talks, err := r.db.Talks(after, talksPage)
	for _, talk := range talks {
		r.nextTurn(talk)
	}
	if err != nil || len(talks) < talksPage {
		return 0, err
	}
	return talks[len(talks)-1], nil
}
