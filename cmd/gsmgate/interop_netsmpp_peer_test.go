//go:build interop

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// perlClient is Debian's Net::SMPP, in a perl process that speaks JSON lines.
// It has no TLS: it binds to a plain listener.
type perlClient struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	pdus  *pile[perlPDU] // all that it received
	in    *inbox         // of those, the deliver_sm
	ended chan struct{}

	mu      sync.Mutex
	seq     uint32
	waiting map[uint32]func(perlPDU)
}

// perlPDU is a PDU as Net::SMPP has decoded it.
type perlPDU struct {
	Event  string            `json:"event"`
	Name   string            `json:"pdu"`
	Status int               `json:"status"`
	Seq    uint32            `json:"seq"`
	Fields map[string]string `json:"fields"`
	Text   string            `json:"text"`
}

// perlRequest is one that the script shall send.
type perlRequest struct {
	Command string            `json:"command"`
	PDU     string            `json:"pdu"`
	Seq     uint32            `json:"seq"`
	Fields  map[string]any    `json:"fields"`
	Hex     map[string]string `json:"hex,omitempty"`
	Text    *string           `json:"text,omitempty"`
	Into    string            `json:"into,omitempty"` // short_message or message_payload; empty: as it fits
}

// fields of a request.
type fields = map[string]any

func connectPerl(t *testing.T, g *gateway) *perlClient {
	t.Helper()
	if err := exec.Command(debianProgram(t, "perl"), "-MNet::SMPP", "-e1").Run(); err != nil {
		t.Fatal("Net::SMPP is not installed: run make interop, which installs it from Debian")
	}
	c := &perlClient{
		t: t, cmd: exec.Command("perl", filepath.Join("testdata", "interop", "esme.pl")),
		pdus: newPile[perlPDU](), in: newInbox(), ended: make(chan struct{}), waiting: map[uint32]func(perlPDU){},
	}
	c.cmd.Stderr = os.Stderr
	var stdout io.Reader
	c.stdin, stdout = startPiped(t, c.cmd)
	go c.read(stdout)
	t.Cleanup(c.close)
	host, port, _ := net.SplitHostPort(g.smpp)
	c.tell(map[string]any{"command": "connect", "host": host, "port": port})
	c.event("connected")
	return c
}

func (c *perlClient) tell(command any) {
	line, err := json.Marshal(command)
	if err == nil {
		_, err = c.stdin.Write(append(line, '\n'))
	}
	if err != nil {
		c.t.Errorf("perl takes no command: %v", err)
	}
}

func (c *perlClient) read(stdout io.Reader) {
	defer close(c.ended)
	lines := bufio.NewScanner(stdout)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var p perlPDU
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			c.t.Errorf("perl says %s", lines.Text())
			continue
		}
		c.take(p)
	}
}

func (c *perlClient) take(p perlPDU) {
	c.mu.Lock()
	done := c.waiting[p.Seq]
	if p.Event != "pdu" || p.Name == "deliver_sm" || p.Name == "enquire_link" || p.Name == "unbind" {
		done = nil // a request of the server, which counts by itself
	} else {
		delete(c.waiting, p.Seq)
	}
	c.mu.Unlock()
	if done != nil {
		done(p)
	}
	if p.Name == "deliver_sm" {
		c.in.add(p.delivered())
	}
	c.pdus.add(p)
}

func (p perlPDU) delivered() delivered {
	number := func(name string) (n int) { n, _ = strconv.Atoi(p.Fields[name]); return n }
	d := delivered{
		ESMClass: number("esm_class"), Source: p.Fields["source_addr"], SourceTON: number("source_addr_ton"), Dest: p.Fields["destination_addr"],
		Text: p.Text,
	}
	var id string
	fmt.Sscanf(p.Fields["receipted_message_id"], "hex:%s", &id)
	d.Receipted = cString(id)
	fmt.Sscanf(p.Fields["message_state"], "hex:%x", &d.State)
	return d
}

// cString reads a TLV that ends in a NUL, in hexadecimal.
func cString(raw string) string {
	var octets []byte
	fmt.Sscanf(raw, "%x", &octets)
	if n := len(octets); n > 0 && octets[n-1] == 0 {
		octets = octets[:n-1]
	}
	return string(octets)
}

// event waits for one that is no PDU.
func (c *perlClient) event(name string) {
	c.t.Helper()
	if len(c.pdus.wait(1, patience, func(p perlPDU) bool { return p.Event == name })) == 0 {
		c.t.Fatalf("Net::SMPP is never %s", name)
	}
}

// later sends a request; done gets the response.
func (c *perlClient) later(r perlRequest, done func(perlPDU)) {
	c.mu.Lock()
	c.seq++
	r.Command, r.Seq = "request", c.seq
	c.waiting[r.Seq] = done
	c.mu.Unlock()
	if r.Fields == nil {
		r.Fields = fields{}
	}
	c.tell(r)
}

// ask sends a request and wants its own response with this status.
func (c *perlClient) ask(r perlRequest, status int) perlPDU {
	c.t.Helper()
	got := make(chan perlPDU, 1)
	c.later(r, func(p perlPDU) { got <- p })
	p := c.response(r, got)
	if p.Status != status {
		c.t.Errorf("%s %v %v: answered with %s 0x%X, want status 0x%X", r.PDU, r.Fields, r.Hex, p.Name, p.Status, status)
	}
	return p
}

// response waits for the request's own.
func (c *perlClient) response(r perlRequest, got <-chan perlPDU) perlPDU {
	c.t.Helper()
	select {
	case p := <-got:
		if p.Name != r.PDU+"_resp" {
			c.t.Errorf("%s %v: answered with %s 0x%X", r.PDU, r.Fields, p.Name, p.Status)
		}
		return p
	case <-c.ended:
		c.t.Fatalf("perl ended before the response to %s", r.PDU)
	case <-time.After(patience):
		c.t.Fatalf("no response to %s", r.PDU)
	}
	return perlPDU{}
}

func (c *perlClient) bind(kind, user, password string, status int) {
	c.t.Helper()
	c.ask(perlRequest{PDU: "bind_" + kind, Fields: fields{"system_id": user, "password": password}}, status)
}

// unbind ends the session; the server closes the connection after it.
func (c *perlClient) unbind() {
	c.t.Helper()
	c.ask(perlRequest{PDU: "unbind"}, 0)
	c.event("closed")
}

func (c *perlClient) close() {
	_ = c.stdin.Close()
	select {
	case <-c.ended:
	case <-time.After(patience):
		_ = c.cmd.Process.Kill()
		<-c.ended
	}
	_ = c.cmd.Wait() // it may have ended before
}

// message has what all our submits have.
func message(to string, more fields) fields {
	all := fields{"source_addr": "Interop", "source_addr_ton": 5, "destination_addr": to, "dest_addr_ton": 1, "dest_addr_npi": 1, "registered_delivery": 1}
	for name, value := range more {
		all[name] = value
	}
	return all
}

// submit knows two ways: as the text fits, or "payload".
func (c *perlClient) submit(way, to, text string) <-chan answer {
	done := make(chan answer, 1)
	r := perlRequest{PDU: "submit_sm", Fields: message(to, nil), Text: &text}
	if way == "payload" {
		r.Into = "message_payload"
	}
	c.later(r, func(p perlPDU) {
		if p.Status != 0 {
			done <- answer{err: fmt.Errorf("%s 0x%X", p.Name, p.Status)}
			return
		}
		done <- answer{ids: []string{p.Fields["message_id"]}}
	})
	return done
}
