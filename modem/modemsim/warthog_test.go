package modemsim

import (
	"testing"
	"time"

	"github.com/warthog618/modem/at"
	"github.com/warthog618/modem/gsm"
)

// theirModem is an AT client that we did not write on a modem of the bank.
func theirModem(t *testing.T, b *Bank, i int, options ...gsm.Option) *gsm.GSM {
	t.Helper()
	c := dialModem(t, b.Paths()[i])
	a := at.New(c.f, at.WithTimeout(generous))
	t.Cleanup(func() { // its reader ends with the port
		c.f.Close()
		<-a.Closed()
	})
	g := gsm.New(a, options...)
	if err := g.Init(); err != nil {
		t.Fatalf("Init: %v", err)
	}
	return g
}

// TestTheirClient_Sends: warthog618/modem brings the modem up and sends in text mode.
func TestTheirClient_Sends(t *testing.T) {
	b := startBank(t, Config{Latency: 5 * time.Millisecond})
	g := theirModem(t, b, 0, gsm.WithTextMode)
	if _, err := g.SendShortMessage("+31612345678", "Hello {there}"); err != nil {
		t.Fatal(err)
	}
	if in := waitInbox(t, b, "+31612345678", 1); in[0].Text != "Hello {there}" {
		t.Errorf("got %+v", in)
	}
}

// TestTheirClient_SendsLong: in PDU mode, with texts that need all alphabets and several segments.
func TestTheirClient_SendsLong(t *testing.T) {
	b := startBank(t, Config{Latency: 5 * time.Millisecond})
	g := theirModem(t, b, 0)
	texts := []string{"short", "€[]{}~ @£ é", "Жизнь 中文 😀", longText(300, "abcdefghi€"), longText(200, "中文字😀")}
	for i, text := range texts {
		if _, err := g.SendLongMessage("+31612345678", text); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		in := waitInbox(t, b, "+31612345678", i+1)
		if got := in[len(in)-1]; got.Text != text || !got.Complete {
			t.Errorf("%d: got %q, want %q", i, got.Text, text)
		}
	}
}

// TestTheirClient_Receives: +CMT with acknowledgement, in several segments and out of order.
func TestTheirClient_Receives(t *testing.T) {
	b := startBank(t, Config{})
	g := theirModem(t, b, 0)
	got := make(chan gsm.Message, 10)
	if err := g.StartMessageRx(func(m gsm.Message) { got <- m }, func(err error) { t.Error(err) }); err != nil {
		t.Fatal(err)
	}
	h := b.Network().Handset("+31612345678")
	for _, m := range []struct {
		text  string
		order []int
	}{{"Hi", nil}, {longText(250, "abc€"), []int{3, 1, 2}}, {longText(150, "中😀"), nil}} {
		if err := h.SendWith(b.Modem(0).Number(), m.text, SendOptions{Order: m.order}); err != nil {
			t.Fatal(err)
		}
		select {
		case r := <-got:
			if r.Message != m.text || r.Number != "+31612345678" {
				t.Errorf("got %q from %s, want %q", r.Message, r.Number, m.text)
			}
		case <-time.After(generous):
			t.Fatalf("nothing came; transcript %q", b.Modem(0).Transcript())
		}
	}
}

// longText repeats a pattern to n characters.
func longText(n int, pattern string) string {
	var out []rune
	for len(out) < n {
		out = append(out, []rune(pattern)...)
	}
	return string(out[:n])
}
