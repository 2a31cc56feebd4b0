package smppsim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// LoadConfig says what Load submits. The connection is that of the embedded
// Config, whose Window counts for each session; OnDeliver hears of messages that
// are no receipts, and may be nil.
type LoadConfig struct {
	esme.Config

	Sessions int           // 1 when 0
	Count    int           // messages in all; 0: until Duration is over
	Duration time.Duration // 0: until Count is reached. With neither, one message.
	Rate     float64       // messages a second in all; 0: as many as the windows let through

	Source             smpp.Address
	Dest               string   // each # is a digit of the message's number: "3161234####"; "31600000000" when ""
	Texts              []string // in turn; "Hello" when empty
	RegisteredDelivery smpp.RegisteredDelivery
	ReceiptWait        time.Duration // for the receipts that are due at the end; 10 s when 0
}

// LoadResult is what came back. Sent is the sum of Accepted, Refused and Unknown.
type LoadResult struct {
	Sent     int
	Accepted int
	Refused  int
	Unknown  int // no response; the connection was lost or the time was over
	Statuses map[smpp.CommandStatus]int

	Receipts        map[smpp.MessageState]int
	ReceiptsMissing int // accepted with a wish for a receipt, and none came
	ReceiptsStrange int // for an id that was not given out, or twice

	P50, P99, Max time.Duration // from submit_sm to its response
	Elapsed       time.Duration // from the first submit to the last response
}

// PerSecond returns the messages accepted in a second.
func (r LoadResult) PerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Accepted) / r.Elapsed.Seconds()
}

// load is a Load under way.
type load struct {
	conf      LoadConfig
	templates []*smpp.SubmitSM
	limiter   *rate.Limiter // nil: none
	sent      atomic.Int64
	latency   histogram

	mu     sync.Mutex
	result LoadResult
	due    map[string]bool // ids accepted whose receipts have not come
	early  map[string]bool // ids of receipts that no response has named yet
}

// Load binds all sessions, submits, waits for responses and receipts, and
// unbinds. When ctx ends it submits no more, and the result is of what there
// was. An error means that a session could not bind or did not last; the result
// counts what was done until then all the same.
func Load(ctx context.Context, conf LoadConfig) (LoadResult, error) {
	l, err := newLoad(conf)
	if err != nil {
		return LoadResult{}, err
	}
	sessions, err := l.dial(ctx)
	var elapsed time.Duration
	if err == nil {
		start := time.Now()
		err = l.submitAll(ctx, sessions)
		elapsed = time.Since(start)
		l.awaitReceipts(ctx, sessions)
	}
	closeAll(sessions, l.conf.ResponseTimeout)
	return l.finish(elapsed), err
}

func newLoad(conf LoadConfig) (*load, error) {
	if conf.Count <= 0 && conf.Duration <= 0 {
		conf.Count = 1
	}
	if len(conf.Texts) == 0 {
		conf.Texts = []string{"Hello"}
	}
	if conf.Dest == "" {
		conf.Dest = "31600000000"
	}
	for field, value := range map[*time.Duration]time.Duration{&conf.ReceiptWait: 10 * time.Second, &conf.ResponseTimeout: 30 * time.Second} {
		if *field <= 0 {
			*field = value
		}
	}
	conf.Sessions = max(conf.Sessions, 1)
	if conf.Window <= 0 {
		conf.Window = 10
	}
	l := &load{conf: conf, due: map[string]bool{}, early: map[string]bool{}}
	l.result = LoadResult{Statuses: map[smpp.CommandStatus]int{}, Receipts: map[smpp.MessageState]int{}}
	if conf.Rate > 0 {
		l.limiter = rate.NewLimiter(rate.Limit(conf.Rate), conf.Sessions)
	}
	for _, text := range conf.Texts {
		sm, err := Message(text)
		if err != nil {
			return nil, err
		}
		sm.Source, sm.RegisteredDelivery = conf.Source, conf.RegisteredDelivery
		l.templates = append(l.templates, sm)
	}
	return l, nil
}

// Message returns a submit_sm with text, in GSM 03.38 (data_coding 0) where that
// can hold it, else in UCS-2. More than 254 octets go into message_payload.
func Message(text string) (*smpp.SubmitSM, error) {
	sm := &smpp.SubmitSM{DataCoding: smpp.CodingDefault}
	octets, err := smpp.EncodeText(sm.DataCoding, smpp.GSM0338, text)
	if err != nil {
		sm.DataCoding = smpp.CodingUCS2
		octets, err = smpp.EncodeText(sm.DataCoding, smpp.GSM0338, text)
	}
	if err != nil {
		return nil, fmt.Errorf("smppsim: text is no UTF-8: %w", err)
	}
	if len(octets) > 254 {
		sm.TLVs = sm.TLVs.Append(smpp.TagMessagePayload, octets)
	} else {
		sm.ShortMessage = octets
	}
	return sm, nil
}

// dial binds all sessions, and returns those that are bound with an error too.
func (l *load) dial(ctx context.Context) ([]*esme.Session, error) {
	conf := l.conf.Config
	conf.OnDeliver = l.onDeliver
	var sessions []*esme.Session
	for range l.conf.Sessions {
		s, err := esme.Dial(ctx, conf)
		if err != nil {
			return sessions, err
		}
		sessions = append(sessions, s)
	}
	return sessions, nil
}

