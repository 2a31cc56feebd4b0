package router

import (
	"sync"
	"time"

	"gsmgate/storage"
)

const (
	groupMemory = 10 * time.Minute // after the last of its messages
	groupPause  = 300 * time.Millisecond
	mostGroups  = 10_000
)

// groups remembers by which lane the messages of one group leave: a client
// that has cut a long text itself hands over several, and the handset puts them
// together only when they come from one number. It forgets with the process.
type groups struct {
	mu    sync.Mutex
	lanes map[string]*group
}

// group is where its messages go.
type group struct {
	lane string
	gone bool // one of them may have left by the lane: the others must
	used storage.Time
}

// claim says that lane is about to send a message of the group. When it may
// not, it returns the lane that must (sure), or that is trying to.
func (g *groups) claim(key, lane string, now storage.Time) (other string, sure bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.lanes[key]
	if e == nil || now-e.used > storage.Time(groupMemory.Milliseconds()) {
		g.forget(now)
		e = &group{lane: lane}
		g.lanes[key] = e
	}
	e.used = now
	if e.lane == lane {
		return "", false
	}
	return e.lane, e.gone
}

// forget makes room; called with the lock held.
func (g *groups) forget(now storage.Time) {
	if len(g.lanes) < mostGroups {
		return
	}
	for key, e := range g.lanes {
		if now-e.used > storage.Time(groupMemory.Milliseconds()) || !e.gone {
			delete(g.lanes, key)
		}
	}
	if len(g.lanes) >= mostGroups {
		clear(g.lanes)
	}
}

// settled says whether the message left, or may have left, by the lane that
// claimed it. When not, and none of the group has, any lane may try.
func (g *groups) settled(key, lane string, gone bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	e := g.lanes[key]
	switch {
	case e == nil || e.lane != lane:
	case gone:
		e.gone = true
	case !e.gone:
		delete(g.lanes, key)
	}
}

// group is the key of a message's group, "" when it is alone.
func (run *laneRun) group(m *storage.Message) string {
	if run.Group == nil {
		return ""
	}
	return run.Group(m)
}

// elsewhere moves a message of a group that leaves by another lane to that
// lane, or lets it wait until the other has found out whether it can. It
// reports whether it did.
func (run *laneRun) elsewhere(m *storage.Message, now storage.Time) bool {
	key := run.group(m)
	if key == "" || count(m.Parts).left() > 0 {
		return false
	}
	other, sure := run.r.groups.claim(key, run.ID, now)
	switch {
	case other == "":
		return false
	case sure:
		m.Queue, m.DueAt = storage.LaneQueue(m.Queue, other), now
	default:
		m.Queue, m.DueAt = m.Home(), run.r.after(now, groupPause)
	}
	return true
}
