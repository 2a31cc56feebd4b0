package plan

import (
	"fmt"
	"slices"
	"strings"

	"gsmgate/router/prefix"
	"gsmgate/storage"
)

// Strategy is how a rule puts its channels in a row.
type Strategy uint8

const (
	Priority   Strategy = iota // as they are named
	LeastCost                  // the cheapest first
	RoundRobin                 // in turns
	Weighted                   // in turns, as often as their weights say
	Sticky                     // a recipient always gets the same one while it is ready
)

var strategies = [...]string{"priority", "least-cost", "round-robin", "weighted", "sticky"}

func (s Strategy) String() string { return strategies[s] }

// What a route says of a message of which nobody knows whether it was sent, when no
// report has told in time.
const (
	Hold   = "hold"   // it ends as UNKNOWN, and costs what may have gone out
	Resend = "resend" // it is sent again, and perhaps twice
	Fail   = "fail"   // it ends as UNDELIVERABLE, and costs nothing
)

// mostUnknownAfter is the longest time, in seconds, after which that is done.
const mostUnknownAfter = 30 * 24 * 3600

// Strategies are the words for them.
func Strategies() []string { return strategies[:] }

// Classes are the words for what a message is made of.
func Classes() []string { return classes[:] }

// Bounds of a rule.
const (
	MostChannels = 16
	mostWeight   = 1000
	maxPart      = 255
)

// Fault is what is wrong with a route.
type Fault struct{ Field, Message, Hint string }

func (f *Fault) Error() string { return f.Message }

func fault(field, hint, format string, args ...any) error {
	return &Fault{field, fmt.Sprintf(format, args...), hint}
}

// rule is a route, made for asking. What each choice looks at stands together at
// its start: with many rules, memory is what takes the time.
type rule struct {
	classes      Class // 0: any
	strategy     Strategy
	last, reject bool
	fewest, most int16 // parts; 0: any
	quality      int16
	when         *week
	sources      []source
	channels     []int // their numbers
	place        int   // among those of the same order and destination

	dests []dest
	storage.Route
}

// dest is what a destination must begin with; length, when not 0, is how many
// digits it must have.
type dest struct {
	key    prefix.Key
	length int
}

// source is what a source must be.
type source struct {
	text   string
	prefix bool // it begins with the text
	alpha  bool // it is no number
}

func (s *source) holds(addr string) bool {
	switch {
	case s.alpha:
		return strings.Trim(addr, "0123456789*#") != ""
	case s.prefix:
		return strings.HasPrefix(addr, s.text)
	}
	return addr == s.text
}

// Check says what is wrong with a route: a *Fault, or nil.
func Check(r *storage.Route) error {
	_, err := compile(r)
	return err
}

func compile(r *storage.Route) (*rule, error) {
	c := &rule{Route: *r, last: r.Last, reject: r.Reject, fewest: int16(r.MinParts), most: int16(r.MaxParts), quality: int16(r.MinQuality)}
	for _, step := range []func() error{c.compileChannels, c.compileStrategy, c.compileClasses, c.compileDests, c.compileSources, c.compileBounds} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *rule) compileChannels() error {
	switch {
	case c.Reject && len(c.Channels) > 0:
		return fault("channels", "leave out the channels, or reject", "a route that rejects names no channels")
	case !c.Reject && len(c.Channels) == 0:
		return fault("channels", "name one with --channel NAME", "the route names no channel")
	case len(c.Channels) > MostChannels:
		return fault("channels", "", "more than %d channels", MostChannels)
	}
	for i, ch := range c.Channels {
		if ch.Name == "" || strings.ContainsAny(ch.Name, "\x00# \t\r\n") {
			return fault("channels", "use a name such as gsm, gsm/POOL or smpp:x", "%q is no name of a channel", ch.Name)
		}
		if slices.ContainsFunc(c.Channels[:i], func(o storage.RouteChannel) bool { return o.Name == ch.Name }) {
			return fault("channels", "", "channel %q is named twice", ch.Name)
		}
		if ch.Weight < 0 || ch.Weight > mostWeight {
			return fault("channels", fmt.Sprintf("use 1 to %d", mostWeight), "channel %q has a weight of %d", ch.Name, ch.Weight)
		}
	}
	return nil
}

func (c *rule) compileStrategy() error {
	if c.Route.Strategy == "" {
		return nil
	}
	i := slices.Index(strategies[:], c.Route.Strategy)
	if i < 0 {
		return fault("strategy", "use "+strings.Join(strategies[:], " "), "no strategy %q", c.Route.Strategy)
	}
	c.strategy = Strategy(i)
	return nil
}

