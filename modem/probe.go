package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/discover"
)

// Which of a stick's ports is the one to use is found by asking all of them at once: some are for diagnosis or positions, and of those that
// speak AT often but one brings URCs, without which messages are seen late.

// A port that was chosen by a guess, or because it was right for another stick of the same make, may be the wrong one all the same: it takes
// no commands for messages, or never tells of any although they come. Then it is given up, and the choice made anew.

var errDeafPort = errors.New("the port brings no word of messages: another one is tried")

// wrongPort gives the port up. It is true when another will be tried.
func (s *session) wrongPort() bool {
	p, ok := s.port.(interface{ Wrong() bool })
	return ok && p.Wrong()
}

// maxMissed is how many sweeps may find what nobody told of: what comes in just then may be found before it is told of.
const maxMissed = 2

// suspect notes what a sweep has found, and ends the session when the port is deaf.
func (r *receiver) suspect(found bool) {
	if r.heard.Load() || r.s.at.Counts().Foreign > 0 {
		r.missed = 0
		return
	}
	if !found || r.s.armed() == "" {
		return
	}
	if r.missed++; r.missed >= maxMissed && r.s.wrongPort() {
		r.s.end(errDeafPort)
	}
}

// choice is the port of a device that is used.
type choice struct {
	port discover.Port
	imei string // "" when it was not asked
}

// NoAnswerError says that none of a device's ports answers AT.
type NoAnswerError struct {
	USB   string
	Ports int
}

func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("usb:%s: none of its %d ports answers AT", e.USB, e.Ports)
}

// Unwrap makes it a hang: a stick that was just plugged in takes some seconds until it answers.
func (e *NoAnswerError) Unwrap() error { return at.ErrHung }

// Hint says what ends it.
func (e *NoAnswerError) Hint() string {
	return "it may still be starting; if it stays so plug it in again, and see that it is a modem: gsmgate modem scan --probe"
}

// probeOptions are the times of a question to a port that may well be deaf.
func (f *Finder) probeOptions() at.Options {
	o := f.AT
	for _, d := range []struct {
		at   *time.Duration
		then time.Duration
	}{{&o.Command, time.Second}, {&o.Write, time.Second}, {&o.Sync, 2500 * time.Millisecond}} {
		if *d.at <= 0 {
			*d.at = d.then
		}
	}
	return o
}

// choose finds the port of a device to use. One that was right for this model before is taken when it answers; a lone port is not asked
// unless its IMEI is wanted.
func (f *Finder) choose(ctx context.Context, d discover.Device, wantIMEI bool) (choice, error) {
	if len(d.Ports) == 1 && !wantIMEI {
		return choice{port: d.Ports[0]}, nil
	}
	if p, ok := f.remembered(d); ok {
		if answers := f.probe(ctx, []discover.Port{p}); answers[0].sms {
			return choice{p, answers[0].imei}, nil
		}
	}
	answers := f.probe(ctx, d.Ports)
	if ctx.Err() != nil {
		return choice{}, ctx.Err()
	}
	right, err := best(d, f.withoutWrong(d, answers))
	if err != nil {
		return choice{}, err
	}
	if right.sms {
		f.remember(d, right.port)
	}
	f.log().Info("port chosen", "usb", d.Path, "device", d.ID(), "interface", right.port.Interface, "node", right.port.Node, "urcs", right.urcs)
	return choice{right.port, right.imei}, nil
}

