package modem

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/profile"
)

// session is the life of one open port. run starts four goroutines beside its own: the reader of the engine, the two of the receiver
// (receive.go), and the handler's Ready.
type session struct {
	m     *Modem
	cfg   *Config
	port  io.ReadWriteCloser // closed by the engine
	at    *at.Engine
	log   *slog.Logger
	kick  chan struct{} // one slot: look at the registration now
	wake  chan struct{} // one slot: sweep the memories now
	probe chan struct{} // one slot: a message was refused for the modem's sake; see what ails it
	fault chan error    // one slot: the session must end

	reached  bool   // was ready; touched by run
	pinTried string // key of the PIN that was given; touched by run
	patience int    // seconds for which a busy SIM is yet asked again; changed in bringUp alone
	profile  *profile.Profile
	echoes   bool         // echo cannot be turned off
	poll     int          // looks at the modem so far; touched by run
	power    strength     // whether the modem knows AT+CESQ; touched by run
	ailment  atomic.Int64 // cause of the newest refusal that nudged probe, -1 for none: see resettable
	refused  streak       // recipients to whom nothing could be sent
	sending  atomic.Int32 // Submits under way
	checked  atomic.Int64 // when it was last seen to be in PDU mode, in Unix nanoseconds
	relay    relay        // the link that is kept open over a burst
	cnmi     atomic.Value // string: the form of AT+CNMI that was taken, with the command; see [session.armed]
	unarmed  int          // looks at a modem that tells of no messages; touched by run
	looked   uint64       // Info.Sent as of the last look; touched by run

	// Hooks of a check, nil otherwise; called by the goroutine of run.
	observe func(ctx context.Context, step string) error           // a step of bringUp was taken; an error ends the session
	resign  func(simWord string, waited time.Duration) (over bool) // the SIM cannot be used: whether to stop waiting

	regMu sync.Mutex
	reg   map[string]int // state of registration by the name of the answer, "+CREG"; absent for what the modem does not know
	cells map[string]Cell

	// Set by bringUp before the receiver is let in.
	sim     SIM
	iccid   string   // as the modem told it; "" when it did not
	smsc    string   // the service-centre address that the SIM's record wanted
	ack     bool     // phase 2+: +CMT and +CDS want +CNMA             [27.005 3.4.4]
	storage []string // memories to sweep, the one for new messages first

	receiving *receiver
	ussd      dialogue
}

func newSession(m *Modem, port io.ReadWriteCloser) *session {
	opt := m.cfg.AT
	opt.Log, opt.Record = m.log, m.record
	s := &session{m: m, cfg: m.cfg, port: port, log: m.log, at: at.New(port, opt), kick: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		probe: make(chan struct{}, 1), fault: make(chan error, 1), reg: map[string]int{}, cells: map[string]Cell{}}
	s.ailment.Store(-1)
	s.receiving = newReceiver(s)
	s.ussd.init(s)
	return s
}

// run lives until ctx ends, the port breaks or the modem cannot be used; it returns when nothing of the session runs any more. The
// engine and the receiver go last: when ctx ends, a message whose Ctrl-Z is out still gets its answer.
func (s *session) run(ctx context.Context) error { return s.serve(ctx, s.live) }

// serve is run with something else to live for.
func (s *session) serve(ctx context.Context, live func(context.Context) error) error {
	inner, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	outer, died := context.WithCancelCause(ctx)
	defer died(nil)
	var all sync.WaitGroup
	all.Go(func() { died(s.at.Run(inner)) })
	all.Go(func() { s.receiving.listen(inner) })
	all.Go(func() { s.receiving.run(inner) })
	err := live(outer)
	if cause := context.Cause(outer); cause != nil && (errors.Is(err, context.Canceled) || errors.Is(err, at.ErrClosed)) {
		err = cause
	}
	stop()
	all.Wait()
	return err
}

// live brings the modem up, and then goes between searching and ready.
func (s *session) live(ctx context.Context) error {
	if err := s.bringUp(ctx); err != nil {
		return err
	}
	s.checked.Store(time.Now().UnixNano())
	s.m.enter(Initialising, "asking for its network, and reading what lies in its memories")
	s.receiving.allow()
	for {
		if err := s.search(ctx); err != nil {
			return err
		}
		if err := s.ready(ctx); err != nil {
			return err
		}
	}
}

// ready lets messages through until the registration is lost (nil) or the session must end. When it returns the handler's Ready has.
func (s *session) ready(ctx context.Context) error {
	s.reached = true
	s.refused.end()
	rctx, cancel := context.WithCancelCause(ctx)
	s.m.setLive(s)
	s.m.enter(Ready, "")
	var handler sync.WaitGroup
	handler.Go(func() { s.cfg.Handler.Ready(rctx, s.m) })
	err := s.watch(ctx)
	s.m.setLive(nil)
	if err != nil && ctx.Err() == nil {
		s.m.enter(Opening, err.Error())
	}
	cancel(cmp.Or(err, ErrNotReady)) // who waits for the modem in vain is told why
	handler.Wait()
	return err
}

