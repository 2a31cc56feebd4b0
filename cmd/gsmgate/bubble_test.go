package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/modem"
	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// bubble is a gateway over simulated modems in memory, in a bubble of testing/synctest: days go by in seconds, and nothing is left to chance
// but what is random. What the API shows comes from the API.
type bubble struct {
	t    *testing.T
	bank *modemsim.Bank
	app  *App
	api  *client.Client
}

// inBubble runs f with a gateway over a bank of modems that are ready, and a user acme with +3162*.
func inBubble(t *testing.T, cfg modemsim.Config, o Options, f func(t *testing.T, w *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.InMemory = true
		bank, err := modemsim.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		w := &bubble{t: t, bank: bank}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- bank.Run(ctx) }()
		w.start(o)
		f(t, w)
		if err := w.app.Stop(); err != nil {
			t.Error(err)
		}
		cancel()
		<-ended
	})
}

// start starts the gateway without listeners, on a store that leaves syncing to the kernel.
func (w *bubble) start(o Options) {
	o.Dir, o.Modems, o.OpenModem, o.Version = w.t.TempDir(), w.bank.Paths(), w.open, "v-test"
	w.app = New(o)
	w.app.db = storagetest.OpenAt(w.t, filepath.Join(o.Dir, storeFile), storage.Options{NoSync: true})
	if err := w.app.db.PutUser(w.t.Context(), storage.User{SystemID: "acme", AddressRanges: []string{"+31655*"}, Enabled: true}, true); err != nil {
		w.t.Fatal(err)
	}
	for _, step := range []func() error{w.app.startRouter, w.app.startSMPP} {
		if err := step(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.api = client.Local(w.app.newAPI())
	if _, err := w.api.Credit(w.t.Context(), "acme", provisioning.NewCredit{Amount: provisioning.Amount{Millicredits: ptr(int64(1e12))}}); err != nil {
		w.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }

// open opens a simulated port as OpenSerial opens a real one.
func (w *bubble) open(_ context.Context, path string) (io.ReadWriteCloser, error) {
	p, err := w.bank.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &modem.PortAbsentError{Path: path}
	case errors.Is(err, modemsim.ErrInUse):
		return nil, &modem.PortBusyError{Path: path}
	}
	return p, err
}

// fault makes a modem fail, by lines of Modem.Command.
func (w *bubble) fault(i int, lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if err := w.bank.Modem(i).Command(line); err != nil {
			w.t.Fatal(err)
		}
	}
}

// after lets d go by, and all that follows of it be done.
func (w *bubble) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *bubble) send(to, text string) (id string) {
	w.t.Helper()
	id, err := w.api.Send(w.t.Context(), provisioning.NewMessage{User: "acme", To: to, Text: text})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *bubble) message(id string) provisioning.Message {
	w.t.Helper()
	m, err := w.api.Message(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

func (w *bubble) modem(i int) provisioning.Modem {
	w.t.Helper()
	all, err := w.api.Modems(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return all[i]
}

// incoming are the texts of all MO messages, the oldest first.
func (w *bubble) incoming() (texts []string) {
	w.t.Helper()
	all, err := w.api.Messages(w.t.Context(), provisioning.MessageFilter{Kind: "MO", Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	slices.Reverse(texts)
	return texts
}

// shown are the texts that a handset has whole.
func (w *bubble) shown(number string) (texts []string) {
	for _, r := range w.bank.Network().Handset(number).Inbox() {
		if r.Complete {
			texts = append(texts, r.Text)
		}
	}
	return texts
}

// timeline is for failures.
func timeline(m provisioning.Message) string {
	var b strings.Builder
	for _, e := range m.Events {
		fmt.Fprintf(&b, "\n  %s %s %s", e.At.Format("15:04:05.000"), e.What, e.Text)
	}
	return b.String()
}