// best is the port that serves best: one for messages that brought a URC, else one for messages, else one that speaks AT at all; among
// equals the one that is mostly right. When none answers the error says whether somebody else has them.
func best(d discover.Device, answers []answer) (answer, error) {
	guess := d.Guess()
	slices.SortStableFunc(answers, func(a, b answer) int {
		if a.rank() != b.rank() {
			return b.rank() - a.rank()
		}
		return slices.Index(guess, a.port.Interface) - slices.Index(guess, b.port.Interface)
	})
	var busy *PortBusyError
	for _, a := range answers {
		// What ModemManager has it means to have alone: the other ports are of the same modem.
		if errors.As(a.err, &busy) && (busy.Name == "ModemManager" || answers[0].rank() == 0) {
			return answer{}, busy
		}
	}
	if answers[0].rank() > 0 {
		return answers[0], nil
	}
	for _, a := range answers {
		var useless *PortError
		if errors.As(a.err, &useless) {
			return answer{}, useless
		}
	}
	return answer{}, &NoAnswerError{d.Path, len(answers)}
}

// forgetChoice gives up a port that was chosen for its model by what another of its kind was like, or by a guess, and that has turned out
// deaf. It is true when another may do: each is given up once, and no modem goes round its ports for ever.
func (f *Finder) forgetChoice(d discover.Device, p discover.Port) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chosen[model(d)] == p.Interface {
		delete(f.chosen, model(d))
	}
	wrong := f.wrong[d.Plugging()]
	if len(d.Ports) < 2 || slices.Contains(wrong, p.Interface) || wrong == nil && len(f.wrong) >= maxModels {
		return false
	}
	if f.wrong == nil {
		f.wrong = map[string][]int{}
	}
	f.wrong[d.Plugging()] = append(wrong, p.Interface)
	f.log().Info("port given up", "usb", d.Path, "device", d.ID(), "interface", p.Interface, "node", p.Node)
	return len(f.wrong[d.Plugging()]) < len(d.Ports)
}

// withoutWrong leaves out what has turned out to be wrong, unless no other port is for messages.
func (f *Finder) withoutWrong(d discover.Device, answers []answer) []answer {
	f.mu.Lock()
	wrong := f.wrong[d.Plugging()]
	f.mu.Unlock()
	rest := slices.DeleteFunc(slices.Clone(answers), func(a answer) bool { return slices.Contains(wrong, a.port.Interface) })
	if !slices.ContainsFunc(rest, func(a answer) bool { return a.sms }) {
		return answers
	}
	return rest
}

// model names the devices that have the same ports.
func model(d discover.Device) string { return fmt.Sprintf("%s/%d", d.ID(), len(d.Ports)) }

func (f *Finder) remembered(d discover.Device) (discover.Port, bool) {
	f.mu.Lock()
	number, ok := f.chosen[model(d)]
	f.mu.Unlock()
	i := slices.IndexFunc(d.Ports, func(p discover.Port) bool { return p.Interface == number })
	if !ok || i < 0 {
		return discover.Port{}, false
	}
	return d.Ports[i], true
}

func (f *Finder) remember(d discover.Device, p discover.Port) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.chosen == nil {
		f.chosen = map[string]int{}
	}
	if _, known := f.chosen[model(d)]; known || len(f.chosen) < maxModels {
		f.chosen[model(d)] = p.Interface
	}
}

// answer is what a port said.
type answer struct {
	port   discover.Port
	err    error  // it could not be opened, or did not answer
	speaks bool   // AT
	sms    bool   // it knows the commands for messages
	urcs   bool   // it brought something unasked
	imei   string // "" when it did not tell
}

func (a answer) rank() int {
	rank := 0
	switch {
	case a.sms:
		rank = 4
	case a.speaks:
		rank = 2
	}
	if a.urcs {
		rank++
	}
	return rank
}

// Answer is what a port said when it was asked.
type Answer struct {
	Port   discover.Port
	Err    error  // it could not be opened, or does not speak AT
	AT     bool   // it speaks AT
	SMS    bool   // it knows the commands for messages
	URCs   bool   // it brought something unasked; false too where nothing was waited for
	IMEI   string // "" when it did not tell
	Chosen bool   // it is the one that would be used
}

