package esmechan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// bind is one connection to the provider, which is made again and again.
type bind struct {
	ch     *Channel
	number int
	kind   smpp.CommandID

	mu   sync.Mutex
	info BindStatus
	live *esme.Session
}

// BindStatus tells how a bind stands.
type BindStatus struct {
	Number   int    // from 1; a transmitter and its receiver have the same
	Kind     string // "bind_transceiver", "bind_transmitter", "bind_receiver"
	Bound    bool
	Since    time.Time // of Bound, or of its end
	Reason   string    // why it is not bound
	RetryAt  time.Time // when it is tried again; zero while it is bound, or being tried
	InFlight int       // submits without an answer
	Tries    int       // in a row that failed
	Version  string    // sc_interface_version of the provider, "" when it gave none
}

// newBinds makes the connections that stand for one bind.
func newBinds(ch *Channel, i int) []*bind {
	kinds := []smpp.CommandID{smpp.IDBindTransceiver}
	if ch.pair {
		kinds = []smpp.CommandID{smpp.IDBindTransmitter, smpp.IDBindReceiver}
	}
	var all []*bind
	for _, kind := range kinds {
		all = append(all, &bind{ch: ch, number: i + 1, kind: kind,
			info: BindStatus{Number: i + 1, Kind: kind.String(), Since: ch.now(), Reason: "not tried yet"}})
	}
	return all
}

func (b *bind) transmits() bool { return b.kind != smpp.IDBindReceiver }

func (b *bind) status() BindStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := b.info
	if b.live != nil {
		i.InFlight = b.live.InFlight()
	}
	return i
}

func (b *bind) update(f func(*BindStatus)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(&b.info)
}

// run binds until ctx ends.
func (b *bind) run(ctx context.Context) {
	tries := 0
	for ctx.Err() == nil {
		bound, err := b.attempt(ctx)
		if ctx.Err() != nil {
			break
		}
		if tries++; bound {
			tries = 1
		}
		wait := pauseAfter(tries, err, rand.Float64())
		b.ended(tries, wait, err)
		if router.Pause(ctx, wait) != nil {
			break
		}
	}
	b.update(func(i *BindStatus) { i.Bound, i.Reason, i.RetryAt = false, "stopped", time.Time{} })
}

// The pauses between attempts: a connection that was lost is made again at once,
// for the provider may have closed it in order; one that is refused is left alone
// for longer, lest the provider bars us.
const (
	firstPause  = 500 * time.Millisecond
	lostCap     = 30 * time.Second
	refusedFrom = 10 * time.Second
	refusedCap  = 10 * time.Minute
)

// pauseAfter is how long to wait after n attempts in a row that failed with err.
// jitter, from 0 to 1, takes up to a third away.
func pauseAfter(n int, err error, jitter float64) time.Duration {
	first, most := firstPause, lostCap
	var refused *esme.StatusError
	if errors.As(err, &refused) {
		first, most = refusedFrom, refusedCap
		if s := refused.Status; s == smpp.StatusThrottled || s == smpp.StatusSysErr || s == smpp.StatusMsgQFul {
			first, most = 2*time.Second, time.Minute // the provider's trouble, not ours
		}
	}
	d := min(first<<min(max(n-1, 0), 16), most)
	return d - time.Duration(jitter*float64(d)/3)
}

// ended notes why a bind is not there.
func (b *bind) ended(tries int, wait time.Duration, err error) {
	now := b.ch.now()
	b.update(func(i *BindStatus) {
		if i.Bound {
			i.Since = now
		}
		i.Bound, i.Reason, i.Tries, i.RetryAt = false, err.Error(), tries, now.Add(wait)
	})
	if tries == 1 || tries&(tries-1) == 0 { // not each of many
		b.ch.log.Warn("not bound", "bind", b.number, "kind", b.kind.String(), "tries", tries, "retry_in", wait.Round(time.Millisecond).String(), "err", err)
	}
}

// attempt binds once and lives with the session; bound says that it came to be.
func (b *bind) attempt(ctx context.Context) (bound bool, err error) {
	conf := b.ch.esme
	conf.BindType, conf.Take = b.kind, b.ch.take
	b.update(func(i *BindStatus) { i.RetryAt = time.Time{} })
	s, err := esme.Dial(ctx, conf)
	if err != nil {
		return false, err
	}
	b.up(s)
	defer b.down()
	return true, b.serve(ctx, s)
}

func (b *bind) up(s *esme.Session) {
	b.mu.Lock()
	b.live = s
	b.info.Bound, b.info.Since, b.info.Reason, b.info.Tries = true, b.ch.now(), "", 0
	if v := s.PeerVersion(); v != 0 {
		b.info.Version = fmt.Sprintf("%d.%d", v>>4, v&0x0F)
	}
	b.mu.Unlock()
	b.ch.log.Info("bound", "bind", b.number, "kind", b.kind.String(), "address", b.ch.esme.Address)
}

func (b *bind) down() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live = nil
}

// unbindTime is for the answers of what is in flight, and for unbind_resp.
const unbindTime = 10 * time.Second

// serve serves the lane, when the bind may transmit, until the session or ctx ends.
func (b *bind) serve(ctx context.Context, s *esme.Session) error {
	lane, stop := context.WithCancel(ctx)
	defer stop()
	var served sync.WaitGroup
	if b.transmits() {
		served.Go(func() {
			if err := b.ch.serveLane(lane, s); err != nil && lane.Err() == nil {
				b.ch.log.Error("the lane stopped", "err", err)
			}
		})
	}
	select {
	case <-s.Ended():
	case <-ctx.Done():
	}
	stop()
	served.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), unbindTime)
	defer cancel()
	err := s.Err()
	if cerr := s.Close(closing); err == nil {
		err = cerr
	}
	if err == nil {
		err = errors.New("the session ended")
	}
	return err
}
