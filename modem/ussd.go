package modem

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// USSD is what the network has said in a dialogue.                                                             [27.007 7.15] [22.090]
type USSD struct {
	Text    string
	Session string // names the dialogue while the network waits for a reply; "": it is over
	Network bool   // the network has begun it
	At      time.Time
}

// Errors of USSD, beside *USSDError, ErrNotReady and those of the engine.
var (
	ErrUSSDBusy    = errors.New("another USSD request is under way")
	ErrUSSDSession = errors.New("no such USSD session is open")
	ErrUSSDText    = errors.New("the text cannot be sent as USSD: 1 to 182 characters of the GSM alphabet")
	ErrUSSDTimeout = errors.New("the network has not answered the USSD request in time")
)

// USSDError is a dialogue that ended without an answer.
type USSDError struct{ Status int } // <m> of +CUSD                                                                [27.007 7.15]

func (e *USSDError) Error() string {
	switch e.Status {
	case ussdEnded:
		return "the network has ended the USSD session without a text"
	case ussdElsewhere:
		return "another program on the modem has answered the USSD session"
	case ussdUnsupported:
		return "the network does not take this USSD code"
	case ussdExpired:
		return "the network has waited too long for a USSD reply"
	}
	return fmt.Sprintf("the USSD session ended with status %d", e.Status)
}

// Values of <m>.                                                                                                [27.007 7.15]
const (
	ussdOpen        = 1
	ussdEnded       = 2
	ussdElsewhere   = 3
	ussdUnsupported = 4
	ussdExpired     = 5
)

const (
	ussdWait   = time.Minute      // for the network's answer, whatever else is said meanwhile
	ussdTake   = 30 * time.Second // for the OK, which some modems give with the answer; no message can go before
	ussdHurry  = 2 * time.Second  // for the OK, once the answer is there
	ussdIdle   = 2 * time.Minute  // an open session that nobody replies to is closed: it may keep the SIM from being called
	ussdCancel = 5 * time.Second
)

// USSD sends a code such as "*100#" and waits for the answer of the network. A session that was open is closed before. Messages go on
// meanwhile, as far as the modem can do both.
func (m *Modem) USSD(ctx context.Context, code string) (USSD, error) {
	d, err := m.dialogue()
	if err != nil {
		return USSD{}, err
	}
	return d.request(ctx, "", code)
}

// ReplyUSSD sends a reply in the session that an answer named.
func (m *Modem) ReplyUSSD(ctx context.Context, session, text string) (USSD, error) {
	d, err := m.dialogue()
	if err == nil && session == "" {
		err = ErrUSSDSession
	}
	if err != nil {
		return USSD{}, err
	}
	return d.request(ctx, session, text)
}

// CancelUSSD closes the session; "" is whichever is open.
func (m *Modem) CancelUSSD(ctx context.Context, session string) error {
	d, err := m.dialogue()
	if err != nil {
		return err
	}
	return d.cancel(ctx, session)
}

// LastUSSD gives what the network has said last, the zero value when that was nothing since the modem is ready.
func (m *Modem) LastUSSD() USSD {
	d, err := m.dialogue()
	if err != nil {
		return USSD{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.last
	last.Session = d.open
	return last
}

func (m *Modem) dialogue() (*dialogue, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.live == nil {
		return nil, ErrNotReady
	}
	return &m.live.ussd, nil
}

// dialogue is the USSD of a session: at most one at a time, as the network has it.
type dialogue struct {
	s       *session
	answers chan string   // parameters of +CUSD, for the request under way
	due     chan struct{} // one slot: the open session is to be closed
	armed   bool          // AT+CUSD=1 was given; touched by the session's run

	mu    sync.Mutex
	busy  bool
	hurry context.CancelFunc // ends the wait for OK; nil when no command is under way
	open  string             // the session that waits for a reply
	form  pdu.USSDForm       // that the modem has taken; "" before it has
	last  USSD
	timer *time.Timer // for due
}

func (d *dialogue) init(s *session) {
	d.s, d.answers, d.due = s, make(chan string, 4), make(chan struct{}, 1)
}

// arm lets the modem tell of what the network begins.
func (d *dialogue) arm(ctx context.Context) error {
	if d.armed {
		return nil
	}
	d.armed = true
	_, err := d.s.tell(ctx, "AT+CUSD=1")
	return err
}

// claim makes d busy for one request; open is the session that was open.
func (d *dialogue) claim(session string) (open string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.busy:
		return "", ErrUSSDBusy
	case session != "" && session != d.open:
		return "", ErrUSSDSession
	}
	d.busy = true
	open = d.open
	d.close()
	for len(d.answers) > 0 { // late ones of a request that was given up
		<-d.answers
	}
	return open, nil
}

func (d *dialogue) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.busy = false
}

// close forgets the open session. The caller holds d.mu.
func (d *dialogue) close() {
	d.open = ""
	if d.timer != nil {
		d.timer.Stop()
	}
}

