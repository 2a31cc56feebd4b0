package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// bucket numbers a bucket of the file.
type bucket uint8

const (
	inMeta       bucket = iota // name → be64
	inUsers                    // system_id → User
	inBalances                 // system_id → Balance
	inMessages                 // be64 id → Message
	inDue                      // queue NUL user NUL level be64 at be64 id → be64 talk, nothing of one that has none
	inDeadline                 // be64 at be64 id → nothing
	inTrying                   // be64 id → nothing
	inFlagged                  // be64 id → nothing
	inReports                  // lane NUL match NUL be64 id be16 part → the part's reference
	inDedupe                   // key → be64 id of the message, 0 of a segment that waits
	inSegments                 // see segmentPrefix, be64 set, number → Segment
	inLedger                   // be64 seq → Entry
	inSIMs                     // ICCID → SIM
	inMOFilters                // name → MOFilter
	inTallies                  // lane → Tally
	inGivenUp                  // hash of segmentPrefix → givenUp
	inUndecoded                // hash → Undecoded
	inPriceLists               // name → PriceList
	inPrices                   // name NUL be32 page → prices of the list in their order
	inRoutes                   // id → Route
	inChannels                 // name → Channel
	inParked                   // lane 0x01 reference → ParkedReport
	inTurns                    // be64 talk be64 id → its Turn, see Message.first
	buckets                    // how many there are
)

func (b bucket) name() []byte {
	return []byte([buckets]string{"meta", "users", "balances", "messages", "due",
		"deadline", "trying", "flagged", "reports", "dedupe", "segments", "ledger", "sims", "mo_filters", "tallies", "given_up", "undecoded", "price_lists", "prices", "routes", "channels", "parked", "turns"}[b])
}

// fill is how full pages are left when they split. Buckets that grow at their
// end never come back to a page.
func (b bucket) fill() float64 {
	switch b {
	case inMessages, inLedger, inDue, inDeadline:
		return 0.9
	}
	return 0.5
}

// arena holds the keys of one group. What was handed out stays valid when it
// grows.
type arena struct{ buf []byte }

// cut gives what was appended since start.
func (a *arena) cut(start int) []byte { return a.buf[start:len(a.buf):len(a.buf)] }

func (a *arena) be64(n uint64) []byte {
	start := len(a.buf)
	a.buf = binary.BigEndian.AppendUint64(a.buf, n)
	return a.cut(start)
}

func (a *arena) text(s string) []byte {
	start := len(a.buf)
	a.buf = append(a.buf, s...)
	return a.cut(start)
}

func (a *arena) dueKey(queue string, f Flow, at Time, id ID) []byte {
	start := len(a.buf)
	a.flowPrefix(queue, f)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(at))
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(id))
	return a.cut(start)
}

// flowPrefix is the key of all that waits in a flow of a queue.
func (a *arena) flowPrefix(queue string, f Flow) []byte {
	start := len(a.buf)
	a.buf = append(a.buf, queue...)
	a.buf = append(a.buf, 0)
	a.buf = append(a.buf, f.User...)
	a.buf = append(a.buf, 0, f.Level)
	return a.cut(start)
}

func (a *arena) turnKey(talk Talk, id ID) []byte {
	start := len(a.buf)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(talk))
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(id))
	return a.cut(start)
}

func (a *arena) deadlineKey(at Time, id ID) []byte {
	start := len(a.buf)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(at))
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(id))
	return a.cut(start)
}

func (a *arena) reportPrefix(lane, match string) []byte {
	start := len(a.buf)
	a.buf = append(a.buf, lane...)
	a.buf = append(a.buf, 0)
	a.buf = append(a.buf, match...)
	a.buf = append(a.buf, 0)
	return a.cut(start)
}

func (a *arena) reportKey(lane, match string, id ID, part int) []byte {
	start := len(a.buf)
	a.reportPrefix(lane, match)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(id))
	a.buf = binary.BigEndian.AppendUint16(a.buf, uint16(part))
	return a.cut(start)
}

