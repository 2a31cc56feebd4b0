package main

import (
	"fmt"
	"sync"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/smppd/smpp"
)

// SIGTERM with clients bound and their windows full: each client hears unbind,
// each submit_sm that it sent before its unbind_resp is answered, and what was
// answered with a message_id is on disk.
func TestServe_SIGTERM_WindowsDrainedAndClientsUnbound(t *testing.T) {
	g := newGateway(t, "--smpp-window", "20")
	g.start()
	g.addUser("acme", "secret", 1e6)
	var clients []*doorESME
	for range 5 {
		e, err := dialDoor(g.smpps, g.tlsConfig(), "acme", "secret")
		if err != nil || e.status != smpp.StatusOK {
			t.Fatalf("bind: %v", err)
		}
		t.Cleanup(e.close)
		clients = append(clients, e)
	}
	var busy sync.WaitGroup
	warm := make(chan struct{}, len(clients))
	for i, e := range clients {
		busy.Go(func() { e.submitUntilUnbound(i, warm) })
	}
	for range clients {
		<-warm
	}
	g.stop()
	busy.Wait()
	accepted := 0
	var ids []string
	for i, e := range clients {
		<-e.ended
		if !isDone(e.unbound) {
			t.Errorf("client %d heard no unbind", i)
		}
		e.mu.Lock()
		for sequence := range e.answers {
			if sequence <= e.farewell {
				t.Errorf("client %d: request %d, sent before unbind_resp, was not answered", i, sequence)
			}
		}
		for _, id := range e.messageID {
			if id != "" {
				accepted++
				ids = append(ids, id)
			}
		}
		e.mu.Unlock()
	}
	g.start()
	for _, id := range ids {
		if _, err := g.api.Message(t.Context(), id); err != nil {
			t.Errorf("message %s was accepted and is not there: %v", id, err)
		}
	}
	if accepted < 5*minAccepted {
		t.Errorf("only %d messages were accepted", accepted)
	}
	g.verify()
}

// minAccepted is how many messages each client has through before the stop.
const minAccepted = 50

// submitUntilUnbound keeps 100 submit_sm outstanding, more than the window.
func (e *doorESME) submitUntilUnbound(number int, warm chan<- struct{}) {
	outstanding := make(chan struct{}, 100)
	var answers sync.WaitGroup
	defer answers.Wait()
	for n := 0; ; n++ {
		if n == minAccepted+cap(outstanding) {
			warm <- struct{}{}
		}
		select {
		case <-e.unbound:
			return
		case <-e.ended:
			return
		case outstanding <- struct{}{}:
		}
		answer := e.ask(&smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("3161%07d", number*1_000_000+n)}, ShortMessage: []byte("Hi")})
		answers.Go(func() {
			select {
			case <-answer:
			case <-e.ended:
			}
			<-outstanding
		})
	}
}

func isDone(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// A session that was closed by the operator drains in the same way.
func TestSessionClose_WindowDrained(t *testing.T) {
	app := startApp(t, Options{}, "smpp://127.0.0.1:0")
	if _, err := app.Router().AddUser(t.Context(), rich("acme")); err != nil {
		t.Fatal(err)
	}
	e, err := dialDoor(address(app, 0), nil, "acme", "secret")
	if err != nil || e.status != smpp.StatusOK {
		t.Fatalf("bind: %v", err)
	}
	defer e.close()
	warm := make(chan struct{}, 1)
	var busy sync.WaitGroup
	busy.Go(func() { e.submitUntilUnbound(0, warm) })
	<-warm
	sessions := app.sessions()
	if len(sessions) != 1 || !app.closeSession(sessions[0].ID) || app.closeSession("nothing") {
		t.Fatalf("%+v", sessions)
	}
	busy.Wait()
	<-e.ended
	if !isDone(e.unbound) {
		t.Error("no unbind")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for sequence := range e.answers {
		if sequence <= e.farewell {
			t.Errorf("request %d was not answered", sequence)
		}
	}
	if s := sessions[0]; s.User != "acme" || s.Version != "3.4" || s.Bind != "transceiver" || s.LastSeen.IsZero() {
		t.Errorf("%+v", provisioning.Session(s))
	}
}
