//go:build interop

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/linxGnu/gosmpp"
	"github.com/linxGnu/gosmpp/data"
	"github.com/linxGnu/gosmpp/pdu"
)

// peersDir is where make interop has installed what npm has.
func peersDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("GSMGATE_PEERS")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "smpp")); dir == "" || err != nil {
		t.Fatal("the peers are not installed: run make interop, which installs them")
	}
	return dir
}

// nodeCommand runs one of the scripts with the installed packages.
func nodeCommand(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("node", filepath.Join("testdata", "interop", script))
	cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(peersDir(t), "node_modules"))
	cmd.Stderr = os.Stderr
	return cmd
}

// startPiped starts a program that is told what to do, and tells what happens, by lines.
func startPiped(t *testing.T, cmd *exec.Cmd) (stdin io.WriteCloser, stdout io.Reader) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err == nil {
		stdout, err = cmd.StdoutPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start %s: %v", cmd.Args[0], err)
	}
	return stdin, stdout
}

// delivered is a deliver_sm as a client's library shows it.
type delivered struct {
	ESMClass  int    `json:"esm_class"`
	Source    string `json:"source"`
	SourceTON int    `json:"source_ton"`
	Dest      string `json:"dest"`
	Text      string `json:"text"`
	Receipted string `json:"receipted"` // receipted_message_id
	State     int    `json:"state"`     // message_state
}

// answer ends a submit: the message_id of each submit_sm that it took.
type answer struct {
	ids []string
	err error
}

// peer is an ESME that we did not write, bound as a transceiver.
type peer interface {
	// submit hands over a text in one of the client's ways; the answer comes
	// when all its submit_sm are answered.
	submit(way, to, text string) <-chan answer
	close()
}

// inbox is what was delivered to a client.
type inbox = pile[delivered]

func newInbox() *inbox { return newPile[delivered]() }

// pile keeps what comes from a peer until a test has looked at it.
type pile[T any] struct {
	mu      sync.Mutex
	got     []T
	changed chan struct{}
}

func newPile[T any]() *pile[T] { return &pile[T]{changed: make(chan struct{})} }

func (b *pile[T]) add(d T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, d)
	close(b.changed)
	b.changed = make(chan struct{})
}

// wait returns the first n of those that match, or what came in time.
func (b *pile[T]) wait(n int, patience time.Duration, match func(T) bool) []T {
	late := time.After(patience)
	for {
		b.mu.Lock()
		var found []T
		for _, d := range b.got {
			if match(d) {
				found = append(found, d)
			}
		}
		changed := b.changed
		b.mu.Unlock()
		if len(found) >= n {
			return found
		}
		select {
		case <-changed:
		case <-late:
			return found
		}
	}
}

// gosmppClient is linxGnu/gosmpp. Its request window loses responses, so it is
// left out: responses are matched here.
type gosmppClient struct {
	t       *testing.T
	session *gosmpp.Session
	in      *inbox

	mu      sync.Mutex
	waiting map[int32]func(*pdu.SubmitSMResp)
}

func bindGosmpp(t *testing.T, g *gateway, user, password string) (*gosmppClient, *inbox) {
	t.Helper()
	c := &gosmppClient{t: t, in: newInbox(), waiting: map[int32]func(*pdu.SubmitSMResp){}}
	conf := g.tlsConfig()
	dial := func(addr string) (net.Conn, error) { return tls.Dial("tcp", addr, conf) }
	session, err := gosmpp.NewSession(
		gosmpp.TRXConnector(dial, gosmpp.Auth{SMSC: g.smpps, SystemID: user, Password: password}),
		gosmpp.Settings{
			EnquireLink: 5 * time.Second, ReadTimeout: time.Minute,
			OnPDU:         c.take,
			OnSubmitError: func(_ pdu.PDU, err error) { t.Errorf("gosmpp cannot send: %v", err) },
			OnReceivingError: func(err error) {
				if g.run != nil && t.Context().Err() == nil {
					t.Logf("gosmpp receives no more: %v", err)
				}
			},
		}, 0)
	if err != nil {
		t.Fatalf("gosmpp cannot bind: %v", err)
	}
	c.session = session
	t.Cleanup(c.close)
	return c, c.in
}