// Ask asks all ports of a device. Those that another program has are left alone. The error says why none would be used.
func (f *Finder) Ask(ctx context.Context, d discover.Device) ([]Answer, error) {
	if err := usable(d); err != nil {
		return nil, err
	}
	answers := f.probe(ctx, d.Ports)
	chosen, err := best(d, answers)
	var out []Answer
	for _, a := range answers {
		out = append(out, Answer{a.port, a.err, a.speaks, a.sms, a.urcs, a.imei, err == nil && a.port.Name == chosen.port.Name})
	}
	slices.SortStableFunc(out, func(a, b Answer) int { return a.Port.Interface - b.Port.Interface })
	return out, err
}

// probe asks ports at once. It takes no longer than finding the step, some commands and listening; all ports are closed when it returns.
func (f *Finder) probe(ctx context.Context, ports []discover.Port) []answer {
	answers := make([]answer, len(ports))
	var asking, listening sync.WaitGroup
	lines := make([]*at.Engine, len(ports))
	inner, stop := context.WithCancel(ctx)
	for i, p := range ports {
		answers[i].port = p
		asking.Add(1)
		listening.Go(func() {
			lines[i] = f.question(inner, &answers[i], &listening)
			asking.Done()
		})
	}
	asking.Wait()
	f.listen(ctx, answers, lines)
	stop()
	listening.Wait()
	return answers
}

// question opens a port and asks; the engine that it returns runs until ctx ends. nil: the port is of no use.
func (f *Finder) question(ctx context.Context, a *answer, all *sync.WaitGroup) *at.Engine {
	port, err := f.serial(ctx, a.port.Node)
	if err != nil {
		a.err = err
		return nil
	}
	e := at.New(port, f.probeOptions())
	all.Go(func() { _ = e.Run(ctx) })
	if a.err = e.Sync(ctx); a.err != nil {
		return nil
	}
	if _, err := e.Do(ctx, at.Command{Text: "ATE0"}); lost(err) != nil {
		a.err = err
		return nil
	}
	a.speaks = true
	if got, err := e.Do(ctx, at.Command{Text: "AT+CGSN", Accept: at.Digits(14, 17, "+CGSN:")}); err == nil { // [27.007 5.4]
		a.imei = at.DigitsOf(got.First(), "+CGSN:")
	}
	_, format := e.Do(ctx, at.Command{Text: "AT+CMGF=0"})                             // [27.005 3.2.3]
	got, err := e.Do(ctx, at.Command{Text: "AT+CNMI=?", Accept: at.Prefix("+CNMI:")}) // [27.005 3.4.1]
	a.sms = format == nil && err == nil && got.First() != ""
	return e
}

// listen waits, where several ports would do, which of them brings a URC first.
func (f *Finder) listen(ctx context.Context, answers []answer, lines []*at.Engine) {
	able := equals(answers, lines)
	if len(able) < 2 {
		return
	}
	foreign := make([]int, len(answers))
	for _, i := range able {
		foreign[i] = lines[i].Counts().Foreign
		for _, command := range []string{"AT^CURC=1", "AT+CREG=2"} { // bring it to speak; a refusal is no harm
			_, _ = lines[i].Do(ctx, at.Command{Text: command})
		}
	}
	limit := f.Listen
	if limit <= 0 {
		limit = 2 * time.Second
	}
	for until := time.Now().Add(limit); time.Now().Before(until); {
		for _, i := range able {
			if len(lines[i].URCs()) > 0 || lines[i].Counts().Foreign > foreign[i] {
				answers[i].urcs = true
				return
			}
		}
		if !pauseFor(ctx, 20*time.Millisecond) {
			return
		}
	}
}

// equals are the ports that are as good as each other, and better than the rest: those for messages or, with a SIM that is locked, those
// that speak AT.
func equals(answers []answer, lines []*at.Engine) (able []int) {
	best := 1
	for i, a := range answers {
		switch {
		case lines[i] == nil || a.rank() < best:
			continue
		case a.rank() > best:
			best, able = a.rank(), nil
		}
		able = append(able, i)
	}
	return able
}