func closeAll(sessions []*esme.Session, patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	for _, s := range sessions {
		wg.Go(func() { _ = s.Close(ctx) })
	}
	wg.Wait()
}

// submitAll returns when every submit has ended.
func (l *load) submitAll(ctx context.Context, sessions []*esme.Session) error {
	if l.conf.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, l.conf.Duration)
		defer cancel()
	}
	errs := make([]error, len(sessions))
	var wg sync.WaitGroup
	for i, s := range sessions {
		wg.Go(func() { errs[i] = l.submit(ctx, s) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// submit keeps the window of one session full until all is sent. Its own window
// stands before that of the session, so that waiting for room is not counted as
// latency.
func (l *load) submit(ctx context.Context, s *esme.Session) error {
	window := make(chan struct{}, l.conf.Window)
	defer func() {
		for range cap(window) {
			window <- struct{}{}
		}
	}()
	for {
		select {
		case window <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		n, ok := l.next(ctx)
		if !ok {
			<-window
			return nil
		}
		start := time.Now()
		err := s.SubmitAsync(context.Background(), l.message(n), func(id string, status smpp.CommandStatus, err error) {
			l.latency.add(time.Since(start))
			l.settle(id, status, err)
			<-window
		})
		if err != nil {
			<-window
			return err
		}
	}
}

// next returns the number of the next message, from 0, when there is one.
func (l *load) next(ctx context.Context) (int, bool) {
	if ctx.Err() != nil || l.limiter != nil && l.limiter.Wait(ctx) != nil {
		return 0, false
	}
	n := int(l.sent.Add(1)) - 1
	return n, l.conf.Count <= 0 || n < l.conf.Count
}

func (l *load) message(n int) *smpp.SubmitSM {
	sm := *l.templates[n%len(l.templates)]
	sm.Dest = smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Addr: number(l.conf.Dest, n)}
	return &sm
}

// number puts the digits of n in place of the # of a pattern, from the right.
func number(pattern string, n int) string {
	if !strings.Contains(pattern, "#") {
		return pattern
	}
	out := []byte(pattern)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] == '#' {
			out[i] = byte('0' + n%10)
			n /= 10
		}
	}
	return string(out)
}

func (l *load) settle(id string, status smpp.CommandStatus, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Sent++
	switch {
	case err == nil:
		l.result.Accepted++
		l.result.Statuses[status]++
		if l.conf.RegisteredDelivery.Receipt() == smpp.ReceiptFinal && !take(l.early, id) {
			l.due[id] = true
		}
	case errors.Is(err, esme.ErrUnknownOutcome), errors.Is(err, esme.ErrNotSent):
		l.result.Unknown++
	default:
		l.result.Refused++
		l.result.Statuses[status]++
	}
}

// take removes id from the set and reports whether it was there.
func take(set map[string]bool, id string) bool {
	had := set[id]
	delete(set, id)
	return had
}

func (l *load) onDeliver(sm *smpp.DeliverSM) smpp.CommandStatus {
	id, state, ok := receiptOf(sm)
	if !ok {
		if l.conf.OnDeliver != nil {
			return l.conf.OnDeliver(sm)
		}
		return smpp.StatusOK
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.Receipts[state]++
	if state.Final() && !take(l.due, id) {
		l.early[id] = true
	}
	return smpp.StatusOK
}

// receiptOf reads a receipt from its TLVs, or from its text where it has none.
func receiptOf(sm *smpp.DeliverSM) (id string, state smpp.MessageState, ok bool) {
	if !sm.ESMClass.IsReceipt() {
		return "", 0, false
	}
	id, hasID := sm.TLVs.CString(smpp.TagReceiptedMessageID)
	s, hasState := sm.TLVs.Uint8(smpp.TagMessageState)
	if hasID && hasState {
		return id, smpp.MessageState(s), true
	}
	r, err := smpp.ParseReceipt(string(sm.ShortMessage), nil)
	return r.ID, r.State, err == nil
}

// awaitReceipts returns when all have come, or nothing more can come.
func (l *load) awaitReceipts(ctx context.Context, sessions []*esme.Session) {
	deadline := time.NewTimer(l.conf.ReceiptWait)
	defer deadline.Stop()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for l.receiptsDue() > 0 && anyAlive(sessions) {
		select {
		case <-ctx.Done():
			return
		case <-deadline.C:
			return
		case <-poll.C:
		}
	}
}

func (l *load) receiptsDue() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.due)
}

func anyAlive(sessions []*esme.Session) bool {
	for _, s := range sessions {
		if s.Err() == nil {
			return true
		}
	}
	return false
}

func (l *load) finish(elapsed time.Duration) LoadResult {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.result.ReceiptsMissing, l.result.ReceiptsStrange = len(l.due), len(l.early)
	l.result.P50, l.result.P99, l.result.Max = l.latency.quantile(0.5), l.latency.quantile(0.99), l.latency.quantile(1)
	l.result.Elapsed = elapsed
	return l.result
}