// segmentPrefix is the key of all sets that look alike: same lane, source,
// reference and total. Lengths go first because an alphanumeric source may
// hold any octet.
func (a *arena) segmentPrefix(s *Segment) []byte {
	start := len(a.buf)
	a.sourcePrefix(s)
	wide := byte(0)
	if s.Wide {
		wide = 1
	}
	a.buf = append(a.buf, wide)
	a.buf = binary.BigEndian.AppendUint16(a.buf, s.Reference)
	a.buf = append(a.buf, s.Total)
	return a.cut(start)
}

// sourcePrefix is the key of all sets of one source on a lane.
func (a *arena) sourcePrefix(s *Segment) []byte {
	start := len(a.buf)
	a.buf = append(a.buf, byte(len(s.Lane)))
	a.buf = append(a.buf, s.Lane...)
	a.buf = append(a.buf, s.Source.TON, s.Source.NPI, byte(len(s.Source.Addr)))
	a.buf = append(a.buf, s.Source.Addr...)
	return a.cut(start)
}

// indexEntry is one key that follows from a message.
type indexEntry struct {
	bucket     bucket
	key, value []byte
}

// queued says whether the message waits in its queue.
func (m *Message) queued() bool { return m.Queue != "" && m.DueAt != 0 }

// appendIndex adds every index entry of m: the one place that says what is
// indexed. It looks at nothing but m.
func appendIndex(dst []indexEntry, a *arena, m *Message) []indexEntry {
	if m.queued() {
		dst = appendQueued(dst, a, m)
	}
	if m.Deadline != 0 {
		dst = append(dst, indexEntry{bucket: inDeadline, key: a.deadlineKey(m.Deadline, m.ID)})
	}
	trying := false
	for i := range m.Parts {
		p := &m.Parts[i]
		trying = trying || p.State == PartTrying
		if p.awaitsReport() {
			key := a.reportKey(p.Lane, p.Match, m.ID, i)
			dst = append(dst, indexEntry{inReports, key, a.text(p.Ref)})
		}
	}
	if trying {
		dst = append(dst, indexEntry{bucket: inTrying, key: a.be64(uint64(m.ID))})
	}
	if m.DPF.Raised() {
		dst = append(dst, indexEntry{bucket: inFlagged, key: a.be64(uint64(m.ID))})
	}
	for _, key := range m.Dedupe {
		dst = append(dst, indexEntry{inDedupe, a.text(key), a.be64(uint64(m.ID))})
	}
	return dst
}

// appendQueued adds those of a message that waits in a queue.
func appendQueued(dst []indexEntry, a *arena, m *Message) []indexEntry {
	talk := m.Talk()
	if m.Turn != TurnBehind {
		e := indexEntry{bucket: inDue, key: a.dueKey(m.Queue, m.Flow(), m.DueAt, m.ID)}
		if talk != 0 {
			e.value = a.be64(uint64(talk))
		}
		dst = append(dst, e)
	}
	if talk != 0 && m.inTurn() {
		dst = append(dst, indexEntry{inTurns, a.turnKey(talk, m.ID), []byte{byte(m.Turn)}})
	}
	return dst
}

func compareIndex(a, b indexEntry) int {
	if c := cmp.Compare(a.bucket, b.bucket); c != 0 {
		return c
	}
	return bytes.Compare(a.key, b.key)
}

// diffIndex calls gone for what only before holds and put for what after adds
// or holds with another value. It sorts both.
func diffIndex(before, after []indexEntry, gone, put func(indexEntry)) {
	slices.SortFunc(before, compareIndex)
	slices.SortFunc(after, compareIndex)
	for len(before) > 0 || len(after) > 0 {
		c := 0
		switch {
		case len(before) == 0:
			c = 1
		case len(after) == 0:
			c = -1
		default:
			c = compareIndex(before[0], after[0])
		}
		if c < 0 {
			gone(before[0])
			before = before[1:]
			continue
		}
		if c > 0 || !bytes.Equal(before[0].value, after[0].value) {
			put(after[0])
		}
		after = after[1:]
		if c == 0 {
			before = before[1:]
		}
	}
}

func idOf(b []byte) ID { return ID(binary.BigEndian.Uint64(b)) }

// lastID reads the ID at the end of a key that ends with one.
func lastID(key []byte) (ID, bool) {
	if len(key) < 8 {
		return 0, false
	}
	return idOf(key[len(key)-8:]), true
}
