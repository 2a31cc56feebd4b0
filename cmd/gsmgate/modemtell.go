package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

// oneModem is a command to one modem.
type oneModem struct {
	dataDir
	ID   string `arg:"" help:"IMEI of the modem, or its path"`
	JSON bool   `name:"json" help:"print as JSON"`
}

// tell gives a command, and shows what is to be seen of the modem then.
func (c *oneModem) tell(e *env, do func(context.Context, *client.Client) (provisioning.ModemDetail, error)) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		m, err := do(ctx, api)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(m)
		}
		fmt.Fprintf(e.stdout, "%s sends: %s\n", m.Path, sendsWords(m.Modem))
		return nil
	})
}

// sendsWords is whether a modem sends, with the reason when it does not.
func sendsWords(m provisioning.Modem) string {
	if m.SendsReason == "" {
		return m.Sends
	}
	return m.Sends + " (" + visible(m.SendsReason, -1) + ")"
}

type modemDisableCmd struct{ oneModem }

func (c *modemDisableCmd) Run(e *env) error { return c.verb(e, "disable") }

type modemEnableCmd struct{ oneModem }

func (c *modemEnableCmd) Run(e *env) error { return c.verb(e, "enable") }

type modemDrainCmd struct{ oneModem }

func (c *modemDrainCmd) Run(e *env) error { return c.verb(e, "drain") }

func (c *oneModem) verb(e *env, command string) error {
	return c.tell(e, func(ctx context.Context, api *client.Client) (provisioning.ModemDetail, error) {
		return api.TellModem(ctx, c.ID, command)
	})
}

type modemResetCmd struct {
	oneModem
	Rung string `placeholder:"RUNG" help:"at, radio, modem, port, usb or power; without it the modem is restarted"`
}

func (c *modemResetCmd) Run(e *env) error {
	return c.tell(e, func(ctx context.Context, api *client.Client) (provisioning.ModemDetail, error) {
		return api.ResetModem(ctx, c.ID, provisioning.ResetRequest{Rung: c.Rung})
	})
}

type modemShowCmd struct{ oneModem }

func (c *modemShowCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		m, err := api.Modem(ctx, c.ID)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(m)
		}
		return printModem(e.stdout, m)
	})
}

func printModem(out io.Writer, m provisioning.ModemDetail) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, visible(cmp.Or(strings.TrimSpace(fmt.Sprintf(format, args...)), "-"), -1))
	}
	line("modem", "%s", m.Path)
	line("state", "%s since %s", m.State, m.Since.Local().Format(time.DateTime))
	line("reason", "%s", advice(m.Modem))
	line("sends", "%s", sendsWords(m.Modem))
	line("health", "%d %%", m.Health)
	if m.Suspicion != "" {
		line("suspicion", "%s", m.Suspicion)
	}
	line("device", "%s", m.Node)
	line("identity", "%s %s, firmware %s", m.Manufacturer, m.Model, m.Revision)
	line("IMEI", "%s", m.IMEI)
	line("ICCID", "%s", m.ICCID)
	line("IMSI", "%s", m.IMSI)
	line("number", "%s", numberOf(m))
	line("SMSC", "%s", and(m.SMSC, m.SMSCReason))
	line("operator", "%s%s", m.Operator, map[bool]string{true: ", roaming"}[m.Roaming])
	if m.SignalDBM != nil {
		line("signal", "%d dBm", *m.SignalDBM)
	}
	line("storage", "%d of %d used", m.StoredUsed, m.StoredTotal)
	if m.StorageAlarm != "" {
		line("storage alarm", "%s", and(m.StorageAlarm, m.StorageHint))
	}
	line("reports", "%s", and(m.ReportWay, m.ReportReason))
	line("messages", "%d sent, %d refused, %d unknown, %d received, %d reports", m.Sent, m.Refused, m.Unknown, m.Received, m.Reports)
	line("calls", "%d hung up", m.Calls)
	line("port opened", "%d times", m.Sessions)
	if b := m.Balance; b != nil {
		line("balance", "%s", balanceLine(*b))
	}
	if m.LastErrorAt != nil {
		line("last error", "%s, at %s", m.LastError, m.LastErrorAt.Local().Format(time.DateTime))
	}
	return w.Flush()
}

// and joins what is known with what is to be said of it; either may be empty.
func and(known, remark string) string {
	if known == "" || remark == "" {
		return known + remark
	}
	return known + "; " + remark
}

