package main

import (
	"bytes"
	"context"
	"os"
	"time"

	"gsmgate/modem/at"
	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

// transcript shows what the channel of modems has kept.
func (a *App) transcript(id string, full bool) (provisioning.Transcript, []byte, bool) {
	t, ok := a.gsm.Transcript(id, full)
	if !ok {
		return provisioning.Transcript{}, nil, false
	}
	text, err := t.MarshalText()
	if err != nil {
		a.Log.Error("a transcript cannot be written", "modem", id, "err", err)
	}
	return transcriptView(t), text, err == nil
}

func transcriptView(t at.Transcript) provisioning.Transcript {
	began, _ := time.Parse(time.RFC3339Nano, t.Get("recorded"))
	v := provisioning.Transcript{
		Modem: t.Get("modem"), Firmware: t.Get("firmware"), Path: t.Get("path"), IMEI: t.Get("imei"),
		Recorded: began, Redacted: t.Get("redacted") != "no", Lines: []provisioning.TranscriptLine{},
	}
	for _, e := range t.Entries {
		v.Lines = append(v.Lines, provisioning.TranscriptLine{At: began.Add(e.At), Way: string(rune(e.Way)), Text: e.Printable()})
	}
	return v
}

type modemTranscriptCmd struct {
	dataDir
	ID     string `arg:"" help:"IMEI of the modem, or its path"`
	Full   bool   `help:"with texts and numbers; the gateway's log says that somebody has looked"`
	JSON   bool   `name:"json" help:"print as JSON"`
	Output string `short:"o" placeholder:"FILE" help:"write to a file"`
}

func (c *modemTranscriptCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		var file bytes.Buffer
		out := *e
		if c.Output != "" {
			out.stdout = &file
		}
		if err := c.print(ctx, &out, api); err != nil || c.Output == "" {
			return err
		}
		return writePrivate(c.Output, file.Bytes())
	})
}

func (c *modemTranscriptCmd) print(ctx context.Context, e *env, api *client.Client) error {
	if c.JSON {
		t, err := api.Transcript(ctx, c.ID, c.Full)
		if err != nil {
			return err
		}
		return e.json(t)
	}
	text, err := api.TranscriptText(ctx, c.ID, c.Full)
	if err == nil {
		_, err = e.stdout.Write(text)
	}
	return err
}

// writePrivate writes a file that, when it is new, only its owner can read.
func writePrivate(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fail("name a file in a directory that may be written", "%w", err)
	}
	return nil
}
