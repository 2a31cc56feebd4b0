package loopchan

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// settings are what is set of a channel.
type settings struct {
	send   time.Duration // how long a send takes
	report time.Duration // from the send to its report
	fail   float64       // share, 0 to 1, of messages that fail
	as     storage.State // how these end
	seed   uint64
	window int // messages on their way at once
	rate   int // messages a second; 0: no limit
	answer string
	never  bool // no reports
}

// Bounds of what may be set.
const (
	longest    = 24 * time.Hour
	mostWindow = 10_000
	mostRate   = 100_000
	mostText   = 1000 // octets
)

// Setting is a row of the table of what may be set.
type Setting struct {
	Key     string `json:"key"`
	What    string `json:"what"`
	Default string `json:"default"`

	read func(s *settings, value string) error
}

// Settings are what may be set of a channel.
func Settings() []Setting {
	return []Setting{
		{"send-delay", "how long a send takes", "0s", func(s *settings, v string) (err error) { s.send, err = duration(v); return }},
		{"report-delay", "from the send to its report, and to the answer of the handset", "0s", func(s *settings, v string) (err error) { s.report, err = duration(v); return }},
		{"reports", "yes, or no: then none comes", "yes", func(s *settings, v string) error {
			s.never = v == "no"
			return oneOf(v, "yes", "no")
		}},
		{"fail-share", "share of the messages, 0 to 1, that fail", "0", func(s *settings, v string) (err error) {
			if s.fail, err = strconv.ParseFloat(v, 64); err != nil || !(s.fail >= 0 && s.fail <= 1) {
				return fmt.Errorf("use a number from 0 to 1")
			}
			return nil
		}},
		{"fail-as", "how these end: undeliverable, expired, rejected, deleted", "undeliverable", func(s *settings, v string) error {
			s.as = failures[v]
			return oneOf(v, slices.Sorted(maps.Keys(failures))...)
		}},
		{"seed", "which messages fail, a number", "0", func(s *settings, v string) (err error) {
			if s.seed, err = strconv.ParseUint(v, 10, 64); err != nil {
				return fmt.Errorf("use a number")
			}
			return nil
		}},
		{"window", "messages on their way at once", "100", func(s *settings, v string) (err error) { s.window, err = number(v, 1, mostWindow); return }},
		{"rate", "messages a second at most; 0: no limit", "0", func(s *settings, v string) (err error) { s.rate, err = number(v, 0, mostRate); return }},
		{"answer", "what each handset answers; * stands for what it got; none when empty", "", func(s *settings, v string) error {
			if s.answer = v; len(v) > mostText {
				return fmt.Errorf("use at most %d octets", mostText)
			}
			return nil
		}},
	}
}

var failures = map[string]storage.State{
	"undeliverable": storage.Undeliverable, "expired": storage.Expired, "rejected": storage.Rejected, "deleted": storage.Deleted,
}

func oneOf(v string, words ...string) error {
	if slices.Contains(words, v) {
		return nil
	}
	return fmt.Errorf("use one of %s", strings.Join(words, ", "))
}

func duration(v string) (time.Duration, error) {
	d, err := time.ParseDuration(v)
	if err != nil || d < 0 || d > longest {
		return 0, fmt.Errorf("use a time from 0s to %s, such as 500ms", longest)
	}
	return d, nil
}

func number(v string, least, most int) (int, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("use %d to %d", least, most)
	}
	return n, nil
}

// Check says what is wrong with a record; a *router.Error names the field.
func Check(c *storage.Channel) error {
	_, err := read(c)
	return err
}

// read makes settings of a record.
func read(c *storage.Channel) (s settings, err error) {
	if c.Loopback == nil {
		return s, &router.Error{Code: router.Invalid, Field: "kind", Message: "not a loopback channel"}
	}
	all := Settings()
	for key := range c.Loopback.Settings {
		if !slices.ContainsFunc(all, func(k Setting) bool { return k.Key == key }) {
			return s, &router.Error{Code: router.Invalid, Field: "settings." + key, Message: fmt.Sprintf("a loopback channel has no setting %.40q", key),
				Hint: "gsmgate channel loopback lists them"}
		}
	}
	for _, k := range all {
		value, ok := c.Loopback.Settings[k.Key]
		if !ok {
			value = k.Default
		}
		if err := k.read(&s, value); err != nil {
			return s, &router.Error{Code: router.Invalid, Field: "settings." + k.Key, Message: fmt.Sprintf("%s cannot be %.80q", k.Key, value), Hint: err.Error()}
		}
	}
	return s, nil
}

// fateOf is what becomes of a message.
func (s *settings) fateOf(m *storage.Message, numbers map[string]fate) fate {
	if dest := m.Dest.Addr; len(dest) >= len(prefix)+2 {
		if f, ok := numbers[dest[len(dest)-len(prefix)-2:]]; ok {
			return f
		}
	}
	f := fate{answers: s.answer, never: s.never}
	if s.fails(m.ID) {
		f.state, f.answers = s.as, ""
	}
	return f
}

// fails draws a lot that is the same whenever it is drawn.
func (s *settings) fails(id storage.ID) bool {
	if s.fail <= 0 {
		return false
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s", s.seed, id)
	const steps = 1 << 20
	return float64(mix(h.Sum64())%steps) < s.fail*steps
}

// mix spreads the bits of a hash whose inputs are alike.
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
