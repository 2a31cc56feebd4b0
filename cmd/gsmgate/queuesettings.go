package main

import "time"

// queueSettings are those of serve about messages that wait to be sent.
type queueSettings struct {
	MaxQueued   *int   `name:"max-queued" placeholder:"N" help:"messages that may wait to be sent: beyond, no more are taken (default 2000000)"`
	MaxQueueAge string `name:"max-queue-age" placeholder:"off" help:"take no more while one has waited for longer, such as 6h; off (default)"`
	WhenFull    string `name:"when-full" placeholder:"W" help:"what a client hears then, whose user says nothing else: queue-full (default, ESME_RMSGQFUL) or throttled (ESME_RTHROTTLED)"`
	Late        string `name:"late" placeholder:"L" help:"a message that no channel could send within its validity, by what is measured of them: refuse it at once (default), or take it"`
}

// queueOptions are what they say.
type queueOptions struct {
	MaxQueued int           // 0: the router's default
	MaxAge    time.Duration // 0: no limit
	WhenFull  string
	TakeLate  bool
}

func (s *queueSettings) fields() map[string]any {
	return map[string]any{"max_queued": &s.MaxQueued, "max_queue_age": &s.MaxQueueAge, "when_full": &s.WhenFull, "late": &s.Late}
}

// over takes from below what s does not say.
func (s *queueSettings) over(below queueSettings) {
	if s.MaxQueued == nil {
		s.MaxQueued = below.MaxQueued
	}
	for _, f := range []struct{ mine, theirs *string }{{&s.MaxQueueAge, &below.MaxQueueAge}, {&s.WhenFull, &below.WhenFull}, {&s.Late, &below.Late}} {
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
	return o, err
}
