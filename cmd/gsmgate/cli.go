package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFailed = 1
	exitUsage  = 2
)

type cli struct {
	Serve    serveCmd    `cmd:"" help:"Run the gateway."`
	User     userCmd     `cmd:"" help:"Add, list and change users and their credits."`
	Channel  channelCmd  `cmd:"" help:"Set up providers of SMPP and HTTP, and try them."`
	Filter   filterCmd   `cmd:"" help:"Drop some of the messages that come in."`
	Demo     demoCmd     `cmd:"" help:"Show the main job on simulated modems."`
	Send     sendCmd     `cmd:"" help:"Send a message in a user's name."`
	Route    routeCmd    `cmd:"" help:"Say which messages go by which channels, and ask why."`
	Price    priceCmd    `cmd:"" help:"Import and show what users pay, and what channels cost."`
	Session  sessionCmd  `cmd:"" help:"List, close and trace sessions of clients."`
	Modem    modemCmd    `cmd:"" help:"List modems, find what is plugged in, and prove one."`
	Sim      simCmd      `cmd:"" help:"List SIMs, and set their pool, limits, quiet hours and PIN."`
	Status   statusCmd   `cmd:"" help:"Show listeners, sessions, channels and modems."`
	Messages messagesCmd `cmd:"" help:"List messages, newest first."`
	Message  messageCmd  `cmd:"" help:"Show one message with its timeline, or cancel it."`
	Verify   verifyCmd   `cmd:"" help:"Check the whole data file."`
	Version  versionCmd  `cmd:"" help:"Show the version."`

	Conformance conformanceCmd `cmd:"" help:"Show what the SMPP server offers of SMPP 3.4."`
}

// env is what a command may touch of the process.
type env struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
}

// json prints v for programs, indented for people.
func (e *env) json(v any) error {
	enc := json.NewEncoder(e.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// fields prints names, and beside each what it is.
func (e *env) fields(lines [][2]string) error {
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	return w.Flush()
}

// line reads one line of standard input, without its end.
func (e *env) line() (string, error) {
	text, err := bufio.NewReader(e.stdin).ReadString('\n')
	if err != nil && (err != io.EOF || text == "") {
		return "", err
	}
	return strings.TrimRight(text, "\r\n"), nil
}

// exit carries the code of --help through kong, which expects not to return.
type exit int

// run is the program; it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			c, ok := v.(exit)
			if !ok {
				panic(v)
			}
			code = int(c)
		}
	}()
	// The second signal ends the process at once.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	parser, err := kong.New(&cli{}, kong.Name("gsmgate"),
		kong.Description("An SMS centre in one binary: TLS SMPP for clients, GSM modems for the air."),
		kong.Writers(stdout, stderr), kong.Exit(func(c int) { panic(exit(c)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		panic(err) // a mistake in the struct above
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(keepNegative(args))
	if err != nil {
		report(stderr, usageError(err))
		return exitUsage
	}
	if err := parsed.Run(e); err != nil {
		report(stderr, err)
		return exitCode(err)
	}
	return 0
}

var negativeNumber = regexp.MustCompile(`^-[0-9][0-9.]*$`)

// minus stands for - in a negative number, which would be taken for a flag.
const minus = "\u2212"

// keepNegative lets a negative number be an argument.
func keepNegative(args []string) []string {
	kept := make([]string, len(args))
	for i, a := range args {
		kept[i] = a
		if negativeNumber.MatchString(a) {
			kept[i] = minus + a[1:]
		}
	}
	return kept
}
