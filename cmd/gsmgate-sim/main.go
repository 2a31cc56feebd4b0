// Command gsmgate-sim plays what is around an SMS centre, for people: a bank of GSM modems on ptys, an upstream SMSC, and an ESME under load.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Modems modemsCmd `cmd:"" help:"GSM modems with SIMs, a network and handsets, on ptys at DIR/modem00, DIR/modem01 …"`
	Replay replayCmd `cmd:"" help:"A modem that says what was recorded of a real one."`
	SMSC   smscCmd   `cmd:"" name:"smsc" help:"An SMSC that accepts messages and sends receipts."`
	ESME   esmeCmd   `cmd:"" name:"esme" help:"An ESME that submits as fast as it may and counts what comes back."`
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// hinted is an error with a hint of what to try.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

func fail(hint, format string, args ...any) error {
	return &hinted{error: fmt.Errorf(format, args...), hint: hint}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// helped ends the command line early, after --help.
type helped struct{}

// run is the whole program: 0 is success, 1 a failure, 2 a wrong command line.
func run(ctx context.Context, args []string, s streams) (code int) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(helped); !ok {
				panic(r)
			}
		}
	}()
	var c cli
	parser, err := kong.New(&c, kong.Name("gsmgate-sim"), kong.Description("Simulators for gsmgate."), kong.Writers(s.out, s.err),
		kong.Exit(func(int) { panic(helped{}) }))
	if err != nil {
		report(s.err, err)
		return 1
	}
	k, err := parser.Parse(args)
	if err != nil {
		report(s.err, fail("gsmgate-sim --help lists the commands, gsmgate-sim COMMAND --help its flags", "%w", err))
		return 2
	}
	k.BindTo(ctx, (*context.Context)(nil))
	k.Bind(s)
	if err := k.Run(); err != nil {
		report(s.err, err)
		return 1
	}
	return 0
}

// report prints what went wrong as error: and hint: lines.
func report(w io.Writer, err error) {
	fmt.Fprintf(w, "error: %s\n", strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", "; "), "modemsim: "))
	if h := (*hinted)(nil); errors.As(err, &h) && h.hint != "" {
		fmt.Fprintf(w, "hint: %s\n", h.hint)
	}
}