// watch looks after a ready modem: at what it says by itself, and now and then by asking.
func (s *session) watch(ctx context.Context) error {
	timer := time.NewTimer(s.cfg.Idle)
	defer timer.Stop()
	asked := time.Now()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-s.fault:
			return err
		case <-s.kick:
		case rung := <-s.m.orders:
			if err := s.reset(ctx, rung, byCommand); err != nil {
				return err
			}
		case <-s.probe:
			if err := s.treat(ctx); err != nil {
				return err
			}
		case <-timer.C:
			quiet := time.Since(s.at.LastAnswer())
			if quiet < s.cfg.Idle && time.Since(asked) < s.cfg.Busy {
				timer.Reset(s.cfg.Idle - quiet)
				continue
			}
			timer.Reset(s.cfg.Idle)
			asked = time.Now()
			if err := s.look(ctx); err != nil {
				return err
			}
			s.m.ladder.well(time.Now(), s.m.Info())
		}
		if s.settled() {
			return nil
		}
	}
}

// settled tells whether the registration is lost and nothing is on its way any more. Modems that change cell or radio in mid-send are
// off for some seconds: the message under way gets its answer yet, and the next has to wait.
func (s *session) settled() bool {
	s.showNetwork()
	if s.registered() {
		s.m.enter(Ready, "")
		return false
	}
	s.m.enter(Searching, s.registrationText())
	return s.sending.Load() == 0
}

// begins notes a Submit. It fails without a network.
func (s *session) begins() error {
	s.sending.Add(1)
	if !s.registered() {
		return fmt.Errorf("%w: %s", ErrNotReady, s.registrationText())
	}
	return nil
}

// ends notes that a Submit is over.
func (s *session) ends() {
	s.sending.Add(-1)
	if !s.registered() {
		nudge(s.kick)
	}
}

// end makes the session end with a reason. The first counts.
func (s *session) end(err error) {
	select {
	case s.fault <- err:
	default:
	}
}

func nudge(slot chan struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}

// examine looks whether the SIM and the network are still there.
func (s *session) examine(ctx context.Context) error {
	word, err := s.simState(ctx)
	if err == nil && word != "READY" && word != "busy" {
		err = fmt.Errorf("the SIM says %s", word)
	}
	if err != nil {
		return err
	}
	return s.look(ctx)
}

// lost drops an error that leaves the modem usable: a refusal, and a command that it ignores. Whether it still speaks at all is seen at
// the next command, for which the engine finds the step again or gives the port up.
func lost(err error) error {
	var refused *at.Error
	if errors.As(err, &refused) || errors.Is(err, at.ErrTimeout) && !errors.Is(err, at.ErrClosed) {
		return nil
	}
	return err
}

// ask gives a command whose refusal is an answer too: it returns the first information line, "" when there is none. The error is not
// nil only when the modem is lost.
func (s *session) ask(ctx context.Context, command string, accept func(string) bool) (string, error) {
	a, err := s.do(ctx, at.Command{Text: command, Accept: accept})
	if err != nil {
		return "", lost(err)
	}
	return a.First(), nil
}

// tell gives a command without information lines and says whether it was taken. The error is not nil only when the modem is lost.
func (s *session) tell(ctx context.Context, command string) (bool, error) {
	_, err := s.do(ctx, at.Command{Text: command})
	return err == nil, lost(err)
}

// do gives a command, again for a while when the SIM is busy yet. Many a modem says READY of a SIM that it has only begun to read, and what
// it refuses then is no answer: not whose card it is, nor that it knows no indications.                     [27.005 3.2.5] [27.007 9.2.1]
func (s *session) do(ctx context.Context, c at.Command) (at.Answer, error) {
	for {
		a, err := s.at.Do(ctx, c)
		if !at.IsCME(err, 14) && !at.IsCMS(err, 314) || s.patience == 0 {
			return a, err
		}
		s.patience--
		s.m.enter(Initialising, "the SIM is busy")
		if !pauseFor(ctx, time.Second) {
			return a, ctx.Err()
		}
	}
}

// must gives a command without which the modem cannot be used, again for a while when the SIM or the modem is busy starting.
func (s *session) must(ctx context.Context, command string) error {
	for try := 0; ; try++ {
		_, err := s.at.Do(ctx, at.Command{Text: command})
		if err == nil {
			return nil
		}
		var refused *at.Error
		if !errors.As(err, &refused) || try == startTries {
			return fmt.Errorf("initialise: %w", err)
		}
		s.m.enter(Initialising, refused.Error()+": it is told again, for it may be starting yet")
		if !pauseFor(ctx, time.Second) {
			return ctx.Err()
		}
	}
}

// startTries is how many seconds a modem may say no while it starts: SIMs of several hundred entries take long.
const startTries = 20

// busyTries is how many seconds of a bring-up the SIM may be busy after it was said to be ready, over all commands.
const busyTries = 30