func (c *rule) compileClasses() error {
	for _, w := range c.Classes {
		i := slices.Index(classes[:], w)
		if i < 0 {
			return fault("classes", "use "+strings.Join(classes[:], " "), "no kind of text %q", w)
		}
		c.classes |= 1 << i
	}
	return nil
}

const destHint = "use a prefix 316, a range 31600000000-31649999999, =1234 for that number alone, or * for all"

func (c *rule) compileDests() error {
	for _, text := range c.Dests {
		all, err := parseDest(text)
		if err != nil {
			return err
		}
		c.dests = append(c.dests, all...)
	}
	if len(c.Dests) == 0 {
		c.dests = []dest{{}}
	}
	return nil
}

// parseDest reads a prefix, a range of numbers, or = and one number.
func parseDest(text string) ([]dest, error) {
	lo, hi, isRange := strings.Cut(text, "-")
	number, exact := strings.CutPrefix(text, "=")
	switch {
	case text == "*":
		return []dest{{}}, nil
	case exact:
		number = plain(number)
		if key, ok := prefix.Of(number); ok && number != "" {
			return []dest{{key, len(number)}}, nil
		}
	case isRange:
		lo, hi = plain(lo), plain(hi)
		var all []dest
		for _, key := range prefix.Span(lo, hi) {
			all = append(all, dest{key, len(lo)})
		}
		if len(all) > 0 {
			return all, nil
		}
	default:
		p := strings.TrimSuffix(plain(text), "*")
		if key, ok := prefix.Of(p); ok && p != "" && strings.Trim(p, "0123456789") == "" {
			return []dest{{key: key}}, nil
		}
	}
	return nil, fault("dests", destHint, "%q is no destination", text)
}

// AlphaSource is the word for sources that are no numbers.
const AlphaSource = "alpha"

func (c *rule) compileSources() error {
	for _, text := range c.Sources {
		s := source{text: plain(text), alpha: text == AlphaSource}
		s.text, s.prefix = strings.CutSuffix(s.text, "*")
		if s.text == "" && !s.prefix || strings.Contains(s.text, "*") || len(s.text) > 21 {
			return fault("sources", "use 3161234, 316*, Acme, Acme* or alpha for all that are no numbers", "%q is no source", text)
		}
		c.sources = append(c.sources, s)
	}
	return nil
}

func (c *rule) compileBounds() (err error) {
	switch {
	case c.MinParts < 0 || c.MaxParts < 0 || c.MinParts > maxPart || c.MaxParts > maxPart || c.MaxParts != 0 && c.MaxParts < c.MinParts:
		return fault("max_parts", fmt.Sprintf("use 1 to %d; 0 is no bound", maxPart), "from %d to %d parts there are none", c.MinParts, c.MaxParts)
	case c.MinQuality < 0 || c.MinQuality > 100:
		return fault("min_quality", "use 0 to 100 percent", "a quality of %d percent", c.MinQuality)
	case c.Unknown != "" && c.Unknown != Hold && c.Unknown != Resend && c.Unknown != Fail:
		return fault("unknown", "use hold, resend or fail", "no word %q", c.Unknown)
	case c.UnknownAfter < 0 || c.UnknownAfter > mostUnknownAfter:
		return fault("unknown_after_s", "use up to 30 days; 0 is the time for which a report is waited for", "%d seconds cannot be used", c.UnknownAfter)
	case slices.Contains(c.Users, ""):
		return fault("users", "", "a user without a name")
	}
	if c.when, err = parseWeek(c.When, c.Zone); err != nil {
		return fault("when", "use mon-fri 08:00-18:00, sat,sun or 22:00-06:00", "%v", err)
	}
	return nil
}

// Why is what of a query a rule does not hold for; Holds: it does.
type Why uint8

const (
	Holds Why = iota
	OtherUser
	OtherDest
	OtherClass
	OtherParts
	OtherSource
	OtherTime
	Disabled
)

func (w Why) String() string {
	return [...]string{"", "for other users", "for other destinations", "for another kind of text", "for another number of parts", "for other sources", "for another time", "disabled"}[w]
}

// why looks at all but user and destination, which the index knows.
func (c *rule) why(q *Query, source string) Why {
	switch {
	case c.classes != 0 && c.classes&q.Class == 0:
		return OtherClass
	case q.Parts < int(c.fewest) || c.most != 0 && q.Parts > int(c.most):
		return OtherParts
	case len(c.sources) > 0 && !c.from(source):
		return OtherSource
	case c.when != nil && !c.when.holds(q.At):
		return OtherTime
	}
	return Holds
}

func (c *rule) from(addr string) bool {
	for i := range c.sources {
		if c.sources[i].holds(addr) {
			return true
		}
	}
	return false
}
