package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"gsmgate/modem"
	"gsmgate/modem/discover"
	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

type modemCmd struct {
	List modemListCmd `cmd:"" help:"List the modems of the running gateway."`
	Scan modemScanCmd `cmd:"" help:"Show what is plugged in and which ports would be used; needs no gateway."`

	Check      modemCheckCmd      `cmd:"" help:"Prove a modem step by step, without a gateway."`
	Profiles   modemProfilesCmd   `cmd:"" help:"Show the table of models of modems, and what a file would add to it; needs no gateway."`
	Causes     modemCausesCmd     `cmd:"" help:"Show what is done about each error that a modem may answer."`
	Transcript modemTranscriptCmd `cmd:"" help:"Show what was said to a modem and by it lately."`

	Show        modemShowCmd        `cmd:"" help:"Show one modem with all that is known of it."`
	Disable     modemDisableCmd     `cmd:"" help:"Send nothing by the SIM in a modem any more; what comes in is taken."`
	Enable      modemEnableCmd      `cmd:"" help:"Send by the SIM in a modem again."`
	Drain       modemDrainCmd       `cmd:"" help:"Let the SIM in a modem end what it has begun, then disable it."`
	Reset       modemResetCmd       `cmd:"" help:"Reset a modem."`
	USSD        modemUSSDCmd        `cmd:"" name:"ussd" help:"Send a USSD code by a modem, step by step."`
	Balance     modemBalanceCmd     `cmd:"" help:"Ask for the balance of the SIM in a modem, as its record says."`
	LearnNumber modemLearnNumberCmd `cmd:"" help:"Find out a SIM's own number by one message to another SIM of the bank."`
}

type modemListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *modemListCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		list, err := api.Modems(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(list)
		}
		return printModems(e.stdout, list)
	})
}

func printModems(out io.Writer, list []provisioning.Modem) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODEM\tSTATE\tNODE\tUSB\tDEVICE\tINTERFACE\tIMEI\tMODEL\tOPERATOR\tSENDS\tSENT\tREASON")
	for _, m := range list {
		usb, device, number := "-", "-", "-"
		if m.USB != nil {
			usb, device = m.USB.Path, m.USB.Vendor+":"+m.USB.Product
			if m.USB.Interface != nil {
				number = fmt.Sprint(*m.USB.Interface)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", m.Path, m.State, orDash(m.Node), usb, visible(device, 9), number,
			orDash(visible(m.IMEI, 17)), orDash(visible(m.Model, 20)), orDash(visible(m.Operator, 20)), orDash(m.Sends), m.Sent, orDash(visible(reasons(m), -1)))
	}
	return w.Flush()
}

// reasons is why a modem is not ready, or does not send, and what else is wrong with it.
func reasons(m provisioning.Modem) string {
	held := m.SendsReason
	if m.Sends == "no" { // as it is not ready
		held = ""
	}
	return joined(advice(m), held, ills(m))
}

// ills are what is wrong with a modem whether it is ready or not.
func ills(m provisioning.Modem) string {
	if m.StorageAlarm == "" {
		return m.Suspicion
	}
	return joined(m.Suspicion, m.StorageAlarm, m.StorageHint)
}

