package modem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

const (
	sweepWait = 2 * time.Minute // for CMGL of a full memory over a slow line
	maxStored = 256             // messages remembered that were stored here and may be there yet
	maxNamed  = 4               // memories beyond those that were chosen
	maxWalk   = 512             // places that are read one by one
	fewPlaces = 50              // of a memory that does not say how many it has
	alarmAt   = 80              // percent of a memory: the rest may be gone in a night
)

// Memory is one that holds messages, as the last sweep left it.
type Memory struct {
	Name        string // "SM", "ME", "MT", "SR"; "" for the one that is selected where none can be
	Used, Total int
	Foreign     int // messages that somebody wrote there to be sent: they are not ours, and stay
	Stuck       int // messages that are stored here and cannot be deleted there
}

// memories is what the receiver knows of the modem's memories.
type memories struct {
	mem     string          // the memory that is selected
	now     Memory          // its usage, when it was selected
	stored  map[place]kept  // what is stored here, until a sweep has seen that it is not there any more
	named   []string        // memories of which an indication told
	refused map[string]bool // memories that cannot be selected
	walked  map[string]int  // by memory: how many messages there were that no reading found
	unread  bool            // a list never came: memories are read place by place
	owed    bool            // an indication told of a message that was not there
	pace    time.Duration   // to the next sweep, when all is well; 0 before the first
	silent  int             // sweeps that found messages while the modem had told of none
}

// place is where a message lies.
type place struct {
	memory string
	index  int
}

// kept is what is stored of a place.
type kept struct {
	pdu  string
	gone bool // by the word of the modem
}

func newMemories() memories {
	return memories{stored: map[place]kept{}, refused: map[string]bool{}, walked: map[string]int{}}
}

// indicated handles +CMTI and +CDSI: read from the memory that it names, store, delete. A memory that cannot be selected may be the
// one that is selected, by another name.
func (r *receiver) indicated(ctx context.Context, u at.URC) {
	fields := at.Fields(u.Args)
	index, err := strconv.Atoi(fields[len(fields)-1])
	if len(fields) < 2 || err != nil || index < 0 {
		nudge(r.s.wake)
		return
	}
	name := fields[0]
	r.name(name)
	if !r.use(ctx, name) {
		name = r.s.firstMemory()
		r.use(ctx, name)
	}
	rec, ok := r.read(ctx, index)
	if (!ok || inTextForm(rec)) && r.leavesTextMode(ctx) {
		defer r.s.end(errTextMode)
		rec, ok = r.read(ctx, index)
	}
	if !ok {
		r.owed = true // gone, or not there yet
		nudge(r.s.wake)
		return
	}
	if r.record(ctx, name, index, rec) == leftForLater {
		nudge(r.s.wake)
	}
}

// name notes a memory for the sweeps. Cell broadcasts are no messages.
func (r *receiver) name(memory string) {
	if memory != "BM" && len(r.named) < maxNamed && !slices.Contains(r.named, memory) && !slices.Contains(r.s.storage, memory) {
		r.named = append(r.named, memory)
	}
}

func (s *session) firstMemory() string {
	if len(s.storage) == 0 {
		return ""
	}
	return s.storage[0]
}

// read reads one place; ok is false when nothing is there.                                                      [27.005 4.2]
func (r *receiver) read(ctx context.Context, index int) (rec at.Record, ok bool) {
	a, err := r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGR=%d", index), Accept: at.Prefix("+CMGR:"), Body: true})
	if err != nil || len(a.Records) == 0 || a.Records[0].PDU == "" {
		return at.Record{}, false
	}
	return a.Records[0], true
}

// use selects a memory to read from. Some want all three named.                                                  [27.005 3.2.2]
func (r *receiver) use(ctx context.Context, name string) bool {
	if r.mem == name {
		return true
	}
	if r.refused[name] || name == "" {
		return false
	}
	commands := []string{fmt.Sprintf("AT+CPMS=%q", name)}
	if first := r.s.firstMemory(); first != "" && first != name {
		commands = append(commands, fmt.Sprintf("AT+CPMS=%q,%q,%q", name, first, first))
	}
	for _, command := range commands {
		a, err := r.s.at.Do(ctx, at.Command{Text: command, Accept: at.Prefix("+CPMS:")})
		if err == nil {
			r.selected(name, a.First())
			return true
		}
		if lost(err) != nil {
			return false
		}
	}
	r.refused[name] = !slices.Contains(r.s.storage, name)
	return false
}

