package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// receiver takes what a modem says by itself, one after the other, and sweeps its memories. It alone uses AT+CPMS, +CMGR, +CMGL, +CMGD
// and +CNMA once the modem is up.
type receiver struct {
	s       *session
	up      chan struct{} // closed when the modem is up
	inbox   chan at.URC   // from listen
	heard   atomic.Bool   // the modem has said something by itself
	sweeps  int           // so far
	swept   int           // messages that they found
	missed  int           // sweeps that found what no URC had told of, while none had told of anything
	lost    int           // URCs lost so far, as of the last look; touched by the session's run
	mem     string        // the memory that is selected
	stored  map[string]string
	hungUp  time.Time
	failing bool         // the newest PDU could not be stored
	early   []at.URC     // messages that came before the modem was up
	shown   atomic.Int32 // how many of them
}

// maxEarly bounds the messages kept until the modem is up; the network sends again what is not acknowledged.
const maxEarly = 16

// maxStored bounds the messages remembered that were stored here and could not be deleted there.
const maxStored = 256

func newReceiver(s *session) *receiver {
	return &receiver{s: s, up: make(chan struct{}), inbox: make(chan at.URC, 32), stored: map[string]string{}}
}

// allow lets the receiver use the modem.
func (r *receiver) allow() { close(r.up) }

// listen lives as long as the engine. What tells of SIM, network and restarts it handles at once, for the receiver may wait behind a
// message that waits for the network; the rest it hands on.
func (r *receiver) listen(ctx context.Context) {
	defer close(r.inbox)
	for u := range r.s.at.URCs() {
		r.heard.Store(true)
		if r.state(u) {
			continue
		}
		if u.Kind == at.KindMessage && !r.isUp() {
			r.shown.Add(1)
		}
		select {
		case r.inbox <- u:
		case <-ctx.Done():
			return
		}
	}
}

// state handles what tells of SIM, network and restarts, and says whether u did.
func (r *receiver) state(u at.URC) bool {
	s := r.s
	switch u.Kind {
	case at.KindRegistration:
		s.noteURC(u.Name, u.Args)
	case at.KindRestart:
		s.end(fmt.Errorf("%w (%s)", at.ErrRestarted, u.Name))
	case at.KindCard:
		if r.isUp() && u.CardGone() {
			s.end(errCardDrawn)
		}
	case at.KindSIM:
		if word := strings.ToUpper(at.Fields(u.Args)[0]); r.isUp() && word != "READY" {
			s.end(fmt.Errorf("the SIM says %s", word))
		}
	case at.KindUSSD:
		s.ussd.heard(u.Args)
		return true
	default:
		return false
	}
	nudge(s.kick)
	return true
}

// isUp tells whether the receiver may use the modem.
func (r *receiver) isUp() bool {
	select {
	case <-r.up:
		return true
	default:
		return false
	}
}

// run handles the messages until listen has ended. Before the modem is up they wait, or lie in a memory that the first sweep finds.
func (r *receiver) run(ctx context.Context) {
	waiting := r.up
	var sweep <-chan time.Time
	timer := time.NewTimer(r.s.cfg.Sweep)
	defer timer.Stop()
	for {
		select {
		case u, open := <-r.inbox:
			switch {
			case !open:
				return
			case waiting == nil:
				r.urc(ctx, u)
			case u.Kind == at.KindMessage && len(r.early) < maxEarly:
				r.early = append(r.early, u)
			}
		case <-waiting:
			waiting, sweep = nil, timer.C
			for _, u := range r.early {
				r.direct(ctx, u)
			}
			r.early = nil
			timer.Reset(0)
		case <-r.s.wake:
			if waiting == nil {
				timer.Reset(0)
			}
		case <-r.s.ussd.due:
			r.s.ussd.expire(ctx)
		case <-sweep:
			timer.Reset(r.sweepAll(ctx))
		}
	}
}

// urc handles one unsolicited result that is not about the state.
func (r *receiver) urc(ctx context.Context, u at.URC) {
	switch u.Kind {
	case at.KindMessage:
		r.direct(ctx, u)
	case at.KindStored:
		r.indicated(ctx, u)
	case at.KindFull:
		nudge(r.s.wake)
	case at.KindCall:
		r.hangUp(ctx)
	}
}

