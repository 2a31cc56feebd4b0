package httpchan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"gsmgate/router"
)

// PollReports says how to ask for reports: of one message, with {ref} in the
// request, or for all that is new.
type PollReports struct {
	EveryS  int     `json:"every_s,omitempty"` // 0: 60
	Request Request `json:"request"`
	Reports
}

// PollIncoming says how to ask for messages of handsets. Those that came before are
// told apart by their id.
type PollIncoming struct {
	EveryS  int     `json:"every_s,omitempty"` // 0: 60
	Request Request `json:"request"`
	Incoming
}

// The pauses of polling. A report that does not come is asked for ever more seldom.
const (
	pollEvery  = time.Minute
	pollSlow   = time.Hour
	mostPolled = 500 // messages that are asked for in one round
	mostEvery  = 24 * 3600
)

func (d *Description) compilePolls() error {
	if p := d.PollReports; p != nil {
		if err := errors.Join(p.Request.compile(), p.Reports.compile(), checkEvery(p.EveryS)); err != nil {
			return err
		}
		if !p.ID.set() && !p.single() {
			return errors.New("poll_reports: neither {ref} in the request nor an id in the answer")
		}
	}
	if p := d.PollIncoming; p != nil {
		if err := errors.Join(p.Request.compile(), p.Incoming.compile(), checkEvery(p.EveryS)); err != nil {
			return err
		}
		if !p.ID.set() {
			return errors.New("poll_incoming: without an id a message would come again and again")
		}
	}
	return nil
}

func checkEvery(seconds int) error {
	if seconds < 0 || seconds > mostEvery {
		return fmt.Errorf("every_s %d is out of range", seconds)
	}
	return nil
}

// single says that it asks of one message at a time.
func (p *PollReports) single() bool {
	all, _ := p.Request.names()
	return slices.Contains(all, "ref")
}

// pollValues are what the templates of polling may ask for, beside settings.
var pollValues = []string{"ref"}

func (d *Description) checkPolls() error {
	if p := d.PollReports; p != nil {
		if err := d.checkRequest(&p.Request, pollValues); err != nil {
			return err
		}
	}
	if p := d.PollIncoming; p != nil {
		return d.checkRequest(&p.Request, nil)
	}
	return nil
}

// polls says whether the provider is asked: when it is wanted, or it does not call us.
func (ch *Channel) polls(calls bool) bool {
	return ch.poll == "on" || ch.poll == "" && (ch.base == "" || !calls)
}

// pollAll asks until ctx ends.
func (ch *Channel) pollAll(ctx context.Context) {
	var all sync.WaitGroup
	if p := ch.d.PollReports; p != nil && ch.polls(ch.d.Reports != nil) {
		all.Go(func() { ch.pollReports(ctx, p) })
	}
	if p := ch.d.PollIncoming; p != nil && ch.polls(ch.d.Incoming != nil) {
		all.Go(func() { ch.pollIncoming(ctx, p) })
	}
	all.Wait()
}

func every(seconds int) time.Duration {
	if seconds == 0 {
		return pollEvery
	}
	return time.Duration(seconds) * time.Second
}

func (ch *Channel) pollReports(ctx context.Context, p *PollReports) {
	plan := &pollPlan{every: every(p.EveryS), due: map[string]pollDue{}}
	for router.Pause(ctx, plan.every) == nil {
		if !p.single() {
			if err := ch.ask(ctx, &p.Request, "", func(s *source) (Told, bool) { return p.read(s, ch.lane, ""), p.applies(s) }, p.Format, p.each); err != nil {
				ch.askedInVain(ctx, err)
			}
			continue
		}
		for _, ref := range ch.duePolls(plan) {
			err := ch.ask(ctx, &p.Request, ref, func(s *source) (Told, bool) { return p.read(s, ch.lane, ref), p.applies(s) }, p.Format, p.each)
			if err != nil {
				ch.askedInVain(ctx, err)
				break
			}
		}
	}
}

// pollPlan knows when each message is asked for next.
type pollPlan struct {
	every time.Duration
	due   map[string]pollDue
}

type pollDue struct {
	at    time.Time
	pause time.Duration
}

// next picks those of the awaited names whose time has come, and forgets the rest.
func (p *pollPlan) next(awaited []string, now time.Time) (due []string) {
	kept := make(map[string]pollDue, len(awaited))
	for _, ref := range awaited {
		d, ok := p.due[ref]
		if !ok {
			d = pollDue{now, p.every}
		}
		if !d.at.After(now) && len(due) < mostPolled {
			due = append(due, ref)
			d.at, d.pause = now.Add(d.pause), min(2*d.pause, pollSlow)
		}
		kept[ref] = d
	}
	p.due = kept
	return due
}

// mostAwaited bounds the names that are looked through for one round.
const mostAwaited = 50_000

func (ch *Channel) duePolls(plan *pollPlan) []string {
	if ch.awaiting == nil {
		return nil
	}
	awaited, err := ch.awaiting(ch.lane, mostAwaited)
	if err != nil {
		ch.log.Error("messages that await a report cannot be listed", "err", err)
		return nil
	}
	return plan.next(awaited, ch.now())
}

func (ch *Channel) pollIncoming(ctx context.Context, p *PollIncoming) {
	known := newLateNames()
	for router.Pause(ctx, every(p.EveryS)) == nil {
		var fresh []string
		err := ch.ask(ctx, &p.Request, "", func(s *source) (Told, bool) {
			id := p.ID.value(s)
			if known.has(id) || !p.applies(s) {
				return Told{}, false
			}
			fresh = append(fresh, id)
			return p.read(s, ch.lane, ch.number(), ch.now()), true
		}, p.Format, p.each)
		if err != nil {
			ch.askedInVain(ctx, err)
			continue
		}
		known.add(fresh)
	}
}

func (ch *Channel) askedInVain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		ch.log.Warn("the provider was asked for news in vain", "err", withoutNumbers(err.Error()))
	}
}

// ask sends a request and stores what its answer tells.
func (ch *Channel) ask(ctx context.Context, r *Request, ref string, read func(*source) (Told, bool), format string, each trail) error {
	f, err := r.fill(func(name string) string {
		if name == "ref" {
			return ref
		}
		return ch.values[name]
	})
	if err != nil {
		return err
	}
	resp, err := ch.call(ctx, f)
	switch {
	case err != nil:
		return err
	case resp.broken != nil:
		return resp.broken
	case resp.status == http.StatusNotFound && ref != "":
		return nil // it has forgotten, or does not know it yet
	case resp.status/100 != 2:
		return fmt.Errorf("HTTP %d", resp.status)
	}
	if format == "" {
		format = formatJSON
	}
	doc, err := parseDocument(format, resp.body)
	if err != nil {
		return err
	}
	var all []Told
	err = each.items(doc, func(item any) {
		s := &source{status: resp.status, header: resp.header, body: resp.body, doc: item}
		if t, ok := read(s); ok {
			all = append(all, t)
		}
	})
	if err != nil {
		return err
	}
	return ch.store(all)
}