func numberOf(m provisioning.ModemDetail) string {
	if m.OwnNumber == "" {
		return "not known; gsmgate modem learn-number finds it out"
	}
	return m.OwnNumber + map[string]string{"set": ", as it was set", "card": ", as the card says", "learnt": ", as it was learnt"}[m.NumberFrom]
}

// balanceLine is an amount, and what is to be said of it.
func balanceLine(b provisioning.ModemBalance) string {
	words := cmp.Or(b.Amount, "not known")
	if b.At != nil {
		words += " at " + b.At.Local().Format(time.DateTime)
	}
	if b.Low {
		words += ", low"
	}
	if b.Problem != "" {
		words += "; the newest answer gave none: " + b.Problem
	}
	return words
}

type modemBalanceCmd struct{ oneModem }

func (c *modemBalanceCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		b, err := api.ModemBalance(ctx, c.ID)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(b)
		}
		if b.Problem != "" {
			fmt.Fprintf(e.stdout, "the operator says: %s\n", visible(b.Answer, -1))
		}
		fmt.Fprintf(e.stdout, "balance: %s\n", balanceLine(b))
		return nil
	})
}

type modemLearnNumberCmd struct{ oneModem }

func (c *modemLearnNumberCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		fmt.Fprintln(e.stderr, "one message goes to another SIM of the bank, and costs what a message costs")
		n, err := api.LearnNumber(ctx, c.ID)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(n)
		}
		fmt.Fprintf(e.stdout, "its number is %s (the message came to %s)\n", visible(n.Number, 20), n.Via)
		return nil
	})
}

type modemUSSDCmd struct {
	oneModem
	Code   string `arg:"" optional:"" help:"code, such as '*100#'; without it the command shows what the network has said last"`
	Reply  string `placeholder:"TEXT" help:"reply in the open session, instead of a code"`
	Cancel bool   `help:"close the open session"`
}

func (c *modemUSSDCmd) Run(e *env) error {
	if c.Code != "" && (c.Reply != "" || c.Cancel) || c.Reply != "" && c.Cancel {
		return usage("gsmgate modem ussd --help", "give one of a code, --reply and --cancel")
	}
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		u, err := c.say(ctx, api)
		if err == nil {
			err = c.show(e, u)
		}
		for in := bufio.NewReader(e.stdin); err == nil && u.Session != "" && c.Code != "" && !c.JSON && isTerminal(e.stdin); {
			u, err = c.next(ctx, e, in, api, u)
		}
		return err
	})
}

// say does what the command line asks for.
func (c *modemUSSDCmd) say(ctx context.Context, api *client.Client) (provisioning.USSD, error) {
	switch {
	case c.Code != "":
		return api.USSD(ctx, c.ID, provisioning.USSDRequest{Code: c.Code})
	case c.Cancel:
		return api.CancelUSSD(ctx, c.ID)
	}
	u, err := api.LastUSSD(ctx, c.ID)
	if err != nil || c.Reply == "" {
		return u, err
	}
	if u.Session == "" {
		return u, fail("send a code first", "no USSD session waits for a reply")
	}
	return api.USSD(ctx, c.ID, provisioning.USSDRequest{Reply: c.Reply, Session: u.Session})
}

func (c *modemUSSDCmd) show(e *env, u provisioning.USSD) error {
	if c.JSON {
		return e.json(u)
	}
	for line := range strings.SplitSeq(u.Text, "\n") {
		fmt.Fprintln(e.stdout, visible(line, -1))
	}
	if u.Session != "" {
		fmt.Fprintln(e.stderr, "the network waits for a reply")
	}
	return nil
}

// next asks the person at the terminal; an empty line closes the session.
func (c *modemUSSDCmd) next(ctx context.Context, e *env, in *bufio.Reader, api *client.Client, u provisioning.USSD) (provisioning.USSD, error) {
	fmt.Fprint(e.stderr, "reply (nothing: end): ")
	text, err := in.ReadString('\n')
	if text = strings.TrimSpace(text); err != nil || text == "" {
		_, err = api.CancelUSSD(ctx, c.ID)
		return provisioning.USSD{}, err
	}
	u, err = api.USSD(ctx, c.ID, provisioning.USSDRequest{Reply: text, Session: u.Session})
	if err == nil {
		err = c.show(e, u)
	}
	return u, err
}

// isTerminal tells whether a person can be asked.
func isTerminal(in io.Reader) bool {
	f, ok := in.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != os.DevNull
}
