package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"gsmgate/modem/modemsim"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// The load of the crash test.
const (
	loadUser     = "load"
	loadPassword = "secret"
	loadSessions = 4
	loadWindow   = 10
	loadPerRun   = 240 // messages that one run of the gateway is offered at most
	loadMOPerRun = 12
)

// loadRecipients are many, so that references to one are few, and few enough
// that reports to one recipient overtake each other.
var loadRecipients = [...]string{"+31620000001", "+31620000002", "+31620000003", "+4915150000004", "+4915150000005"}

// token is what each segment of a message of the load carries: texts are made
// of nothing else, so that a segment names its message.
var token = regexp.MustCompile(`m(\d{6})[.ж]`)

// loadText is the text of message n: short, long, or long in UCS-2.
func loadText(n int) string {
	filler, length := ".", 8
	switch {
	case n%5 == 1:
		length = 200 + n%60 // two segments of GSM-7
	case isUCS2(n):
		filler, length = "ж", 100+n%30 // two of UCS-2
	}
	text := strings.Repeat(fmt.Sprintf("m%06d%s", n, filler), length/8+1)
	return string([]rune(text)[:length])
}

func isUCS2(n int) bool { return n%5 == 3 }

// load is what the clients of the crash test know: what they were told, by
// which run of the gateway.
type load struct {
	t    *testing.T
	bank *modemsim.Bank

	mu         sync.Mutex
	run        int
	next       int         // number of the last message
	offered    int         // in this run
	operations int         // in this run
	left       []operation // that an earlier run was killed before
	kept       []operation // for the last run
	doing      map[operation]bool
	offers     map[int][]string // by number of a message: to whom it was submitted
	accepted   map[string]*told // by message_id of each ESME_ROK
	refused    map[smpp.CommandStatus]int
	answers    map[string]int  // to operations: "command status"
	unheard    int             // requests without an answer
	receipts   map[leg][]heard // by message_id and recipient
	sentMO     []string
	gotMO      map[string][]heard // by text
	strange    []string           // deliver_sm that are neither
}

// leg is a message to one recipient, by what the client knows of it.
type leg struct{ id, to string }

// heard is one delivery to a client.
type heard struct {
	run  int
	word string // stat: of a receipt
}

func newLoad(t *testing.T, bank *modemsim.Bank) *load {
	return &load{
		t: t, bank: bank, offers: map[int][]string{}, accepted: map[string]*told{},
		refused: map[smpp.CommandStatus]int{}, answers: map[string]int{}, doing: map[operation]bool{},
		receipts: map[leg][]heard{}, gotMO: map[string][]heard{},
	}
}

// drive lets all sessions submit to the gateway at addr, and handsets send,
// until ctx ends or the run has had its share; it returns when all are gone.
func (l *load) drive(ctx context.Context, conf esme.Config, submit bool) {
	l.mu.Lock()
	l.run++
	l.offered, l.operations = 0, 0
	if !submit {
		l.offered, l.operations = loadPerRun, operationsRun
	}
	l.mu.Unlock()
	var wg sync.WaitGroup
	for range loadSessions {
		wg.Go(func() { l.session(ctx, conf) })
	}
	for range operators {
		wg.Go(func() { l.operate(ctx, conf) })
	}
	if submit {
		wg.Go(func() { l.handsets(ctx) })
	}
	wg.Wait()
}

// session binds, submits, and stays bound for what comes back.
func (l *load) session(ctx context.Context, conf esme.Config) {
	conf.OnDeliver = l.deliver
	conf.DeliverWorkers = 4
	s, err := esme.Dial(ctx, conf)
	if err != nil {
		return // it was killed before
	}
	defer s.Close(ctx) // says what the kill said already
	for {
		n, ok := l.take()
		if !ok {
			break
		}
		done := func(id string, _ smpp.CommandStatus, err error) { l.answered(n, id, err) }
		if n%4 == 0 {
			err = s.DataAsync(ctx, loadData(n), done)
		} else {
			err = s.SubmitAsync(ctx, loadMessage(n), done)
		}
		if err != nil {
			return
		}
	}
	select {
	case <-ctx.Done():
	case <-s.Ended():
	}
}

