package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/router/httpchan"
	"gsmgate/storage"
)

type channelPresetsCmd struct {
	Name string `arg:"" optional:"" help:"of one: its description is printed, to be changed by hand"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *channelPresetsCmd) Run(e *env) error {
	if c.Name != "" {
		raw, err := httpchan.PresetJSON(c.Name)
		if err == nil {
			_, err = e.stdout.Write(raw)
		}
		return hinting(err)
	}
	list := presets()
	if c.JSON {
		return e.json(list)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tPROVIDER\tREPORTS\tINCOMING\tPOLLS\tSETTINGS")
	for _, p := range list {
		var names []string
		for _, s := range p.Settings {
			if s.Optional || s.Default != "" {
				s.Name = "[" + s.Name + "]"
			}
			names = append(names, s.Name)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.Name, p.Title, yesNo(p.Reports), yesNo(p.Incoming), yesNo(p.Polls), strings.Join(names, " "))
	}
	return w.Flush()
}

// presets lists the descriptions that come with the program.
func presets() (list []provisioning.Preset) {
	for _, name := range httpchan.PresetNames() {
		d, err := httpchan.Preset(name)
		if err != nil {
			continue // a test reads all of them
		}
		p := provisioning.Preset{Name: d.Name, Title: d.Title, Docs: append([]string{}, d.Docs...), Settings: []provisioning.PresetSetting{},
			Reports: d.Reports != nil, Incoming: d.Incoming != nil, Polls: d.PollReports != nil}
		for _, s := range d.Settings {
			p.Settings = append(p.Settings, provisioning.PresetSetting{Name: s.Name, About: s.About, Secret: s.Secret, Optional: s.Optional, Default: s.Default, Example: s.Example})
		}
		list = append(list, p)
	}
	return list
}

type channelTryCmd struct {
	Data        string `name:"data" placeholder:"DIR" env:"GSMGATE_DATA" help:"data directory"`
	Name        string `arg:"" optional:"" help:"name of the channel"`
	To          string `placeholder:"N" help:"recipient"`
	Text        string `placeholder:"T" help:"text to be sent"`
	From        string `placeholder:"A" help:"sender"`
	Preset      string `placeholder:"PRESET" help:"read a sample answer as this preset would; nothing is sent"`
	Description string `placeholder:"FILE" help:"likewise as a description of one's own"`
	Answer      string `placeholder:"FILE" help:"body of the sample answer"`
	Status      int    `default:"200" placeholder:"N" help:"its HTTP status (default 200)"`
	JSON        bool   `name:"json" help:"print as JSON"`
}

func (c *channelTryCmd) Run(e *env) error {
	switch {
	case c.Answer != "":
		return c.sample(e)
	case c.Name == "" || c.To == "" || c.Text == "" || c.Data == "":
		return usage("gsmgate channel try NAME --to N --text T --data DIR sends one; --preset P --answer FILE reads a sample", "name, --to, --text and --data are needed")
	}
	return dataDir{c.Data}.call(e, reads, func(ctx context.Context, api *client.Client) error {
		t, err := api.Try(ctx, c.Name, provisioning.TrialOf{From: c.From, To: c.To, Text: c.Text})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(t)
		}
		fmt.Fprintf(e.stdout, "--- request\n%s\n--- answer\n%s\n--- understood\n", visibleLines(t.Request), visibleLines(t.Answer))
		return tellTrial(e, &t)
	})
}

// visibleLines is a text of several lines on a terminal, which a provider has
// written.
func visibleLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		if line = strings.TrimRight(line, "\r"); line != "" {
			line = visible(line, -1)
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// sample reads an answer that a person has at hand.
func (c *channelTryCmd) sample(e *env) error {
	d, err := c.described()
	if err != nil {
		return hinting(err)
	}
	body, err := os.ReadFile(c.Answer)
	if err != nil {
		return fail("--answer names a file with the body of an answer", "%w", err)
	}
	t := trialOf(d.TryAnswer(c.Status, http.Header{}, body))
	if c.JSON {
		return e.json(t)
	}
	return tellTrial(e, &t)
}

func (c *channelTryCmd) described() (*httpchan.Description, error) {
	if c.Description == "" {
		return httpchan.Preset(c.Preset)
	}
	raw, err := os.ReadFile(c.Description)
	if err != nil {
		return nil, err
	}
	return httpchan.ParseDescription(raw)
}

// tellTrial prints what was understood.
func tellTrial(e *env, t *provisioning.Trial) error {
	lines := [][2]string{{"class", t.Class}}
	for _, l := range [][2]string{{"id", t.Ref}, {"code", t.Code}, {"reason", t.Reason}} {
		if l[1] != "" {
			lines = append(lines, [2]string{l[0], visible(l[1], -1)})
		}
	}
	if t.WaitS > 0 {
		lines = append(lines, [2]string{"wait", fmt.Sprintf("%g s", t.WaitS)})
	}
	return e.fields(lines)
}

func trialOf(u httpchan.Understood) provisioning.Trial {
	return provisioning.Trial{Class: string(u.Class), Ref: u.ID, Code: u.Code, Reason: u.Reason, WaitS: u.WaitS}
}

// tryChannel sends a text by the channel of a record, which need not run.
func tryChannel(ctx context.Context, c *storage.Channel, of provisioning.TrialOf) (provisioning.Trial, error) {
	ch, err := httpchan.New(httpchan.Config{Record: *c})
	if err != nil {
		return provisioning.Trial{}, err
	}
	t, err := ch.Try(ctx, of.From, of.To, of.Text)
	out := trialOf(t.Understood)
	out.Request, out.Status, out.Answer = t.Request, t.Status, t.Answer
	return out, err
}

// hinting keeps the hint of an error of a room below.
func hinting(err error) error {
	if re := (*router.Error)(nil); errors.As(err, &re) {
		return fail(re.Hint, "%s", re.Message)
	}
	return err
}

type channelURLsCmd struct {
	dataDir
	Name string `arg:"" help:"name of the channel"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *channelURLsCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		u, err := api.CallURLs(ctx, c.Name)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		return e.fields([][2]string{{"reports", orDash(u.Report)}, {"incoming", orDash(u.Incoming)}})
	})
}
