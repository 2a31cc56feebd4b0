package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
)

// smscCmd is gsmgate-sim smsc.
type smscCmd struct {
	Listen       string            `default:"smpp://127.0.0.1:2775" help:"smpp://HOST:PORT or smpps://HOST:PORT; port 0 takes any free one."`
	CertDir      string            `type:"path" help:"Directory for the self-signed certificate of smpps."`
	User         map[string]string `placeholder:"NAME=PASSWORD" help:"Who may bind; without, everybody."`
	AnswerDelay  time.Duration     `help:"Before submit_sm_resp."`
	ReceiptDelay time.Duration     `help:"From submit_sm_resp to the delivery receipt."`
	FailShare    float64           `help:"Share of messages, 0 to 1, that end UNDELIVERABLE."`
	Fault        []string          `sep:"none" placeholder:"FAULT" help:"A fault of those listed below; again for more."`
}

// Help is shown below the flags.
func (c *smscCmd) Help() string {
	return "Commands that are read from standard input:\n\n  " + strings.Join(smscCommands, "\n  ") +
		"\n\nFaults:\n\n  " + strings.Join(smppsim.FaultHelp(), "\n  ")
}

// smscCommands are what a person may type.
var smscCommands = []string{
	"fault FAULT             one more fault, from now on",
	"clear                   no fault any more",
	"drop                    cuts all connections",
	"send USER FROM TO TEXT  a handset sends TEXT, to be delivered to USER",
	"counts                  what was seen so far",
	"help                    this list, and the faults",
}

// Run serves until ctx is done.
func (c *smscCmd) Run(ctx context.Context, s streams) error {
	address, secure, err := smppURL(c.Listen)
	if err != nil {
		return err
	}
	faults, err := smppsim.ParseFaults(c.Fault...)
	if err != nil {
		return fail("gsmgate-sim smsc --help lists the faults", "--fault: %w", err)
	}
	conf := smppsim.SMSCConfig{Users: c.User, AnswerDelay: c.AnswerDelay, ReceiptDelay: c.ReceiptDelay, FailShare: c.FailShare, Faults: faults}
	scheme := "smpp"
	if secure {
		scheme = "smpps"
		if conf.TLS, err = c.certificate(s); err != nil {
			return err
		}
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fail("another program may have the port; --listen smpp://127.0.0.1:0 takes a free one", "%w", err)
	}
	out := &lines{w: s.out}
	out.printf("listening on %s://%s\n", scheme, l.Addr())
	smsc := smppsim.NewSMSC(conf)
	console := &smscConsole{smsc: smsc, out: out, faults: faults}
	go console.read(ctx, s.in) // ends with its input, at the latest with the process
	err = smsc.Serve(ctx, l)
	console.counts()
	return err
}

func (c *smscCmd) certificate(s streams) (*tls.Config, error) {
	if c.CertDir == "" {
		return nil, fail("give one with --cert-dir", "smpps needs a directory for its certificate")
	}
	source, err := smppd.Certificate(c.CertDir, "", "", slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return nil, fail("see --cert-dir", "%w", err)
	}
	return source.TLSConfig(), nil
}

// smscConsole is what a person types to an SMSC.
type smscConsole struct {
	smsc   *smppsim.SMSC
	out    *lines
	faults []smppsim.Fault // touched by read only
}

func (c *smscConsole) read(ctx context.Context, in io.Reader) {
	typed(in, c.out, func(line string) error { return c.command(ctx, line) })
}

func (c *smscConsole) command(ctx context.Context, line string) error {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "fault":
		f, err := smppsim.ParseFault(rest)
		if err != nil {
			return err
		}
		c.faults = append(c.faults, f)
		c.smsc.SetFaults(c.faults...)
		c.out.printf("fault: %s\n", f)
	case "clear":
		c.faults = nil
		c.smsc.SetFaults()
		c.out.printf("no fault\n")
	case "drop":
		c.smsc.Drop()
	case "send":
		return c.send(ctx, rest)
	case "counts":
		c.counts()
	case "help":
		c.out.printf("%s\nfaults:\n  %s\n", strings.Join(smscCommands, "\n"), strings.Join(smppsim.FaultHelp(), "\n  "))
	default:
		return fmt.Errorf("no command is called %q", verb)
	}
	return nil
}

// answerTime is for the user to answer what a handset sends.
const answerTime = 10 * time.Second

// send gives a message of a handset to a user.
func (c *smscConsole) send(ctx context.Context, rest string) error {
	words := strings.SplitN(rest, " ", 4)
	if len(words) < 4 {
		return fmt.Errorf("send USER FROM TO TEXT")
	}
	sm, err := smppsim.Message(words[3])
	if err != nil {
		return err
	}
	d := smpp.DeliverSM(*sm)
	d.Source, d.Dest = address34(words[1]), address34(words[2])
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	status, err := c.smsc.Deliver(ctx, words[0], &d)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", words[0], err)
	}
	c.out.printf("%s: %s\n", words[0], status)
	return nil
}

func (c *smscConsole) counts() {
	n := c.smsc.Counts()
	c.out.printf("%d accepted, %d refused, %d delivered to ESMEs, %d receipts lost\n", n.Submits, n.Refused, n.Delivered, n.Lost)
}
