package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"gsmgate/smppd/smpp"
)

// doorESME is an ESME that binds, answers what it is asked, and notes what it
// sees of the end.
type doorESME struct {
	conn    net.Conn
	status  smpp.CommandStatus // of bind_resp
	unbound chan struct{}      // closed when the SMSC's unbind has come
	ended   chan struct{}      // closed when the connection is over

	mu        sync.Mutex
	sequence  uint32
	answers   map[uint32]chan smpp.CommandStatus // of requests that are not answered
	messageID map[uint32]string
	farewell  uint32   // the last request before unbind_resp
	delivered []string // each deliver_sm, see deliveredLine
}

// dialDoor binds a transceiver over TLS, or without when config is nil. A
// refusal is no error, see status.
func dialDoor(addr string, config *tls.Config, user, password string) (*doorESME, error) {
	conn, err := net.DialTimeout("tcp", addr, 20*time.Second)
	if err != nil {
		return nil, err
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	e := &doorESME{conn: conn, unbound: make(chan struct{}), ended: make(chan struct{}), answers: map[uint32]chan smpp.CommandStatus{}, messageID: map[uint32]string{}}
	go e.read()
	select {
	case e.status = <-e.ask(&smpp.Bind{ID: smpp.IDBindTransceiver, SystemID: user, Password: password, InterfaceVersion: smpp.Version34}):
		return e, nil
	case <-e.ended:
		return nil, fmt.Errorf("the connection ended before bind_resp")
	case <-time.After(patience):
		conn.Close()
		return nil, fmt.Errorf("no bind_resp")
	}
}

func (e *doorESME) close() {
	e.conn.Close()
	<-e.ended
}

// ask sends a request. Its channel gets the status of the answer, if one comes.
func (e *doorESME) ask(p smpp.PDU) <-chan smpp.CommandStatus {
	answer := make(chan smpp.CommandStatus, 1)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sequence++
	e.answers[e.sequence] = answer
	e.send(e.sequence, p)
	return answer
}

func (e *doorESME) send(sequence uint32, p smpp.PDU) {
	if b, err := smpp.Append(nil, smpp.StatusOK, sequence, p); err == nil {
		_, _ = e.conn.Write(b) // an error is the end, which the reader sees
	}
}

func (e *doorESME) read() {
	defer close(e.ended)
	for r := smpp.NewReader(e.conn, 1<<20); ; {
		frame, err := r.ReadFrame()
		if err != nil {
			return
		}
		h, pdu, _ := smpp.Parse(frame)
		e.mu.Lock()
		if h.ID.IsResponse() {
			if resp, ok := pdu.(*smpp.SubmitSMResp); ok {
				e.messageID[h.Sequence] = resp.MessageID
			}
			if answer, ok := e.answers[h.Sequence]; ok {
				answer <- h.Status
				delete(e.answers, h.Sequence)
			}
		} else {
			if d, ok := pdu.(*smpp.DeliverSM); ok {
				e.delivered = append(e.delivered, deliveredLine(d))
			}
			e.farewell = e.sequence
			e.send(h.Sequence, smpp.ResponseTo(h.ID))
		}
		e.mu.Unlock()
		if h.ID == smpp.IDUnbind {
			close(e.unbound)
		}
	}
}

// deliveredLine is "ESM_CLASS SOURCE DESTINATION TEXT" of a deliver_sm.
func deliveredLine(d *smpp.DeliverSM) string {
	return fmt.Sprintf("0x%02x %s %s %s", uint8(d.ESMClass), d.Source.Addr, d.Dest.Addr, d.ShortMessage)
}

// doorKey is what a script's ESMEs are found by.
type doorKey struct{}

func addESMEs(e *testscript.Env) { e.Values[doorKey{}] = map[string]*doorESME{} }

// bind NAME PORT USER PASSWORD [STATUS]: an ESME binds on 127.0.0.1 and stays
// until it is told to unbind or the script ends. ESME_ROK is expected unless
// another status is given. tls:PORT binds over TLS, the certificate being that of
// $WORK/d.
func bind(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 || len(args) > 5 {
		ts.Fatalf("usage: bind NAME PORT USER PASSWORD [STATUS]")
	}
	want := smpp.StatusOK.String()
	if len(args) == 5 {
		want = args[4]
	}
	var config *tls.Config
	port, secure := strings.CutPrefix(args[1], "tls:")
	if secure {
		config = trusting(ts, "d/tls-cert.pem")
	}
	e, err := dialDoor("127.0.0.1:"+port, config, args[2], args[3])
	ts.Check(err)
	ts.Defer(e.close)
	if got := e.status.String(); got != want {
		ts.Fatalf("bind_resp has %s, want %s", got, want)
	}
	ts.Value(doorKey{}).(map[string]*doorESME)[args[0]] = e
}

func trusting(ts *testscript.TestScript, cert string) *tls.Config {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ts.ReadFile(cert))) {
		ts.Fatalf("%s has no certificate", cert)
	}
	return &tls.Config{RootCAs: roots, ServerName: "127.0.0.1"}
}

// unbound NAME: the gateway has sent unbind to the ESME and closed, or does so
// soon. ! unbound NAME: it is bound.
func unbound(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] unbound NAME")
	}
	e := ts.Value(doorKey{}).(map[string]*doorESME)[args[0]]
	if neg {
		select {
		case status := <-e.ask(&smpp.EnquireLink{}):
			if status != smpp.StatusOK {
				ts.Fatalf("enquire_link_resp has %s", status)
			}
		case <-e.ended:
			ts.Fatalf("it is not bound any more")
		}
		return
	}
	for _, c := range []chan struct{}{e.unbound, e.ended} {
		select {
		case <-c:
		case <-time.After(patience):
			ts.Fatalf("it is still bound")
		}
	}
}

// submit NAME NUMBER TEXT [STATUS]: the ESME submits and wants a receipt.
// ESME_ROK is expected unless another status is given.
func submit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 || len(args) > 4 {
		ts.Fatalf("usage: submit NAME NUMBER TEXT [STATUS]")
	}
	want := smpp.StatusOK.String()
	if len(args) == 4 {
		want = args[3]
	}
	e := ts.Value(doorKey{}).(map[string]*doorESME)[args[0]]
	select {
	case status := <-e.ask(&smpp.SubmitSM{Dest: smpp.Address{TON: 1, NPI: 1, Addr: args[1]}, RegisteredDelivery: 1, ShortMessage: []byte(args[2])}):
		if status.String() != want {
			ts.Fatalf("submit_sm_resp has %s, want %s", status, want)
		}
	case <-e.ended:
		ts.Fatalf("it is not bound any more")
	}
}

// gets NAME REGEXP…: the ESME has got, before half a minute is over, exactly
// these deliver_sm in this order, each as "ESM_CLASS SOURCE DESTINATION TEXT".
func gets(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: gets NAME REGEXP…")
	}
	e := ts.Value(doorKey{}).(map[string]*doorESME)[args[0]]
	var got []string
	for deadline := time.Now().Add(30 * time.Second); len(got) < len(args)-1 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		e.mu.Lock()
		got = slices.Clone(e.delivered)
		e.mu.Unlock()
	}
	if !slices.EqualFunc(got, args[1:], func(line, want string) bool { return regexp.MustCompile(want).MatchString(line) }) {
		ts.Fatalf("the ESME got %q", got)
	}
}

// hangup NAME: the ESME closes its connection, bound or not.
func hangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hangup NAME")
	}
	ts.Value(doorKey{}).(map[string]*doorESME)[args[0]].close()
}