// take gives the number of a message that was never offered before.
func (l *load) take() (n int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.offered >= loadPerRun {
		return 0, false
	}
	l.offered++
	l.next++
	l.offers[l.next] = []string{loadTo(l.next)}
	return l.next, true
}

func loadMessage(n int) *smpp.SubmitSM {
	sm := &smpp.SubmitSM{
		Source:             smpp.Address{TON: 1, NPI: 1, Addr: "31600000000"},
		Dest:               smpp.Address{TON: 1, NPI: 1, Addr: strings.TrimPrefix(loadTo(n), "+")},
		RegisteredDelivery: 1,
	}
	text := loadText(n)
	var err error
	if sm.ShortMessage, err = smpp.EncodeText(smpp.CodingDefault, smpp.GSM0338, text); err != nil {
		sm.DataCoding = smpp.CodingUCS2
		sm.ShortMessage, _ = smpp.EncodeText(smpp.CodingUCS2, smpp.GSM0338, text) // all of it is in the BMP
	}
	if len(sm.ShortMessage) > 254 {
		sm.TLVs = sm.TLVs.Append(smpp.TagMessagePayload, sm.ShortMessage)
		sm.ShortMessage = nil
	}
	return sm
}

// loadData says the same by data_sm.
func loadData(n int) *smpp.DataSM {
	sm := loadMessage(n)
	d := &smpp.DataSM{Source: sm.Source, Dest: sm.Dest, RegisteredDelivery: 1, DataCoding: sm.DataCoding, TLVs: sm.TLVs}
	if !d.TLVs.Has(smpp.TagMessagePayload) {
		d.TLVs = d.TLVs.Append(smpp.TagMessagePayload, sm.ShortMessage)
	}
	return d
}

func loadTo(n int) string { return loadRecipients[n%len(loadRecipients)] }

func (l *load) answered(n int, id string, err error) {
	if err == nil {
		l.accept(id, n, []string{loadTo(n)})
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var refusal *esme.StatusError
	switch {
	case asError(err, &refusal):
		l.refused[refusal.Status]++
	default:
		l.unheard++
	}
}

// deliver takes receipts and MO messages.
func (l *load) deliver(d *smpp.DeliverSM) smpp.CommandStatus {
	octets := d.ShortMessage
	if payload, ok := d.TLVs.Get(smpp.TagMessagePayload); ok {
		octets = payload
	}
	text, err := smpp.DecodeText(d.DataCoding, smpp.GSM0338, octets)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r, bad := smpp.ParseReceipt(text, nil); {
	case err != nil || !utf8.ValidString(text):
		l.strange = append(l.strange, fmt.Sprintf("%q: %v", octets, err))
	case d.ESMClass&0x3C == 0x04 && bad == nil:
		to := leg{r.ID, "+" + d.Source.Addr}
		l.receipts[to] = append(l.receipts[to], heard{l.run, r.State.ReceiptWord()})
	case d.ESMClass&0x3C == 0:
		l.gotMO[text] = append(l.gotMO[text], heard{run: l.run})
	default:
		l.strange = append(l.strange, text)
	}
	return smpp.StatusOK
}

// progress is another number as long as something is delivered.
func (l *load) progress() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.receipts)
	for _, c := range l.bank.Network().Counts() {
		n += c.Times
	}
	return n
}

// handsets send to the SIMs, short and long.
func (l *load) handsets(ctx context.Context) {
	for range loadMOPerRun {
		l.mu.Lock()
		n := len(l.sentMO)
		text := fmt.Sprintf("answer %d", n)
		if n%3 == 0 {
			text += strings.Repeat(" и ещё", 20)
		}
		l.sentMO = append(l.sentMO, text)
		l.mu.Unlock()
		to := l.bank.Modem(n % len(l.bank.Paths())).Number()
		if err := l.bank.Network().Handset(loadTo(n)).Send(to, text); err != nil {
			l.t.Errorf("a handset cannot send: %v", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}
