package router

import (
	"strings"

	"gsmgate/storage"
)

// writersByDigits is a whole number: an answer is nobody else's business, so that
// the recipient is the same digit for digit.
const writersByDigits = 20

// writes notes that a user's message has left, or may have left, by the lane. The
// number that it came from is the lane's own where that is a SIM; else it is the
// source of the message.
func (r *Router) writes(m *storage.Message, lane string, at storage.Time) {
	if r.o.StickyAnswers < 0 {
		return
	}
	ours := ""
	if bank := r.carrier(storage.MT); bank == nil || storage.ChannelOf(m.Queue) != bank.Name() {
		ours = plain(m.From().Addr)
	}
	r.writers.note(talkOf(lane, ours), m.Dest, m.User, at)
}

func talkOf(lane, ours string) string { return lane + "\x00" + ours }

// answered gives the user that wrote last to who sends m now, "" when there is
// none, or that was too long ago.
func (r *Router) answered(m *storage.Message, now storage.Time) string {
	if r.o.StickyAnswers < 0 || strings.TrimPrefix(m.Source.Addr, "+") == "" {
		return ""
	}
	since := now - storage.Time(r.o.StickyAnswers.Milliseconds())
	for _, ours := range []string{plain(m.Dest.Addr), ""} {
		user := r.writers.of(talkOf(m.Origin, ours), m.Source, since)
		if _, ok := r.db.User(user); ok {
			return user
		}
	}
	return ""
}