// direct handles +CMT and +CDS: store, then acknowledge. [27.005 3.4.4]
func (r *receiver) direct(ctx context.Context, u at.URC) {
	if !strings.EqualFold(u.Name, "+CMT") && !strings.EqualFold(u.Name, "+CDS") {
		return
	}
	if inTextMode(u) {
		r.s.end(errTextMode)
		if r.s.ack || strings.EqualFold(u.Name, "+CDS") {
			return // it is not acknowledged, and comes again as a PDU; without a report a message is but less known
		}
		u.PDU = u.Name + ": " + u.Args + "\n" + u.PDU // the modem has acknowledged it: what there is is kept
	}
	err := r.store(ctx, u.PDU)
	if !r.s.ack {
		return // the modem has acknowledged it already
	}
	command := "AT+CNMA"
	if err != nil {
		command = "AT+CNMA=2" // RP-ERROR: the network tries again [27.005 4.7]
	}
	_, cerr := r.s.at.Do(ctx, at.Command{Text: command, Urgent: true})
	if err == nil && cerr == nil || lost(cerr) != nil || r.s.cnmi == "" {
		return
	}
	// A modem that was not answered in time, or was told no, may have turned the indications off. [27.005 3.4.4]
	_, _ = r.s.at.Do(ctx, at.Command{Text: r.s.cnmi})
}

// inTextMode tells whether a message came in the form of text mode: the modem has forgotten its settings without a word. In PDU mode the
// header has a name, or nothing, and the length; in text mode a number and a time, or the fields of a report. What follows tells nothing:
// a text in UCS-2 is hexadecimal, too. [27.005 3.4.1]
func inTextMode(u at.URC) bool { return len(at.Fields(u.Args)) > 2 }

var errTextMode = fmt.Errorf("%w (text mode)", at.ErrRestarted)

// checkMode ends the session of a modem that cannot show its messages because it is back in text mode, in which AT+CMGL=4 means nothing.
func (r *receiver) checkMode(ctx context.Context) {
	line, err := r.s.ask(ctx, "AT+CMGF?", at.Prefix("+CMGF:"))
	if err == nil && line != "" && at.Params(line) == "1" {
		r.s.end(errTextMode)
	}
}

// indicated handles +CMTI and +CDSI: read from the memory that it names, store, delete.
func (r *receiver) indicated(ctx context.Context, u at.URC) {
	fields := at.Fields(u.Args)
	index, err := strconv.Atoi(fields[len(fields)-1])
	if len(fields) < 2 || err != nil || index < 0 || !r.use(ctx, fields[0]) {
		nudge(r.s.wake)
		return
	}
	a, err := r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGR=%d", index), Accept: at.Prefix("+CMGR:"), Body: true})
	if err != nil || len(a.Records) == 0 {
		r.checkMode(ctx)
		return // gone, or the sweep finds it
	}
	if stored := r.record(ctx, fields[0], index, a.Records[0]); !stored {
		nudge(r.s.wake)
	}
}

// use selects a memory to read from.
func (r *receiver) use(ctx context.Context, name string) bool {
	if r.mem == name {
		return true
	}
	line, err := r.s.ask(ctx, fmt.Sprintf("AT+CPMS=%q", name), at.Prefix("+CPMS:"))
	if err != nil {
		return false
	}
	used, total, ok := usage(line)
	if !ok {
		return false
	}
	r.mem = name
	if len(r.s.storage) > 0 && name == r.s.storage[0] {
		r.s.m.update(func(i *Info) { i.StoredUsed, i.StoredTotal = used, total })
	}
	return true
}

// sweepAll looks through all memories, and says when to do so next.
func (r *receiver) sweepAll(ctx context.Context) time.Duration {
	r.failing = false
	r.mem = "" // so that the numbers of the memory are read anew
	again, before := false, r.swept
	names := r.s.storage
	if strings.HasSuffix(r.s.cnmi, ",2,0") || strings.HasSuffix(r.s.cnmi, ",2,1") {
		names = append(names[:len(names):len(names)], "SR")
	}
	for i := len(names) - 1; i >= 0; i-- { // the first stays selected
		if r.use(ctx, names[i]) {
			again = r.sweep(ctx, names[i]) || again
		}
	}
	if len(names) == 0 {
		again = r.sweep(ctx, "")
	}
	r.suspect(r.sweeps > 0 && r.swept > before)
	r.sweeps++
	if again || r.failing {
		return r.s.cfg.Again
	}
	return r.s.cfg.Sweep
}

