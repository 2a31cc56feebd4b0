package main

import "time"

// queueSettings are those of serve about messages that wait to be sent, and about
// those that have ended.
type queueSettings struct {
	MaxQueued   *int   `name:"max-queued" placeholder:"N" help:"messages that may wait to be sent: beyond, no more are taken (default 2000000)"`
	MaxQueueAge string `name:"max-queue-age" placeholder:"off" help:"take no more while one has waited for longer, such as 6h; off (default)"`
	WhenFull    string `name:"when-full" placeholder:"W" help:"what a client hears then, whose user says nothing else: queue-full (default, ESME_RMSGQFUL) or throttled (ESME_RTHROTTLED)"`
	KeepText    string `name:"retention-text" placeholder:"7d" help:"how long what an ended message said is kept; its record stays for --retention (default: as long)"`
	KeepCount   *int   `name:"retention-count" placeholder:"N" help:"remove ended messages that are not among the last N; 0: whatever their number (default)"`
	KeepTexts   *int   `name:"retention-text-count" placeholder:"N" help:"drop what ended messages said that are not among the last N; 0: whatever their number (default)"`
	Late        string `name:"late" placeholder:"L" help:"a message that no channel could send within its validity, by what is measured of them: refuse it at once (default), or take it"`
}

// queueOptions are what they say.
type queueOptions struct {
	MaxQueued int           // 0: the router's default
	MaxAge    time.Duration // 0: no limit
	WhenFull  string
	TakeLate  bool

	KeepText             time.Duration // 0: as long as the message
	KeepCount, KeepTexts int           // 0: whatever their number
}

func (s *queueSettings) fields() map[string]any {
	return map[string]any{"max_queued": &s.MaxQueued, "max_queue_age": &s.MaxQueueAge, "when_full": &s.WhenFull, "late": &s.Late,
		"retention_text": &s.KeepText, "retention_count": &s.KeepCount, "retention_text_count": &s.KeepTexts}
}

// over takes from below what s does not say.
func (s *queueSettings) over(below queueSettings) {
	for _, f := range []struct{ mine, theirs **int }{{&s.MaxQueued, &below.MaxQueued}, {&s.KeepCount, &below.KeepCount}, {&s.KeepTexts, &below.KeepTexts}} {
		if *f.mine == nil {
			*f.mine = *f.theirs
		}
	}
	for _, f := range []struct{ mine, theirs *string }{{&s.MaxQueueAge, &below.MaxQueueAge}, {&s.WhenFull, &below.WhenFull}, {&s.Late, &below.Late}, {&s.KeepText, &below.KeepText}} {
		if *f.mine == "" {
			*f.mine = *f.theirs
		}
	}
}

const mostQueued = 100_000_000

func (s *queueSettings) options() (o queueOptions, err error) {
	switch {
	case s.MaxQueued != nil && (*s.MaxQueued < 1 || *s.MaxQueued > mostQueued):
		return o, usage("use 1 to 100000000", "--max-queued: %d cannot be used", *s.MaxQueued)
	case s.WhenFull != "" && s.WhenFull != "queue-full" && s.WhenFull != "throttled":
		return o, usage("use queue-full or throttled", "--when-full: no word %q", s.WhenFull)
	case s.Late != "" && s.Late != "refuse" && s.Late != "take":
		return o, usage("use refuse or take", "--late: no word %q", s.Late)
	case s.MaxQueued != nil:
		o.MaxQueued = *s.MaxQueued
	}
	if s.MaxQueueAge != "off" {
		o.MaxAge, err = daysOrHours("--max-queue-age", s.MaxQueueAge)
	}
	o.WhenFull, o.TakeLate = s.WhenFull, s.Late == "take"
	for _, n := range []struct {
		flag string
		from *int
		to   *int
	}{{"--retention-count", s.KeepCount, &o.KeepCount}, {"--retention-text-count", s.KeepTexts, &o.KeepTexts}} {
		switch {
		case n.from == nil:
		case *n.from < 0 || *n.from > mostQueued:
			return o, usage("use 0 to 100000000", "%s: %d cannot be used", n.flag, *n.from)
		default:
			*n.to = *n.from
		}
	}
	if err == nil {
		o.KeepText, err = daysOrHours("--retention-text", s.KeepText)
	}
	return o, err
}
