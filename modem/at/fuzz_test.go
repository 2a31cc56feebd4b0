package at

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// FuzzEngine lets a modem say anything at all while a message is handed over: the engine neither panics nor waits for ever, and its
// verdict is one of those that it promises.
func FuzzEngine(f *testing.F) {
	for _, seed := range []string{"\r\nOK\r\n", "\r\n> \r\n+CMGS: 1\r\n\r\nOK\r\n", "+CMT: ,24\r\n0791\r\nOK", ">>>>", "+CMS ERROR: 38\r",
		"+CMGS: 300\r\nOK\r\n", "RDY\r", "\xff\x00\x1a\x1b", "+CMEE: 1\r\nOK\r\n> +CMGS: 7\r\nOK\r\n", "AT+CMGS=23\r\n> ", "+CDS: 1\r\n+CDS: 2\r\n00\r\n", "+CUSD: 1,\"a\r\nOK\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, noise []byte) {
		synctest.Test(t, func(t *testing.T) { endure(t, noise) })
	})
}

// endure hands a message over to a modem that says the same again and again, and holds the engine to its times.
func endure(t *testing.T, noise []byte) {
	ours, theirs := net.Pipe()
	e := New(ours, Options{Queue: 4})
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- e.Run(ctx) }()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		for len(noise) > 0 {
			if _, err := theirs.Write(noise); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	from := time.Now()
	_, err := e.SendPDU(ctx, aSize, aPDU)
	var se *SendError
	if err != nil && !errors.As(err, &se) {
		t.Errorf("SendPDU gave %v", err)
	}
	_, _ = e.Do(ctx, Command{Text: "AT+CMGL=4", Accept: Prefix("+CMGL:"), Body: true})
	if took := time.Since(from); took > 3*time.Minute {
		t.Errorf("took %v", took)
	}
	cancel()
	if <-end == nil {
		t.Error("Run ended without a reason")
	}
	theirs.Close()
	<-quiet
	for range e.URCs() {
	}
}
