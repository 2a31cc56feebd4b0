package main

import (
	"context"
	"os"

	"gsmgate/modem/at"
	"gsmgate/modem/modemsim"
	"gsmgate/modem/modemsim/replay"
)

// replayCmd is gsmgate-sim replay.
type replayCmd struct {
	File  string  `arg:"" type:"existingfile" help:"A recording: of gsmgate modem check --record, or gsmgate modem transcript."`
	Link  string  `required:"" type:"path" help:"The port: a link to a pty."`
	Scale float64 `default:"1" help:"How long all takes, as a share of the time it took: 0.1 is ten times as fast."`
}

// Run plays until ctx is done, and says then what was asked that nobody had recorded.
func (c *replayCmd) Run(ctx context.Context, s streams) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var t at.Transcript
	if err := t.UnmarshalText(text); err != nil {
		return fail("gsmgate modem check PORT --record FILE makes one", "%s: %w", c.File, err)
	}
	player, err := replay.New(t, c.Scale)
	if err != nil {
		return fail("gsmgate modem check PORT --record FILE makes one", "%s: %w", c.File, err)
	}
	out := &lines{w: s.out}
	err = modemsim.ServeTerminal(ctx, c.Link, func() { out.printf("%s plays %s\n", c.Link, c.File) }, player.Serve)
	for _, p := range player.Problems() {
		out.printf("%s\n", p)
	}
	return err
}