// joined puts "; " between texts that are not empty.
func joined(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// advice is why a modem is not ready, and what to do about it.
func advice(m provisioning.Modem) string {
	if m.Reason == "" || m.Hint == "" {
		return m.Reason
	}
	return m.Reason + "; " + m.Hint
}

type modemScanCmd struct {
	Probe    bool   `help:"ask the ports of modems what they are (AT commands that change nothing); those in use are left alone"`
	Adapters bool   `help:"with --probe: ask plain serial adapters too"`
	Root     string `name:"modem-root" default:"/" hidden:"" help:"directory with sys and dev"`
	JSON     bool   `name:"json" help:"print as JSON"`
}

// scanned is what a scan shows.
type scanned struct {
	USB    []scannedDevice `json:"usb"`
	Boards []discover.Port `json:"boards"`
}

type scannedDevice struct {
	discover.Device
	Use     string        `json:"use"`    // node of the port that would be used; empty: none
	Place   string        `json:"place"`  // what --modem would say
	Reason  string        `json:"reason"` // why none would be used
	Hint    string        `json:"hint"`
	Answers []scannedPort `json:"answers,omitempty"`
}

type scannedPort struct {
	Node  string `json:"node"`
	AT    bool   `json:"at"`
	SMS   bool   `json:"sms"`
	URCs  bool   `json:"urcs"`
	IMEI  string `json:"imei"`
	Error string `json:"error"`
}

func (c *modemScanCmd) Run(e *env) error {
	root := discover.Under(c.Root)
	devices, err := root.USB()
	if err != nil {
		return fail("sysfs must be mounted on /sys", "USB devices cannot be listed: %w", err)
	}
	all := scanned{USB: []scannedDevice{}, Boards: []discover.Port{}}
	finder := &modem.Finder{Root: root}
	for _, d := range devices {
		all.USB = append(all.USB, c.look(e.ctx, finder, d))
	}
	boards, err := root.Boards()
	if err != nil {
		return fail("sysfs must be mounted on /sys", "serial ports cannot be listed: %w", err)
	}
	all.Boards = append(all.Boards, boards...)
	if c.JSON {
		return e.json(all)
	}
	return all.print(e.stdout)
}

// look says which port of a device would be used: as its ports answer, or else a guess.
func (c *modemScanCmd) look(ctx context.Context, f *modem.Finder, d discover.Device) scannedDevice {
	s := scannedDevice{Device: d, Place: "usb:" + d.Path}
	if d.Ports == nil {
		s.Ports = []discover.Port{}
	}
	err := modem.Usable(d)
	switch {
	case err != nil:
	case c.Probe && (d.Mode == discover.Modem || c.Adapters):
		var answers []modem.Answer
		answers, err = f.Ask(ctx, d)
		s.answered(answers)
	default:
		for _, p := range d.Ports {
			if p.Interface == d.Guess()[0] {
				s.Use = p.Node
			}
		}
	}
	if err != nil {
		s.Reason = err.Error()
	}
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		s.Hint = hinted.Hint()
	}
	return s
}

func (s *scannedDevice) answered(answers []modem.Answer) {
	for _, a := range answers {
		p := scannedPort{Node: a.Port.Node, AT: a.AT, SMS: a.SMS, URCs: a.URCs, IMEI: a.IMEI}
		if a.Err != nil {
			p.Error = a.Err.Error()
		}
		if a.Chosen {
			s.Use = a.Port.Node
		}
		s.Answers = append(s.Answers, p)
	}
}

func (s scanned) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PLACE\tDEVICE\tKIND\tNAME\tPORT\tINTERFACE\tDRIVER\tUSE")
	for _, d := range s.USB {
		d.print(w)
	}
	for _, p := range s.Boards {
		fmt.Fprintf(w, "%s\t-\tboard\t-\t%s\t-\t%s\t-\n", p.Node, p.Node, orDash(p.Driver))
	}
	if len(s.USB)+len(s.Boards) == 0 {
		fmt.Fprintln(w, "no serial port and no modem is plugged in")
	}
	return w.Flush()
}

func (d scannedDevice) print(w io.Writer) {
	name := orDash(visible(strings.TrimSpace(d.Maker+" "+d.Name), 40))
	if len(d.Ports) == 0 {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t-\t-\t-\t%s; %s\n", d.Place, d.ID(), d.Mode, name, d.Reason, d.Hint)
	}
	for _, p := range d.Ports {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\n", d.Place, d.ID(), d.Mode, name, p.Node, p.Interface, orDash(p.Driver), d.verdict(p))
	}
}

// verdict says whether a port would be used, and what it answered.
func (d scannedDevice) verdict(p discover.Port) string {
	words := "-"
	switch {
	case d.Use == p.Node && d.Answers == nil && d.Mode == discover.Adapter:
		words = "when it is named"
	case d.Use == p.Node && d.Answers == nil && len(d.Ports) > 1:
		words = "likely"
	case d.Use == p.Node:
		words = "yes"
	}
	for _, a := range d.Answers {
		if a.Node == p.Node {
			return words + " (" + a.words() + ")"
		}
	}
	return words
}

func (p scannedPort) words() string {
	switch {
	case p.SMS && p.URCs:
		return "AT, messages, speaks by itself; IMEI " + orDash(p.IMEI)
	case p.SMS:
		return "AT, messages; IMEI " + orDash(p.IMEI)
	case p.AT:
		return "AT, no messages"
	}
	return visible(p.Error, -1)
}
