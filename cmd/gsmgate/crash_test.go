package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/smppd/esme"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// number reads an environment variable.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	word := os.Getenv(name)
	if word == "" {
		return otherwise
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s is no number", name, word)
	}
	return n
}

// TestCrash_KilledUnderLoad_NothingLostNothingTwice kills the gateway
// GSMGATE_CRASHES times (5; make crash: 50) at random moments and holds what
// clients and handsets saw against the file. GSMGATE_SEED repeats the moments.
func TestCrash_KilledUnderLoad_NothingLostNothingTwice(t *testing.T) {
	kills, seed := number(t, "GSMGATE_CRASHES", 5), number(t, "GSMGATE_SEED", int(time.Now().Unix()))
	t.Logf("GSMGATE_CRASHES=%d GSMGATE_SEED=%d", kills, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 1))
	bank := simulate(t, modemsim.Config{
		Count: 6, Latency: 5 * time.Millisecond, DeliveryDelay: 2 * time.Millisecond, ReportDelay: 10 * time.Millisecond,
		RetryInterval: 100 * time.Millisecond,
	})
	showTranscripts(t, bank)
	g := newGateway(t, append(modemArgs(bank), "--log", "warn")...)
	l := newLoad(t, bank)
	g.start()
	g.addUser(loadUser, loadPassword, 1_000_000, "+316555*")
	for range kills {
		crash(t, g, l, random)
	}
	settle(t, g, l)
	l.release()
	settle(t, g, l)
	g.stop()
	g.verify()
	holdAgainst(t, g, l).check()
}

// crash loads the running gateway, kills it at a random moment, checks the
// file, and starts it again; now and then it is killed while it starts, too.
func crash(t *testing.T, g *gateway, l *load, random *rand.Rand) {
	t.Helper()
	under, gone := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.drive(under, loadConfig(g), true)
	}()
	// From before the modems are ready until after the queue has run dry.
	time.Sleep(time.Duration(random.Int64N(int64(2500 * time.Millisecond))))
	g.kill()
	gone()
	<-done
	g.verify()
	if random.IntN(4) == 0 {
		g.launch()
		time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		g.kill()
		g.verify()
	}
	g.start()
}

func loadConfig(g *gateway) esme.Config {
	return esme.Config{Address: g.smpps, TLS: g.tlsConfig(), SystemID: loadUser, Password: loadPassword, Window: loadWindow}
}

// settle lets the gateway run, with its clients bound, until nothing is left
// to do: what is not ended is UNKNOWN, and no report changes that any more.
func settle(t *testing.T, g *gateway, l *load) {
	t.Helper()
	ctx, gone := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.drive(ctx, loadConfig(g), false)
	}()
	defer func() { gone(); <-done }()
	g.eventuallyWhile(l.outstanding, "all operations are done", func(context.Context) error {
		if n := l.outstanding(); n > 0 {
			return fmt.Errorf("%d are left", n)
		}
		return nil
	})
	for _, state := range []string{"SCHEDULED", "ENROUTE"} {
		g.eventuallyWhile(l.progress, "no message is "+state, func(ctx context.Context) error {
			left, err := g.api.Messages(ctx, provisioning.MessageFilter{State: state, Limit: 1})
			if err == nil && len(left) > 0 {
				err = fmt.Errorf("%s %s to %s: %s, %v", left[0].Kind, left[0].ID, left[0].Dest, left[0].Reason, left[0].Events)
			}
			return err
		})
	}
	quiet(t, g)
}

// quiet waits until the number of UNKNOWN messages has not changed for longer
// than the network takes to bring a report again.
func quiet(t *testing.T, g *gateway) {
	t.Helper()
	last, since := -1, time.Now()
	g.eventually("the last report is in", func(ctx context.Context) error {
		unknown, err := g.api.Messages(ctx, provisioning.MessageFilter{State: "UNKNOWN", Limit: 1000})
		if err != nil {
			return err
		}
		if len(unknown) != last {
			last, since = len(unknown), time.Now()
		}
		if time.Since(since) < 3*time.Second {
			return fmt.Errorf("%d are UNKNOWN", last)
		}
		return nil
	})
}