// request sends a text and waits for what the network says to it, until an absolute time.
func (d *dialogue) request(ctx context.Context, session, text string) (USSD, error) {
	if _, _, ok := pdu.EncodeUSSD(text, pdu.USSDUCS2); !ok {
		return USSD{}, ErrUSSDText
	}
	open, err := d.claim(session)
	if err != nil {
		return USSD{}, err
	}
	defer d.release()
	if session == "" && !d.s.registered() {
		return USSD{}, fmt.Errorf("%w: %s", ErrNotReady, d.s.registrationText())
	}
	limit, stop := context.WithTimeout(ctx, ussdWait)
	defer stop()
	if open != "" && session == "" {
		d.hangUp(ctx)
	}
	err = d.say(limit, text)
	if err != nil && len(d.answers) == 0 {
		return USSD{}, d.givenUp(ctx, err)
	}
	return d.hear(ctx, limit)
}

// say gives the text to the modem, in one form after the other until it takes one.
func (d *dialogue) say(ctx context.Context, text string) error {
	err := error(ErrUSSDText)
	for _, form := range d.forms(ctx) {
		s, dcs, ok := pdu.EncodeUSSD(text, form)
		if !ok {
			continue
		}
		if err = d.command(ctx, fmt.Sprintf(`AT+CUSD=1,"%s",%d`, s, dcs)); err == nil {
			d.mu.Lock()
			d.form = form
			d.mu.Unlock()
			return nil
		}
		if !wantsOtherForm(err) {
			return err
		}
	}
	return err
}

// command gives a command of which some modems answer the network's answer first, and never the OK.
func (d *dialogue) command(ctx context.Context, text string) error {
	ctx, hurry := context.WithCancel(ctx)
	defer hurry()
	d.mu.Lock()
	d.hurry = hurry
	d.mu.Unlock()
	_, err := d.s.at.Do(ctx, at.Command{Text: text, Wait: ussdTake})
	d.mu.Lock()
	d.hurry = nil
	d.mu.Unlock()
	return err
}

// hear waits for the network.
func (d *dialogue) hear(ctx, limit context.Context) (USSD, error) {
	select {
	case args := <-d.answers:
		return d.read(args)
	case <-d.s.at.Dead():
		return USSD{}, at.ErrClosed
	case <-limit.Done():
		return USSD{}, d.givenUp(ctx, limit.Err())
	}
}

// givenUp closes what may be open after a request without an answer, and says what went wrong.
func (d *dialogue) givenUp(ctx context.Context, err error) error {
	var refused *at.Error
	if errors.As(err, &refused) || errors.Is(err, ErrUSSDText) || errors.Is(err, at.ErrClosed) {
		return err
	}
	d.hangUp(ctx)
	if ctx.Err() == nil {
		return ErrUSSDTimeout
	}
	return err
}

// hangUp ends the session at the modem. Its refusal says that there was none.                                     [27.007 7.15]
func (d *dialogue) hangUp(ctx context.Context) {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), ussdCancel)
	defer stop()
	_, _ = d.s.at.Do(ctx, at.Command{Text: "AT+CUSD=2"})
}

func (d *dialogue) cancel(ctx context.Context, session string) error {
	open, err := d.claim(session)
	if err != nil {
		return err
	}
	defer d.release()
	if open == "" {
		return ErrUSSDSession
	}
	d.hangUp(ctx)
	return nil
}

// expire closes a session that nobody has replied to. It is called by the receiver.
func (d *dialogue) expire(ctx context.Context) {
	d.mu.Lock()
	over := !d.busy && d.open != "" && time.Since(d.last.At) >= ussdIdle
	if over {
		d.close()
	}
	d.mu.Unlock()
	if over {
		d.s.log.Info("a USSD session was closed: nobody has replied", "after", ussdIdle)
		d.hangUp(ctx)
	}
}

// read takes the answer to a request.
func (d *dialogue) read(args string) (USSD, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	status, text := d.parse(args)
	if status >= ussdEnded && (text == "" || status > ussdEnded) { // many networks end their last text with 2
		return USSD{}, &USSDError{status}
	}
	d.note(USSD{Text: text, At: time.Now()}, status)
	return d.last, nil
}

// note keeps what the network has said. The caller holds d.mu.
func (d *dialogue) note(u USSD, status int) {
	d.close()
	if status == ussdOpen {
		u.Session = fmt.Sprintf("%08x", rand.Uint32())
		d.open = u.Session
		d.timer = time.AfterFunc(ussdIdle, func() { nudge(d.due) })
	}
	d.last = u
}

// heard takes a +CUSD as soon as it comes.
func (d *dialogue) heard(args string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.busy {
		d.unasked(args)
		return
	}
	select {
	case d.answers <- args:
	default:
	}
	if d.hurry != nil {
		time.AfterFunc(ussdHurry, d.hurry)
	}
}

// unasked takes what the network has said by itself: a text, a question, or the end of the open session. The caller holds d.mu.
func (d *dialogue) unasked(args string) {
	status, text := d.parse(args)
	if text == "" && status != ussdOpen {
		d.close()
		return
	}
	d.note(USSD{Text: text, Network: true, At: time.Now()}, status)
	d.s.log.Info("USSD from the network", "waits for a reply", status == ussdOpen)
}