func (r *receiver) selected(name, line string) {
	used, total, _ := usage(line)
	r.mem, r.now = name, Memory{Name: name, Used: used, Total: total}
	if name == r.s.firstMemory() {
		r.s.m.update(func(i *Info) { i.StoredUsed, i.StoredTotal = used, total })
	}
}

// sweepAll looks through all memories, and says when to do so next.
func (r *receiver) sweepAll(ctx context.Context) time.Duration {
	again, before := r.owed, r.swept
	r.failing, r.owed = false, false
	r.mem = "" // so that the numbers of the memory are read anew
	names := r.memoriesToSweep()
	var all []Memory
	for i := len(names) - 1; i >= 0; i-- { // the first stays selected
		if !r.use(ctx, names[i]) {
			continue
		}
		m, more := r.sweep(ctx, r.now)
		all, again = append(all, m), again || more
	}
	if len(all) == 0 {
		m, more := r.sweep(ctx, Memory{})
		all, again = append(all, m), again || more
	}
	r.s.stored(all)
	found := r.sweeps > 0 && r.swept > before
	r.suspect(found)
	r.sweeps++
	if found && !r.told.Load() {
		r.untold()
	}
	r.pace = r.sweepPace(found)
	if again || r.failing {
		return r.s.cfg.Again
	}
	return r.pace
}

// untold notes that a sweep has found what the modem should have told of, and has told of nothing yet. What comes in just then may be found
// before it is told of, so once says nothing.
func (r *receiver) untold() {
	if r.silent++; r.silent != maxMissed || r.s.armed() == "" {
		return
	}
	r.s.m.trouble(errTellsNothing)
	r.s.m.update(func(i *Info) { i.ReportReason = errTellsNothing.Error() })
}

var errTellsNothing = errors.New("the modem has taken AT+CNMI and tells of no messages all the same: they are found by the sweep")

// sweepPace is how long the next sweep is waited for: short at first, and where sweeps are the only way in, because the modem has taken no
// AT+CNMI or tells of nothing all the same. A memory of twenty is full soon, and then nothing comes.
func (r *receiver) sweepPace(found bool) time.Duration {
	c := r.s.cfg
	if found || r.s.armed() == "" || r.silent >= maxMissed && !r.told.Load() {
		return min(c.Idle, c.Sweep)
	}
	return min(max(2*r.pace, c.Idle), c.Sweep)
}

// memoriesToSweep are those that were chosen, that of reports where these are stored, and those of which an indication told.
func (r *receiver) memoriesToSweep() []string {
	names := slices.Clone(r.s.storage)
	if len(names) == 0 {
		names = []string{"MT", "SM", "ME"}
	}
	if cnmi := r.s.armed(); strings.HasSuffix(cnmi, ",2,0") || strings.HasSuffix(cnmi, ",2,1") {
		r.name("SR")
	}
	return append(names, r.named...)
}

// sweep looks through the selected memory; again says that something stayed there that should not.
func (r *receiver) sweep(ctx context.Context, m Memory) (left Memory, again bool) {
	left = m
	records, whole, cut := r.list(ctx)
	if again = cut; !whole && r.checkMode(ctx) {
		return left, true
	}
	seen, deleted := map[int]bool{}, 0
	take := func(index int, rec at.Record) {
		seen[index] = true
		switch r.record(ctx, m.Name, index, rec) {
		case isForeign:
			left.Foreign++
		case isStuck:
			left.Stuck++
		case leftForLater:
			again = true
		case isDeleted:
			deleted++
			r.swept++
		}
		r.between(ctx)
	}
	for _, rec := range records {
		index, err := strconv.Atoi(at.Fields(at.Params(rec.Line))[0])
		if err != nil || index < 0 {
			continue
		}
		if rec.PDU == "" && !isHollow(rec) {
			if rec, _ = r.read(ctx, index); rec.PDU == "" {
				continue
			}
		}
		take(index, rec)
	}
	if !cut && (!whole || len(seen) < m.Used && r.walked[m.Name] != m.Used-len(seen)) {
		r.walk(ctx, m, seen, take)
	}
	maps.DeleteFunc(r.stored, func(p place, _ kept) bool { return p.memory == m.Name && !seen[p.index] && !cut })
	if deleted > 0 && m.Name != "" {
		r.mem = ""
		r.use(ctx, m.Name)
		left.Used, left.Total = r.now.Used, r.now.Total
	}
	return left, again
}