// sweepWait is for CMGL of a full memory over a slow line.
const sweepWait = 2 * time.Minute

// sweep looks through the selected memory; again says that something stayed there that should not. [27.005 4.1]
func (r *receiver) sweep(ctx context.Context, name string) (again bool) {
	a, err := r.s.at.Do(ctx, at.Command{Text: "AT+CMGL=4", Accept: at.Prefix("+CMGL:"), Body: true, Wait: sweepWait})
	if err != nil {
		r.checkMode(ctx)
		return false
	}
	again = a.Cut
	r.swept += len(a.Records)
	for _, rec := range a.Records {
		index, err := strconv.Atoi(at.Fields(at.Params(rec.Line))[0])
		if err != nil {
			continue
		}
		again = !r.record(ctx, name, index, rec) || again
		r.between(ctx)
	}
	return again
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
				nudge(r.s.wake)
				continue
			}
			r.urc(ctx, u)
		default:
			return
		}
	}
}

// record handles a message in a memory: store, then delete. done is false when it must be tried again.
func (r *receiver) record(ctx context.Context, name string, index int, rec at.Record) (done bool) {
	fields := at.Fields(at.Params(rec.Line))
	if rec.PDU == "" || isOurs(name, rec.Line, fields) {
		return true
	}
	if slices.ContainsFunc(fields, func(f string) bool { return strings.HasPrefix(f, "REC ") }) { // "REC UNREAD" [27.005 3.1 <stat>]
		r.s.end(errTextMode)
		return false
	}
	place := name + strconv.Itoa(index)
	if r.stored[place] != rec.PDU {
		if r.store(ctx, rec.PDU) != nil {
			return false
		}
	}
	_, err := r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGD=%d", index)}) // [27.005 3.5.4]
	if err == nil {
		delete(r.stored, place)
		return true
	}
	r.s.m.trouble(err)
	if len(r.stored) < maxStored {
		r.stored[place] = rec.PDU
	}
	return true
}

// isOurs tells whether a place holds a message to be sent, 2 or 3: not an incoming one. [27.005 3.1]
func isOurs(name, line string, fields []string) bool {
	state := 0
	if strings.HasPrefix(line, "+CMGL") {
		state = 1
	}
	return name != "SR" && len(fields) > state && (fields[state] == "2" || fields[state] == "3")
}

// store gives one PDU to the handler. nil: it is on disk.
func (r *receiver) store(ctx context.Context, line string) error {
	s, h := r.s, r.s.cfg.Handler
	m, err := pdu.DecodeLine(line)
	var count func(*Info)
	switch m := m.(type) {
	case *pdu.Deliver:
		err = h.Deliver(ctx, s.sim, m)
		count = func(i *Info) { i.Received++ }
	case *pdu.StatusReport:
		err = h.StatusReport(ctx, s.sim, m)
		count = func(i *Info) { i.reported(time.Now()) }
	default:
		if err == nil {
			err = errNotIncoming
		}
		err = h.Undecoded(ctx, s.sim, line, err)
		count = func(*Info) {}
	}
	if err != nil {
		r.failing = true
		s.m.trouble(fmt.Errorf("an incoming message was not stored: %w", err))
		return err
	}
	s.m.update(count)
	return nil
}

var errNotIncoming = errors.New("not an incoming message")

// hangUpEvery bounds the commands that a ringing modem costs.
const hangUpEvery = 3 * time.Second

// hangUp ends a call: while a modem rings some send nothing.                                                      [27.007 6.5]
func (r *receiver) hangUp(ctx context.Context) {
	if time.Since(r.hungUp) < hangUpEvery {
		return
	}
	r.hungUp = time.Now()
	for _, command := range []string{"AT+CHUP", "ATH"} {
		if taken, err := r.s.tell(ctx, command); taken || err != nil {
			break
		}
	}
	r.s.m.update(func(i *Info) { i.Calls++ })
}
