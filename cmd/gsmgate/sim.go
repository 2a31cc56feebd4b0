package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type simCmd struct {
	List   simListCmd   `cmd:"" help:"List SIMs with what they have sent and why they do not send."`
	Show   simShowCmd   `cmd:"" help:"Show one SIM."`
	Set    simSetCmd    `cmd:"" help:"Change a SIM; it holds at once, in whatever modem it is."`
	Remove simRemoveCmd `cmd:"" help:"Forget what is set for a SIM and learnt of it."`
}

type simListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *simListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		sims, err := api.SIMs(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(sims)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "SIM\tNAME\tPOOL\tSTATE\tTODAY\tMONTH\tBALANCE\tMODEM\tREASON")
		for _, s := range sims {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, visible(s.Name, 20), cmp.Or(s.Pool, "-"), s.State,
				usedOf(s, "day"), usedOf(s, "month"), cmp.Or(s.Balance, "-"), cmp.Or(s.Modem, "-"), visible(s.Reason, -1))
		}
		return w.Flush()
	})
}

// usedOf is 17/100, or 17 without a limit.
func usedOf(s provisioning.SIM, per string) string {
	for _, l := range s.Limits {
		switch {
		case l.Per != per:
		case l.Limit > 0:
			return fmt.Sprintf("%d/%d", l.Used, l.Limit)
		default:
			return strconv.Itoa(l.Used)
		}
	}
	return "-"
}

// simArg names a SIM.
type simArg struct {
	SIM string `arg:"" help:"ICCID, or at least six digits at the end of it"`
}

type simShowCmd struct {
	dataDir
	simArg
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *simShowCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		s, err := api.SIM(ctx, c.SIM)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(s)
		}
		return e.fields(simLines(s))
	})
}

func simLines(s provisioning.SIM) [][2]string {
	lines := [][2]string{
		{"sim", s.ID}, {"name", visible(s.Name, -1)}, {"pool", cmp.Or(s.Pool, "the default one")},
		{"state", s.State}, {"reason", visible(s.Reason, -1)}, {"until", timeOr(s.Until, "-")},
		{"modem", cmp.Or(s.Modem, "-")}, {"imei", cmp.Or(s.IMEI, s.LastIMEI, "-")}, {"imsi", cmp.Or(s.IMSI, "-")},
		{"disabled", yesNo(s.Disabled)}, {"draining", yesNo(s.Draining)}, {"pin", map[bool]string{true: "set", false: "none"}[s.HasPIN]},
		{"smsc", cmp.Or(s.SMSC, "that of the card")}, {"roaming", s.Roaming},
		{"number", cmp.Or(s.Number, s.Learnt, "-")},
	}
	for _, l := range s.Limits {
		text := fmt.Sprintf("%d used, no limit", l.Used)
		if l.Left != nil {
			text = fmt.Sprintf("%d used, %d left of %d", l.Used, *l.Left, l.Limit)
		}
		lines = append(lines, [2]string{"per " + l.Per, text})
	}
	return append(lines, [][2]string{
		{"gap", millis(s.GapMS)}, {"jitter", millis(s.JitterMS)}, {"quiet", cmp.Or(strings.Join(s.Quiet, "; "), "never")}, {"zone", cmp.Or(s.Zone, "that of the machine")},
		{"balance", visible(s.Balance, -1)}, {"balance at", timeOr(s.BalanceAt, "-")}, {"balance code", cmp.Or(s.BalanceCode, "-")},
		{"balance pattern", cmp.Or(s.BalancePattern, "-")}, {"balance every", fmt.Sprintf("%d h", s.BalanceEveryH)}, {"balance low", cmp.Or(s.BalanceLow, "-")},
		{"last sent", timeOr(s.LastSent, "never")}, {"last seen", timeOr(s.LastSeen, "never")}, {"parts in all", strconv.FormatUint(s.Total, 10)},
	}...)
}

func millis(n int) string { return (time.Duration(n) * time.Millisecond).String() }

func timeOr(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return clock(t.Local())
}