// between acknowledges what came while a long sweep is under way: the network waits some seconds only.
func (r *receiver) between(ctx context.Context) {
	for {
		select {
		case u, open := <-r.inbox:
			if !open {
				return
			}
			if u.Kind == at.KindStored { // its memory would have to be selected: the sweep comes by
				if fields := at.Fields(u.Args); len(fields) > 1 {
					r.name(fields[0])
				}
				nudge(r.s.wake)
				continue
			}
			r.urc(ctx, u)
		case <-r.ringing:
			r.hangUp(ctx)
		default:
			return
		}
	}
}

// fate is what became of a message in a memory.
type fate int

const (
	isDeleted    fate = iota // stored, and gone from there
	isStuck                  // stored, and cannot be deleted there
	isForeign                // not an incoming message
	leftForLater             // not stored
)

// record handles a message in a memory: store, then delete.
func (r *receiver) record(ctx context.Context, name string, index int, rec at.Record) fate {
	fields := at.Fields(at.Params(rec.Line))
	if inTextForm(rec) {
		r.s.leaveTextMode(ctx)
		return leftForLater
	}
	rec, m, err := r.decoded(ctx, index, rec)
	if _, submit := m.(*pdu.Submit); submit || isOurs(name, rec.Line, fields) {
		return isForeign
	}
	where := place{name, index}
	before, again := r.stored[where]
	again = again && before.pdu == rec.PDU
	if !again && r.storeDecoded(ctx, cmp.Or(rec.PDU, rec.Line), m, err) != nil {
		return leftForLater
	}
	gone := r.deleted(ctx, index, again)
	if again || len(r.stored) < maxStored {
		r.stored[where] = kept{rec.PDU, gone}
	}
	if !gone || again && before.gone { // some say OK and delete nothing
		return isStuck
	}
	return isDeleted
}

// deleted deletes a place, and says whether it could. Some modems want the second parameter.                      [27.005 3.5.4]
func (r *receiver) deleted(ctx context.Context, index int, again bool) bool {
	_, err := r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGD=%d", index)})
	if err != nil && again && lost(err) == nil {
		_, err = r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGD=%d,0", index)})
	}
	if err != nil {
		r.s.m.trouble(fmt.Errorf("a message that is stored cannot be deleted from the modem: %w", err))
	}
	return err == nil
}

// isOurs tells whether a place holds a message to be sent, 2 or 3: not an incoming one. [27.005 3.1]
func isOurs(name, line string, fields []string) bool {
	state := 0
	if strings.HasPrefix(line, "+CMGL") {
		state = 1
	}
	return name != "SR" && len(fields) > state && (fields[state] == "2" || fields[state] == "3")
}

// stored shows what the memories hold, and raises the alarm when one stays nearly full.
func (s *session) stored(all []Memory) {
	reason, hint := storageAlarm(all)
	var before string
	s.m.update(func(i *Info) {
		before = i.StorageAlarm
		i.Memories, i.StorageAlarm, i.StorageHint = all, reason, hint
	})
	if reason != "" && before == "" {
		s.log.Warn("a memory for messages stays nearly full: when it is full nothing comes in any more", "reason", reason)
	}
}

// storageAlarm says which memory is nearly full and why, "" when none is.
func storageAlarm(all []Memory) (reason, hint string) {
	for _, m := range all {
		if m.Total == 0 || m.Used*100 <= m.Total*alarmAt {
			continue
		}
		reason = fmt.Sprintf("memory %s holds %d of %d messages", m.Name, m.Used, m.Total)
		hint = "look again after the next sweep; if it stays so, delete the messages of the card in a phone"
		if m.Stuck > 0 {
			reason += fmt.Sprintf("; %d are stored here and the modem refuses to delete them", m.Stuck)
			hint = "put the card into another modem or a phone and delete its messages there"
		}
		if m.Foreign > 0 {
			reason += fmt.Sprintf("; %d were written there to be sent and are not ours to delete", m.Foreign)
			hint = "delete the sent and unsent messages of the card in a phone"
		}
		return reason, hint
	}
	return "", ""
}
