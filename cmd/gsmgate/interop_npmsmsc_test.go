//go:build interop

package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/provisioning"
	"gsmgate/smppd"
)

// npmSMSC is a provider over npm's smpp, see smsc.js.
type npmSMSC struct {
	t     *testing.T
	dir   string // of its certificate
	port  int
	stdin io.WriteCloser
	came  *pile[npmSubmit]
}

// npmSubmit is something that the provider has to tell.
type npmSubmit struct {
	Event      string `json:"event"`
	Port       int    `json:"port"`
	Status     int    `json:"status"` // of the answer to what a handset wrote
	To         string `json:"to"`
	From       string `json:"from"`
	Text       string `json:"text"`
	UDH        string `json:"udh"`   // hexadecimal, without its length
	Total      int    `json:"total"` // of sar_*
	Number     int    `json:"number"`
	Registered int    `json:"registered"`
}

// place is where a segment stands, by its header or by sar_*.
func (s *npmSubmit) place() (number, total int) {
	if h, err := hex.DecodeString(s.UDH); err == nil && len(h) == 5 && h[0] == 0 && h[1] == 3 { // [23.040 9.2.3.24.1]
		return int(h[4]), int(h[3])
	}
	return max(1, s.Number), max(1, s.Total)
}

func startNpmSMSC(t *testing.T) *npmSMSC {
	t.Helper()
	s := &npmSMSC{t: t, dir: t.TempDir(), came: newPile[npmSubmit]()}
	if _, err := smppd.Certificate(s.dir, "", "", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	cmd := nodeCommand(t, "smsc.js")
	cmd.Args = append(cmd.Args, s.dir)
	var stdout io.Reader
	s.stdin, stdout = startPiped(t, cmd)
	ended := make(chan struct{})
	go func() { s.read(stdout); close(ended) }()
	t.Cleanup(func() {
		_ = s.stdin.Close()
		defer time.AfterFunc(patience, func() { _ = cmd.Process.Kill() }).Stop()
		<-ended
		_ = cmd.Wait()
	})
	for _, e := range s.came.wait(1, patience, func(e npmSubmit) bool { return e.Event == "listening" }) {
		s.port = e.Port
	}
	if s.port == 0 {
		t.Fatal("npm's smpp does not listen")
	}
	return s
}

func (s *npmSMSC) read(stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var e npmSubmit
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.Event == "error" {
			s.t.Errorf("node says %s", lines.Text())
			continue
		}
		s.came.add(e)
	}
}

// whole puts together what came for a recipient.
func (s *npmSMSC) whole(to string) (text string, segments int) {
	all := s.came.wait(1, patience, func(e npmSubmit) bool { return e.Event == "submit" && e.To == to })
	parts := map[int]string{}
	for _, e := range all {
		n, total := e.place()
		if parts[n] != "" || total != len(all) || e.Registered&1 == 0 {
			s.t.Errorf("to %s: segment %d of %d came among %d: %+v", to, n, total, len(all), e)
		}
		parts[n] = e.Text
	}
	for n := range len(all) {
		text += parts[n+1]
	}
	return text, len(all)
}

// TestInterop_NpmSmpp_Provider_EveryTextExact has npm's smpp for an SMSC: it gets each
// text in each form of long messages, and its receipts and what its handsets write
// come back. Its ids are hexadecimal in answers and decimal in receipts.
func TestInterop_NpmSmpp_Provider_EveryTextExact(t *testing.T) {
	peersDir(t)
	for _, form := range []string{"udh", "sar", "payload"} {
		t.Run(form, func(t *testing.T) {
			s, g := startNpmSMSC(t), newGateway(t)
			g.start()
			g.addUser("acme", "secret", 1_000_000, "+316555*")
			for _, args := range [][]string{
				{"channel", "add", "npm", "--kind", "smpp", "--address", fmt.Sprintf("127.0.0.1:%d", s.port), "--tls", "--ca", filepath.Join(s.dir, "tls-cert.pem"),
					"--system-id", "gate", "--password", "secret", "--long", form, "--window", "50"},
				{"route", "add", "--channel", "npm"},
			} {
				if out, err := g.command(args...); err != nil {
					t.Fatalf("gsmgate %v: %v\n%s", args, err, out)
				}
			}
			s.exchange(g, form)
			s.answers(g)
		})
	}
}

// exchange sends all alphabets in all lengths.
func (s *npmSMSC) exchange(g *gateway, form string) {
	s.t.Helper()
	texts, ids, n := map[string]string{}, map[string]string{}, 0
	for _, name := range slices.Sorted(maps.Keys(alphabets)) {
		for _, length := range lengths {
			n++
			to := fmt.Sprintf("3162%07d", n)
			texts[to] = textOf(alphabets[name], length)
			id, err := g.api.Send(s.t.Context(), provisioning.NewMessage{User: "acme", From: "+31655512345", To: "+" + to, Text: texts[to]})
			if err != nil {
				s.t.Fatal(err)
			}
			ids[to] = id
		}
	}
	for to, id := range ids {
		g.eventually("the message to "+to+" is delivered", func(ctx context.Context) error {
			m, err := g.api.Message(ctx, id)
			if err == nil && m.State != "DELIVERED" {
				err = fmt.Errorf("%s: %s, %v", m.State, m.Reason, m.Events)
			}
			return err
		})
		got, segments := s.whole(to)
		if want := leastSegments(texts[to]); got != texts[to] || form != "payload" && segments != want || form == "payload" && segments != 1 {
			s.t.Errorf("to %s: %d segments, %d are enough:\n%q, sent was\n%q", to, segments, want, got, texts[to])
		}
	}
	s.t.Logf("%d texts exact at the provider, with receipts", n)
}

// answers are what the provider's handsets write.
func (s *npmSMSC) answers(g *gateway) {
	s.t.Helper()
	for name, text := range answers() {
		if strings.HasPrefix(name, "long") {
			continue // short_message has no room
		}
		line, err := json.Marshal(map[string]string{"from": "31687654321", "to": "31655512345", "text": text})
		if err == nil {
			_, err = s.stdin.Write(append(line, '\n'))
		}
		if err != nil {
			s.t.Fatal(err)
		}
		g.eventually("the answer "+name+" is there", func(ctx context.Context) error {
			list, err := g.api.Messages(ctx, provisioning.MessageFilter{Kind: "MO", User: "acme"})
			if err != nil || slices.ContainsFunc(list, func(m provisioning.Message) bool { return m.Text == text && m.Source == "+31687654321" }) {
				return err
			}
			return fmt.Errorf("%d messages, none is %q", len(list), text)
		})
	}
	if wrong := s.came.wait(1, 0, func(e npmSubmit) bool { return e.Event == "delivered" && e.Status != 0 }); len(wrong) > 0 {
		s.t.Errorf("the gateway answered %+v", wrong)
	}
}
