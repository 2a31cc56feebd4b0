package modem

import (
	"context"
	"errors"
	"fmt"
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
	inbox   chan heard    // from listen
	heard   atomic.Bool   // the modem has said something by itself
	told    atomic.Bool   // and that was of a message
	sweeps  int           // so far
	swept   int           // messages that they found
	missed  int           // sweeps that found what no URC had told of, while none had told of anything
	lost    int           // URCs lost so far, as of the last look; touched by the session's run
	failing bool          // the newest PDU could not be stored
	cut     string        // the newest PDU that was asked for again because it was not whole
	memories
	calls
	early []heard      // messages that came before the modem was up
	shown atomic.Int32 // how many of them
	acks  acks
}

// heard is what the modem said by itself. early: before it was set up.
type heard struct {
	at.URC
	early bool
}

// maxEarly bounds the messages kept until the modem is up; the network sends again what is not acknowledged.
const maxEarly = 16

func newReceiver(s *session) *receiver {
	return &receiver{s: s, up: make(chan struct{}), inbox: make(chan heard, 32), memories: newMemories()}
}

// allow lets the receiver use the modem.
func (r *receiver) allow() { close(r.up) }

// listen lives as long as the engine. What tells of SIM, network and restarts it handles at once, for the receiver may wait behind a
// message that waits for the network; the rest it hands on.
func (r *receiver) listen(ctx context.Context) {
	defer close(r.inbox)
	for u := range r.s.at.URCs() {
		r.heard.Store(true)
		if u.Kind == at.KindMessage || u.Kind == at.KindStored {
			r.told.Store(true)
		}
		if r.state(u) {
			continue
		}
		h := heard{u, !r.isUp()}
		if u.Kind == at.KindMessage && h.early {
			r.shown.Add(1)
		}
		if inTextMode(u) {
			r.s.checked.Store(0) // before the next message is sent
		}
		select {
		case r.inbox <- h:
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
		if !s.noteURC(u.Name, u.Args) {
			return true
		}
	case at.KindRestart:
		s.end(fmt.Errorf("%w (%s)", at.ErrRestarted, u.Name))
	case at.KindCard:
		if r.isUp() && u.CardGone() {
			s.end(errCardDrawn)
		}
	case at.KindSIM:
		if r.isUp() && simWord(u.Name+": "+u.Args) != "READY" {
			s.end(fmt.Errorf("the SIM says %s", strings.ToUpper(at.Fields(u.Args)[0])))
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
			r.showCallers(ctx)
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
		case <-r.ringing:
			r.hangUp(ctx)
		case <-sweep:
			timer.Reset(r.sweepAll(ctx))
		}
	}
}

// urc handles one unsolicited result that is not about the state.
func (r *receiver) urc(ctx context.Context, u heard) {
	switch u.Kind {
	case at.KindMessage:
		r.direct(ctx, u)
	case at.KindStored:
		r.indicated(ctx, u.URC)
	case at.KindFull:
		nudge(r.s.wake)
	case at.KindCall:
		r.rang(ctx, u.URC)
	}
}

// direct handles +CMT and +CDS: store, then acknowledge. [27.005 3.4.4]
func (r *receiver) direct(ctx context.Context, u heard) {
	if !strings.EqualFold(u.Name, "+CMT") && !strings.EqualFold(u.Name, "+CDS") {
		return
	}
	if r.s.ack {
		defer r.acks.begin()()
	}
	if inTextMode(u.URC) {
		r.textual(ctx, u)
		return
	}
	if !r.s.ack { // the modem has acknowledged it already
		m, err := pdu.DecodeLine(u.PDU)
		_ = r.keep(ctx, u.PDU, m, err)
		return
	}
	err := r.storeDirect(ctx, u.URC)
	cerr := r.answer(ctx, err)
	if err == nil && cerr == nil || lost(cerr) != nil || r.s.armed() == "" {
		return
	}
	// A modem that was not answered in time, or was told no, may have turned the indications off. [27.005 3.4.4]
	_, _ = r.s.at.Do(ctx, at.Command{Text: r.s.armed()})
}

// answer acknowledges what was stored, and has the network send again what was not.
func (r *receiver) answer(ctx context.Context, stored error) error {
	command := "AT+CNMA"
	if stored != nil {
		command = "AT+CNMA=2" // RP-ERROR: the network tries again [27.005 4.7]
	}
	_, err := r.s.at.Do(ctx, at.Command{Text: command, Urgent: true})
	return err
}

// storeDecoded gives one PDU to the handler, of a line that was decoded as m, or not for err. nil: it is on disk.
func (r *receiver) storeDecoded(ctx context.Context, line string, m any, err error) error {
	s, h := r.s, r.s.cfg.Handler
	var count func(*Info)
	switch m := m.(type) {
	case *pdu.Deliver:
		err = h.Deliver(ctx, s.sim, m)
		count = func(i *Info) {
			i.Received++
			for _, w := range m.Indications() {
				i.Waiting[w.Kind&3] = w.Count
			}
		}
	case *pdu.StatusReport:
		s.at.Reported(m.MR)
		err = h.StatusReport(ctx, s.sim, m)
		count = func(i *Info) { i.reported(time.Now()) }
	default:
		if err == nil {
			err = errNotIncoming
		}
		err = h.Undecoded(ctx, s.sim, line, err)
		count = func(i *Info) { i.Undecoded++ }
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
