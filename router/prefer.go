package router

import "gsmgate/storage"

// unpins gives a message back to its pool that only prefers this lane, when the
// lane begins nothing. It reports whether it did.
func (run *laneRun) unpins(m *storage.Message) bool {
	if m.Prefer == "" || !run.onlyBegun() {
		return false
	}
	unpin(m)
	return true
}

// unpin lets any lane of the pool take a message.
func unpin(m *storage.Message) { m.Queue, m.Prefer = home(m), "" }
