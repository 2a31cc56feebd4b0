package modem

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
	"gsmgate/modem/profile"
)

// Handler takes what a bank brings. Its methods are called from the goroutines of the modems, one at a time for each modem.
type Handler interface {
	// Ready runs while m can send; ctx ends when it no longer can. The bank waits for Ready to return before it opens the port again.
	Ready(ctx context.Context, m *Modem)
	// Deliver takes an incoming segment. nil: it is on disk, and may be acknowledged or deleted. An error: it was not stored; the network
	// is told to try again, or the SIM keeps it for the next sweep.
	Deliver(ctx context.Context, sim SIM, d *pdu.Deliver) error
	// StatusReport takes a status report, with the same meaning of its error. It may come before the Submit that it reports on returns.
	StatusReport(ctx context.Context, sim SIM, r *pdu.StatusReport) error
	// Undecoded takes the line of a PDU that could not be read, with the same meaning of its error.
	Undecoded(ctx context.Context, sim SIM, raw string, err error) error
}

// PINMemory remembers across restarts which PIN was refused, so that no restart burns another try. key names SIM and PIN without showing
// the PIN. Refuse is called before the PIN is tried and Accept after it was right: a crash between them counts as a refusal, unless the modem
// tells that no try is missing.
type PINMemory interface {
	Refused(key string) bool
	Refuse(key string) error
	Accept(key string) error
}

// Config describes a bank; a zero takes the default that stands beside it.
type Config struct {
	Ports   []string
	Source  Source            // more places, which come and go; none
	Open    Opener            // OpenSerial
	Handler Handler           // must be there
	Log     *slog.Logger      // nothing
	PIN     string            // for SIMs that want one; "" to try none
	PINs    map[string]string // by path or ICCID; goes before PIN
	Refused PINMemory         // for as long as the bank lives

	Profiles *profile.Table                        // profile.Builtin
	Card     func(iccid string) Card               // what is set for a SIM: nothing
	LastCard func(imei string) (iccid string)      // the SIM that was in a modem last, "" for none: what the bank has seen itself
	Seen     func(ctx context.Context, about Info) // is told of each SIM that was identified, before messages go: nobody
	Resetter *Resetter                             // for sockets and their power: these rungs are left out

	AT       at.Options    // times of the engine
	Idle     time.Duration // 30 s: an idle modem is asked for a sign of life
	Busy     time.Duration // 60 s: signal and registration of a modem that sends all the time
	Check    time.Duration // 2 s: when it was not looked at for so long, a modem is before the next message
	Sweep    time.Duration // 5 min: the memories are looked through for what no URC told of
	Again    time.Duration // 10 s: a sweep after the handler has refused something
	Register time.Duration // 2 s: between looks at the registration while searching
	Lost     time.Duration // 5 min: so long without a network, and the radio is turned off and on
	Gap      time.Duration // 1 min: between the first two resets of a modem that is ill; doubles up to an hour
	BusyWait time.Duration // 5 s: a message for which the network was too busy is tried again
	IllWait  time.Duration // 30 s: one that was refused for what may be the SIM's fault
	AwayWait time.Duration // 1 min: one whose recipient cannot be reached
	Stagger  time.Duration // 20 ms: between the first openings of two ports: hubs falter when all modems start at once
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		at   *time.Duration
		then time.Duration
	}{{&c.Idle, 30 * time.Second}, {&c.Busy, time.Minute}, {&c.Check, 2 * time.Second}, {&c.Sweep, 5 * time.Minute},
		{&c.Again, 10 * time.Second}, {&c.Register, 2 * time.Second}, {&c.Lost, 5 * time.Minute}, {&c.Gap, time.Minute},
		{&c.Stagger, 20 * time.Millisecond}, {&c.BusyWait, busyWait}, {&c.IllWait, illWait}, {&c.AwayWait, awayWait}} {
		if *d.at <= 0 {
			*d.at = d.then
		}
	}
	if c.Open == nil {
		c.Open = OpenSerial
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Profiles == nil {
		c.Profiles = profile.Builtin()
	}
	if c.Card == nil {
		c.Card = func(string) Card { return Card{} }
	}
	if c.LastCard == nil {
		c.LastCard = func(string) string { return "" }
	}
	if c.Seen == nil {
		c.Seen = func(context.Context, Info) {}
	}
	return c
}

// pauseFor waits, and says whether ctx still lives.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// pinMemory is the PINMemory of a bank that has none on disk.
type pinMemory struct {
	mu      sync.Mutex
	refused map[string]bool
}

func (p *pinMemory) Refused(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused[key]
}

func (p *pinMemory) Refuse(key string) error { return p.set(key, true) }
func (p *pinMemory) Accept(key string) error { return p.set(key, false) }

func (p *pinMemory) set(key string, refused bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused[key] = refused
	return nil
}