func (c *gosmppClient) close() { _ = c.session.Close() }

func (c *gosmppClient) take(p pdu.PDU, _ bool) {
	switch p := p.(type) {
	case *pdu.SubmitSMResp:
		c.mu.Lock()
		done := c.waiting[p.SequenceNumber]
		delete(c.waiting, p.SequenceNumber)
		c.mu.Unlock()
		if done != nil {
			done(p)
		}
	case *pdu.DeliverSM:
		text, err := gosmppText(p)
		if err != nil {
			c.t.Errorf("gosmpp cannot read a deliver_sm: %v", err)
		}
		d := delivered{ESMClass: int(p.EsmClass), Source: p.SourceAddr.Address(), SourceTON: int(p.SourceAddr.Ton()), Dest: p.DestAddr.Address(), Text: text}
		if id, ok := p.OptionalParameters[pdu.TagReceiptedMessageID]; ok {
			d.Receipted = id.String()
		}
		if state, ok := p.OptionalParameters[pdu.TagMessageStateOption]; ok && len(state.Data) == 1 {
			d.State = int(state.Data[0])
		}
		c.in.add(d)
	}
}

func gosmppText(p *pdu.DeliverSM) (string, error) {
	payload, ok := p.OptionalParameters[pdu.TagMessagePayload]
	if !ok {
		return p.Message.GetMessage()
	}
	enc := p.Message.Encoding()
	if enc == nil {
		return "", fmt.Errorf("a data_coding that it does not know")
	}
	return enc.Decode(payload.Data)
}

// coding is GSM 7 bit where that holds the text. (The library's FindEncoding
// takes all of ASCII for GSM, which lacks the backtick.)
func coding(text string) data.Encoding {
	if len(data.ValidateGSM7String(text)) == 0 {
		return data.GSM7BIT
	}
	return data.UCS2
}

func (c *gosmppClient) submit(way, to, text string) <-chan answer {
	done := make(chan answer, 1)
	messages, err := gosmppMessages(way, text)
	if err != nil {
		done <- answer{err: err}
		return done
	}
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		m.SourceAddr.SetTon(5)
		_ = m.SourceAddr.SetAddress("Interop") // shorter than its limit
		m.DestAddr.SetTon(1)
		m.DestAddr.SetNpi(1)
		_ = m.DestAddr.SetAddress(to)
		m.RegisteredDelivery = 1
		c.mu.Lock()
		c.waiting[m.SequenceNumber] = func(r *pdu.SubmitSMResp) {
			if r.CommandStatus != data.ESME_ROK {
				err = fmt.Errorf("submit_sm_resp %s", r.CommandStatus)
			}
			if ids = append(ids, r.MessageID); len(ids) == len(messages) {
				done <- answer{ids, err}
			}
		}
		c.mu.Unlock()
		if err := c.session.Transceiver().Submit(m); err != nil {
			done <- answer{err: err}
			break
		}
	}
	return done
}

// gosmppMessages makes the submit_sm of a text. Its long messages are cut by
// characters, 134 or 67 each: with characters that take two septets or two
// UTF-16 units they do not fit a segment, so "split" is for others.
func gosmppMessages(way, text string) ([]*pdu.SubmitSM, error) {
	enc := coding(text)
	first := pdu.NewSubmitSM().(*pdu.SubmitSM)
	switch octets, err := enc.Encode(text); {
	case err != nil:
		return nil, err
	case way == "split":
		return gosmppSplit(text, enc)
	case way == "payload" || len(octets) > 254:
		first.Message, err = pdu.NewShortMessageWithEncoding("", enc)
		first.RegisterOptionalParam(pdu.Field{Tag: pdu.TagMessagePayload, Data: octets})
		return []*pdu.SubmitSM{first}, err
	default:
		first.Message, err = pdu.NewShortMessageWithEncoding(text, enc)
		return []*pdu.SubmitSM{first}, err
	}
}