type simSetCmd struct {
	dataDir
	simArg
	Name       *string        `placeholder:"TEXT" help:"for people"`
	Pool       *string        `placeholder:"NAME" help:"pool that it sends for; default: that of all that are in no other"`
	PIN        *string        `name:"pin" placeholder:"P" help:"4 to 8 digits; - reads it from standard input, none takes it away"`
	SMSC       *string        `name:"smsc" placeholder:"N" help:"service-centre address to set; none: that of the card"`
	Roaming    *string        `placeholder:"R" help:"send (default), or hold: send nothing while roaming"`
	Number     *string        `placeholder:"N" help:"its own number; none takes it away"`
	Disable    bool           `xor:"disabled" help:"send nothing by it"`
	Enable     bool           `xor:"disabled" help:"end --disable"`
	Drain      bool           `xor:"draining" help:"send what it has begun, and nothing new"`
	Resume     bool           `xor:"draining" help:"end --drain"`
	PerMinute  *int           `placeholder:"N" help:"parts in any minute at most; 0: no limit"`
	PerHour    *int           `placeholder:"N" help:"parts in any hour at most"`
	PerDay     *int           `placeholder:"N" help:"parts of a day of the calendar at most"`
	PerMonth   *int           `placeholder:"N" help:"parts of a month of the calendar at most"`
	Gap        *time.Duration `placeholder:"2s" help:"at least from one part to the next"`
	Jitter     *time.Duration `placeholder:"3s" help:"up to so much more, at random"`
	Quiet      []string       `placeholder:"HOURS" sep:"none" xor:"quiet" help:"hold messages in these hours, 22:00-07:00 or 'sat,sun 00:00-24:00', instead of all it has; again for more"`
	NoQuiet    bool           `xor:"quiet" help:"take all quiet hours away"`
	Zone       *string        `placeholder:"Z" help:"time zone of quiet hours, days and months, Europe/Amsterdam; none: that of the machine"`
	BalCode    *string        `name:"balance-code" placeholder:"*100#" help:"USSD code that asks for the balance, or sms:NUMBER:TEXT"`
	BalPattern *string        `name:"balance-pattern" placeholder:"RE" help:"regular expression whose first group is the amount"`
	BalLow     *string        `name:"balance-low" placeholder:"N" help:"amount under which the balance is low"`
	BalEvery   *int           `name:"balance-every" placeholder:"H" help:"hours from one asking to the next; 0: only by command"`
	JSON       bool           `name:"json" help:"print as JSON"`
}

// patch says what the flags ask for.
func (c *simSetCmd) patch(e *env) (p provisioning.SIMPatch, err error) {
	if c.PIN != nil {
		secret, err := password(e, *c.PIN)
		if err != nil {
			return p, err
		}
		p.PIN = unlessNone(&secret)
	}
	p.Name, p.SMSC, p.Roaming, p.Number, p.Zone = c.Name, unlessNone(c.SMSC), c.Roaming, unlessNone(c.Number), unlessNone(c.Zone)
	if p.Pool = c.Pool; c.Pool != nil && *c.Pool == "default" {
		p.Pool = new(string)
	}
	p.PerMinute, p.PerHour, p.PerDay, p.PerMonth = c.PerMinute, c.PerHour, c.PerDay, c.PerMonth
	p.GapMS, p.JitterMS = inMillis(c.Gap), inMillis(c.Jitter)
	p.BalanceCode, p.BalancePattern, p.BalanceLow, p.BalanceEveryH = unlessNone(c.BalCode), unlessNone(c.BalPattern), unlessNone(c.BalLow), c.BalEvery
	if c.Disable || c.Enable {
		p.Disabled = &c.Disable
	}
	if c.Drain || c.Resume {
		p.Draining = &c.Drain
	}
	if len(c.Quiet) > 0 || c.NoQuiet {
		hours := append([]string{}, c.Quiet...)
		p.Quiet = &hours
	}
	if p == (provisioning.SIMPatch{}) {
		return p, usage("gsmgate sim set --help lists what can be changed", "nothing to change")
	}
	return p, nil
}

func inMillis(d *time.Duration) *int {
	if d == nil {
		return nil
	}
	ms := int(d.Milliseconds())
	return &ms
}

func (c *simSetCmd) Run(e *env) error {
	patch, err := c.patch(e)
	if err != nil {
		return err
	}
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		s, err := api.SetSIM(ctx, c.SIM, patch)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(s)
		}
		fmt.Fprintf(e.stdout, "SIM %s changed\n", s.ID)
		return nil
	})
}

type simRemoveCmd struct {
	dataDir
	simArg
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *simRemoveCmd) Run(e *env) error {
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		s, err := api.RemoveSIM(ctx, c.SIM)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(s)
		}
		fmt.Fprintf(e.stdout, "SIM %s forgotten\n", s.ID)
		return nil
	})
}
