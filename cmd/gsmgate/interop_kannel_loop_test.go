//go:build interop

package main

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"gsmgate/provisioning"
)

// Kannel is a client of the gateway and its provider at once: what acme sends leaves
// by HTTP to Kannel's smsbox, comes in again over SMPP from its bearerbox, and goes
// to a loopback channel, whose report walks the same way back.
func TestInterop_Kannel_ClientAndProviderAtOnce(t *testing.T) {
	calls := strconv.Itoa(freePort(t))
	g := newGateway(t, "--provider-listen", "http://127.0.0.1:"+calls, "--provider-url", "http://127.0.0.1:"+calls)
	g.start()
	g.addUser("acme", "secret", 100, "+31611*")
	g.addUser("kannel", "secret", 100)
	k := bindKannel(t, g, "kannel", "secret", []string{kannelTRX})
	for _, args := range [][]string{
		{"channel", "add", "lab", "--kind", "loopback", "--set", "report-delay=100ms"},
		{"channel", "add", "kn", "--kind", "http", "--preset", "kannel", "--set", "base=" + k.base(), "--set", "user=test", "--set", "password=test"},
		{"route", "add", "--user", "kannel", "--channel", "lab"},
		{"route", "add", "--user", "acme", "--channel", "kn"},
	} {
		if out, err := g.command(args...); err != nil {
			t.Fatalf("gsmgate %v: %v\n%s", args, err, out)
		}
	}
	const long, nobody = "31622000003", "31622990010"
	texts := map[string]string{"31622000001": "Hello", "31622000002": "Grüße € und 你好", long: textOf(alphabets["Chinese"], 150), nobody: "nobody is there"}
	ids := map[string]string{}
	for to, text := range texts {
		id, err := g.api.Send(t.Context(), provisioning.NewMessage{User: "acme", From: "+31611111111", To: "+" + to, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		ids[to] = id
	}
	for to, id := range ids {
		want := "DELIVERED"
		if to == nobody {
			want = "UNDELIVERABLE"
		}
		g.eventually("the message to "+to+" is "+want, func(ctx context.Context) error {
			m, err := g.api.Message(ctx, id)
			if err == nil && m.State != want {
				err = fmt.Errorf("%s: %s, %v", m.State, m.Reason, m.Events)
			}
			return err
		})
	}
	came, err := g.api.Messages(t.Context(), provisioning.MessageFilter{User: "kannel", Kind: "MT"})
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]int{}
	for _, m := range came {
		to := m.Dest[1:]
		if parts[to]++; to != long && m.Text != texts[to] {
			t.Errorf("%q came back to %s, sent was %q", m.Text, to, texts[to])
		}
	}
	for to := range texts {
		if want := map[bool]int{false: 1, true: 3}[to == long]; parts[to] != want { // Kannel cuts the long one
			t.Errorf("%d messages came back to %s, want %d", parts[to], to, want)
		}
	}
}
