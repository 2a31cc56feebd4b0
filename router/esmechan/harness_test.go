package esmechan

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/router"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a gateway with one provider: store, router, the channel, and an SMSC
// that plays the provider.
type post struct {
	t    *testing.T
	db   *storage.DB
	r    *router.Router
	ch   *Channel
	smsc *smppsim.SMSC

	mu   sync.Mutex
	seen []*smpp.SubmitSM
	stop func()
}

// newPost has user acme, of 100 credits, who owns +3161*, and a provider at a port
// of this machine.
func newPost(t *testing.T, conf smppsim.SMSCConfig, change func(*storage.SMPPChannel)) *post {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return postOver(t, storagetest.Open(t), l, nil, conf, change)
}

// dialer makes a connection to the provider; nil: over TCP.
type dialer func(ctx context.Context, network, address string) (net.Conn, error)

func postOver(t *testing.T, db *storage.DB, l net.Listener, dial dialer, conf smppsim.SMSCConfig, change func(*storage.SMPPChannel)) *post {
	t.Helper()
	p := &post{t: t, db: db}
	p.r = router.New(p.db, router.Options{})
	if _, err := p.r.AddUser(t.Context(), router.UserSpec{SystemID: "acme", Password: "secret", Credits: 100 * storage.Credit, AddressRanges: []string{"+3161*"}}); err != nil {
		t.Fatal(err)
	}
	answer := conf.OnSubmit
	conf.OnSubmit = func(user string, sm *smpp.SubmitSM) smpp.CommandStatus {
		p.mu.Lock()
		p.seen = append(p.seen, sm)
		p.mu.Unlock()
		if answer == nil {
			return smpp.StatusOK
		}
		return answer(user, sm)
	}
	rec := storage.SMPPChannel{Address: l.Addr().String(), SystemID: "gate", Password: "secret"}
	if change != nil {
		change(&rec)
	}
	var err error
	if p.ch, err = New(Config{Record: storage.Channel{Name: "up", Kind: "smpp", SMPP: &rec}}); err != nil {
		t.Fatal(err)
	}
	p.ch.esme.DialContext = dial
	p.r.Add(p.ch)
	p.smsc = smppsim.NewSMSC(conf)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.smsc.Serve(ctx, l) })
	own, stopRouter := context.WithCancel(ctx)
	ended := make(chan struct{})
	running.Go(func() { _ = p.r.Run(own); close(ended) })
	p.stop = sync.OnceFunc(func() { stopRouter(); <-ended; cancel(); running.Wait() })
	t.Cleanup(p.stop)
	return p
}

// submit takes a text of acme to that number.
func (p *post) submit(to, text string, change ...func(*storage.Message)) storage.ID {
	p.t.Helper()
	m := &storage.Message{Kind: storage.MT, User: "acme", Text: text, RegisteredDelivery: 1,
		Source: storage.Address{TON: 5, Addr: "Acme"}, Dest: storage.Address{TON: 1, NPI: 1, Addr: to}}
	for _, f := range change {
		f(m)
	}
	id, err := p.r.SubmitSync(p.t.Context(), m)
	if err != nil {
		p.t.Fatal(err)
	}
	return id
}

// patience is for what takes no time, on a machine with much else to do.
const patience = 20 * time.Second

// until waits for something, and says what was missed.
func (p *post) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	p.t.Fatalf("never: %s", what)
}

// ends waits for the final state of a message.
func (p *post) ends(id storage.ID, want storage.State) *storage.Message {
	p.t.Helper()
	var m *storage.Message
	p.until(fmt.Sprintf("%s in state %s", id, router.StateWord(want)), func() bool {
		var err error
		if m, err = p.r.Message(id); err != nil {
			p.t.Fatal(err)
		}
		return m.State == want && (m.EndedAt != 0) == (want.Final() && want != storage.Unknown)
	})
	p.published()
	return m
}

// published returns when balances are those of what is on disk: they are shown a
// moment after their commit.
func (p *post) published() {
	nothing := errors.New("nothing is changed")
	_, err := p.db.ChangeSync(p.t.Context(), storage.FirstID, func(*storage.Message, storage.Time) ([]*storage.Message, error) { return nil, nothing })
	if !errors.Is(err, nothing) {
		p.t.Fatal(err)
	}
}

// submits are those that the provider saw.
func (p *post) submits() []*smpp.SubmitSM {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*smpp.SubmitSM(nil), p.seen...)
}

// balance is what acme has, in credits.
func (p *post) balance() storage.Balance {
	p.t.Helper()
	b, err := p.db.Balance("acme")
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

// incoming are the MO messages that are stored, oldest first.
func (p *post) incoming() []*storage.Message {
	p.t.Helper()
	all, err := p.r.Messages(storage.Filter{Kind: storage.MO})
	if err != nil {
		p.t.Fatal(err)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func faultsOf(t *testing.T, lines ...string) []smppsim.Fault {
	t.Helper()
	all, err := smppsim.ParseFaults(lines...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