func gosmppSplit(text string, enc data.Encoding) ([]*pdu.SubmitSM, error) {
	parts, err := pdu.NewLongMessageWithEncoding(text, enc)
	var all []*pdu.SubmitSM
	for _, part := range parts {
		m := pdu.NewSubmitSM().(*pdu.SubmitSM)
		m.Message = *part
		if len(parts) > 1 {
			m.EsmClass = data.SM_UDH_GSM
		}
		all = append(all, m)
	}
	return all, err
}

// npmClient is npm's smpp, in a node process that speaks JSON lines.
type npmClient struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	in    *inbox
	bound chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	n       int
	waiting map[int]chan<- answer
}

type npmEvent struct {
	Event  string   `json:"event"`
	N      int      `json:"n"`
	Status int      `json:"status"`
	IDs    []string `json:"ids"`
	TLS    string   `json:"tls"`
	delivered
}

func bindNpm(t *testing.T, g *gateway, user, password string) (*npmClient, *inbox) {
	t.Helper()
	c := &npmClient{
		t: t, cmd: nodeCommand(t, "esme.js"), in: newInbox(),
		bound: make(chan struct{}), ended: make(chan struct{}), waiting: map[int]chan<- answer{},
	}
	var stdout io.Reader
	c.stdin, stdout = startPiped(t, c.cmd)
	go c.read(stdout)
	t.Cleanup(c.close)
	host, port, _ := net.SplitHostPort(g.smpps)
	c.tell(map[string]any{"command": "bind", "host": host, "port": port, "ca": g.certificate(), "system_id": user, "password": password})
	select {
	case <-c.bound:
	case <-c.ended:
		t.Fatal("npm's smpp ended before it was bound")
	case <-time.After(patience):
		t.Fatal("npm's smpp cannot bind")
	}
	return c, c.in
}

func (c *npmClient) tell(command map[string]any) {
	line, err := json.Marshal(command)
	if err == nil {
		_, err = c.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		c.t.Errorf("node takes no command: %v", err)
	}
}

func (c *npmClient) read(stdout io.Reader) {
	defer close(c.ended)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e npmEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			c.t.Errorf("node says %s", lines.Text())
			continue
		}
		c.event(e)
	}
}

func (c *npmClient) event(e npmEvent) {
	switch e.Event {
	case "bound":
		if e.Status == 0 && strings.HasPrefix(e.TLS, "TLSv1.") {
			close(c.bound)
		} else {
			c.t.Errorf("npm's smpp was refused, or bound without TLS: %+v", e)
		}
	case "answered":
		var err error
		if e.Status != 0 {
			err = fmt.Errorf("submit_sm_resp with command_status %d", e.Status)
		}
		c.mu.Lock()
		done := c.waiting[e.N]
		delete(c.waiting, e.N)
		c.mu.Unlock()
		done <- answer{e.IDs, err}
	case "deliver":
		c.in.add(e.delivered)
	case "error":
		c.t.Errorf("npm's smpp: %s", e.Text)
	}
}

// submit knows the ways of esme.js; "ucs2" is its "string" with data_coding 8.
func (c *npmClient) submit(way, to, text string) <-chan answer {
	done := make(chan answer, 1)
	c.mu.Lock()
	c.n++
	n := c.n
	c.waiting[n] = done
	c.mu.Unlock()
	coding := -1
	if way == "ucs2" {
		way, coding = "string", 8
	}
	c.tell(map[string]any{"command": "submit", "n": n, "way": way, "to": to, "text": text, "coding": coding})
	return done
}

// close unbinds and waits for the end of node.
func (c *npmClient) close() {
	select {
	case <-c.ended:
	default:
		c.tell(map[string]any{"command": "unbind"})
		_ = c.stdin.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = c.cmd.Process.Kill() })()
	<-c.ended
	_ = c.cmd.Wait() // it may have ended before
}
