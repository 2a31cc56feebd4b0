package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"gsmgate/modem"
	"gsmgate/modem/discover"
)

type modemCheckCmd struct {
	Port   string `arg:"" help:"where the modem is, as --modem of serve says it: /dev/ttyUSB0, usb:1-1.4, imei:DIGITS, tcp://HOST:PORT or rfc2217://HOST:PORT[?baud=N]; no gateway may have it"`
	PIN    string `name:"pin" help:"PIN of the SIM, if it asks for one; a wrong one is tried once, and none with one try left"`
	To     string `placeholder:"NUMBER" help:"send a message to this number, and wait for its report"`
	JSON   bool   `name:"json" help:"print as JSON, at the end"`
	Record string `placeholder:"FILE" help:"write what was said to a file that a simulator can play"`
	Full   bool   `help:"with --record: with texts and numbers"`
	Root   string `name:"modem-root" default:"/" hidden:"" help:"directory with sys and dev"`
	Data   string `placeholder:"DIR" env:"GSMGATE_DATA" help:"data directory of the gateway that is to have the modem: PINs refused there are not tried here (default: a list of your own)"`
}

// checked is the result for programs.
type checked struct {
	Port   string        `json:"port"`
	Usable bool          `json:"usable"`
	Steps  []checkedStep `json:"steps"`
}

type checkedStep struct {
	Step    string        `json:"step"`
	Verdict modem.Verdict `json:"verdict"`
	Text    string        `json:"text"`
	Hint    string        `json:"hint,omitempty"`
}

var dialable = regexp.MustCompile(`^\+?[0-9]{3,15}$`)

func (c *modemCheckCmd) Run(e *env) error {
	if err := c.named(); err != nil {
		return err
	}
	if c.To != "" && !dialable.MatchString(c.To) {
		return usage("use a number such as +31612345678", "--to: %q cannot be dialled", c.To)
	}
	if c.Full && c.Record == "" {
		return usage("add --record FILE", "--full is about the file of --record")
	}
	refused, err := c.refused()
	if err != nil {
		return err
	}
	finder := &modem.Finder{Root: discover.Under(c.Root)}
	r := modem.Check(e.ctx, modem.CheckConfig{Port: c.Port, Open: finder.Open, PIN: c.PIN, Refused: refused, To: c.To, Step: func(f modem.Finding) {
		if !c.JSON {
			printFinding(e, f)
		}
	}})
	if c.JSON {
		if err := e.json(c.view(r)); err != nil {
			return err
		}
	}
	return c.end(r)
}

// named wants one modem: a check is of no more.
func (c *modemCheckCmd) named() error {
	if c.Port == modem.FindModems || c.Port == modem.FindUSB {
		return usage("gsmgate modem scan lists what is plugged in, each with its place", "%s is no one modem", c.Port)
	}
	if err := modem.CheckPlace(c.Port); err != nil {
		return usage("a place is /dev/ttyUSB0, usb:1-1.4, imei:DIGITS, tcp://HOST:PORT or rfc2217://HOST:PORT[?baud=N]", "%w", err)
	}
	return nil
}

// end writes the recording, and says no for the exit code.
func (c *modemCheckCmd) end(r *modem.CheckResult) error {
	var all several
	if c.Record != "" {
		text, err := r.Transcript(c.Full).MarshalText()
		if err == nil {
			err = writePrivate(c.Record, text)
		}
		if err != nil {
			all = append(all, err)
		}
	}
	if !r.Usable() {
		all = append(all, fail("", "the modem at %s cannot be used as it is", c.Port))
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

func printFinding(e *env, f modem.Finding) {
	fmt.Fprintf(e.stdout, "%-4s  %-15s  %s\n", f.Verdict, f.Step, visible(f.Text, -1))
	if f.Mend != "" {
		fmt.Fprintf(e.stdout, "%-23shint: %s\n", "", visible(f.Mend, -1))
	}
}

func (c *modemCheckCmd) view(r *modem.CheckResult) checked {
	out := checked{Port: c.Port, Usable: r.Usable(), Steps: []checkedStep{}}
	for _, f := range r.Findings {
		out.Steps = append(out.Steps, checkedStep{f.Step, f.Verdict, f.Text, f.Mend})
	}
	return out
}

// refused is where refused PINs are remembered: a check that is tried again must not burn the next try.
func (c *modemCheckCmd) refused() (modem.PINMemory, error) {
	if c.PIN == "" {
		return nil, nil
	}
	if c.Data != "" {
		return refusedPINs{filepath.Join(c.Data, refusedDir)}, ownedBelow(c.Data, refusedDir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return nil, fail("name a directory with --data", "nowhere to remember a refused PIN: %w", err)
	}
	return refusedPINs{filepath.Join(dir, "gsmgate", refusedDir)}, nil
}

// ownedBelow makes a directory for the owner of the one that it is in: root may check a modem for a gateway that is not root, and what
// the gateway cannot read there counts as a refusal.
func ownedBelow(parent, name string) error {
	info, err := os.Stat(parent)
	if err != nil {
		return fail("check --data", "no gsmgate data in %s", parent)
	}
	dir := filepath.Join(parent, name)
	err = os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok && err == nil {
		err = os.Chown(dir, int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		return fail("run it as the gateway's user, or as root", "nowhere to remember a refused PIN: %w", err)
	}
	return nil
}
