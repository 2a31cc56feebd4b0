package esmechan

import (
	"context"
	"net"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"gsmgate/router/routertest"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// post is a gateway with one provider, and an SMSC that plays the provider.
type post struct {
	*routertest.House
	ch   *Channel
	smsc *smppsim.SMSC

	mu   sync.Mutex
	seen []*smpp.SubmitSM
	stop func()
}

// newPost has user acme, see routertest.House, and a provider at a port of this
// machine.
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
	p := &post{House: routertest.New(t, db)}
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
	p.R.Add(p.ch)
	p.smsc = smppsim.NewSMSC(conf)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.smsc.Serve(ctx, l) })
	stopRouter := routertest.Run(t, p.R)
	p.stop = sync.OnceFunc(func() { stopRouter(); cancel(); running.Wait() })
	t.Cleanup(p.stop)
	return p
}

// submits are those that the provider saw.
func (p *post) submits() []*smpp.SubmitSM {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]*smpp.SubmitSM(nil), p.seen...)
}

// incoming are the MO messages that are stored, oldest first.
func (p *post) incoming() []*storage.Message {
	p.T.Helper()
	all, err := p.R.Messages(storage.Filter{Kind: storage.MO})
	if err != nil {
		p.T.Fatal(err)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

func faultsOf(t testing.TB, lines ...string) []smppsim.Fault {
	t.Helper()
	all, err := smppsim.ParseFaults(lines...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
