package modem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os/exec"
	"strings"
	"time"

	"gsmgate/modem/discover"
)

// Resetter resets USB devices and their power. The nil one can do nothing. A zero field takes the default that stands beside it.
type Resetter struct {
	Root    discover.Root // that of the box
	Command []string      // program and arguments, with {usb}, {hub}, {port} and {node} for where the modem is; none
	Off     time.Duration // 2 s: how long a device is off
	Limit   time.Duration // 30 s: for the command
	Log     *slog.Logger  // nothing
}

// ParseCommand splits a command at its blanks, as a shell does with quotes and without all else that a shell does.
func ParseCommand(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	quote, inside := rune(0), false
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			quote, inside = c, true
		case c == ' ' || c == '\t':
			if inside {
				words = append(words, word.String())
				word.Reset()
				inside = false
			}
		default:
			word.WriteRune(c)
			inside = true
		}
	}
	if inside {
		words = append(words, word.String())
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote %c is not closed", quote)
	}
	return words, checkPlaceholders(words)
}

func checkPlaceholders(words []string) error {
	for _, w := range words {
		for rest := w; ; {
			_, after, open := strings.Cut(rest, "{")
			if !open {
				break
			}
			name, behind, closed := strings.Cut(after, "}")
			if _, known := placeholders(Place{})[name]; !known || !closed {
				return fmt.Errorf("%q: there are {usb}, {hub}, {port} and {node}", w)
			}
			rest = behind
		}
	}
	return nil
}

// placeholders are the values for a command: of 1-1.4 the hub is 1-1 and the port 4, of 1-4 the hub is 1.
func placeholders(p Place) map[string]string {
	i := strings.LastIndexAny(p.USB, ".-")
	return map[string]string{"usb": p.USB, "hub": p.USB[:max(i, 0)], "port": p.USB[i+1:], "node": p.Node}
}

func (r *Resetter) root() discover.Root {
	if r.Root.Sys == nil {
		return discover.Under("/")
	}
	return r.Root
}

// Can says why a rung cannot be taken for a modem: nil or a *ResetError.
func (r *Resetter) Can(rung Rung, place Place) error {
	switch {
	case r == nil:
		return &ResetError{rung, errors.New("sockets are not reset here"), ""}
	case rung == ResetPower && len(r.Command) == 0:
		return &ResetError{rung, errors.New("no command for it is configured"), "name one with --modem-reset-command, such as 'uhubctl -l {hub} -p {port} -a cycle'"}
	case len(r.Command) > 0:
		return nil
	case place.USB == "":
		return &ResetError{rung, errors.New("the modem is not on USB"), "name a command with --modem-reset-command that can reset it"}
	}
	err := r.root().CanAuthorize(place.USB)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission):
		return &ResetError{rung, fmt.Errorf("no permission to write %s", discover.AuthorizedFile(place.USB)),
			"let the gateway's user write that file, by a udev rule, or name a command with --modem-reset-command"}
	}
	return &ResetError{rung, err, ""}
}

// Reset resets the socket of a modem, or its power.
func (r *Resetter) Reset(ctx context.Context, rung Rung, place Place) error {
	if err := r.Can(rung, place); err != nil {
		return err
	}
	if rung == ResetUSB && place.USB != "" && r.root().CanAuthorize(place.USB) == nil {
		return r.reauthorize(ctx, place.USB)
	}
	return r.run(ctx, place)
}

// reauthorize takes a device off its drivers and gives it back, which sets it up anew. It is given back whatever happens.
func (r *Resetter) reauthorize(ctx context.Context, usb string) error {
	if err := r.root().Authorize(usb, false); err != nil {
		return err
	}
	off := r.Off
	if off <= 0 {
		off = 2 * time.Second
	}
	pauseFor(ctx, off)
	return r.root().Authorize(usb, true)
}

// maxOutput bounds what of a command's output goes to the log.
const maxOutput = 4096

// run runs the command, without a shell.
func (r *Resetter) run(ctx context.Context, place Place) error {
	limit := r.Limit
	if limit <= 0 {
		limit = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var args []string
	for _, w := range r.Command {
		for name, value := range placeholders(place) {
			w = strings.ReplaceAll(w, "{"+name+"}", value)
		}
		args = append(args, w)
	}
	out := &head{}
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	c.Stdout, c.Stderr, c.WaitDelay = out, out, time.Second
	err := c.Run()
	if r.Log != nil {
		r.Log.Debug("reset command", "args", args, "err", err, "output", string(out.b))
	}
	switch {
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s: not done within %v", args[0], limit)
	case err != nil:
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}

// head keeps the beginning of what is written to it.
type head struct{ b []byte }

func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), maxOutput-len(h.b))]...)
	return len(p), nil
}
