package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/storage"
)

// hinted is an error with a hint of what to try.
type hinted struct {
	error
	hint string
	code int // exit code; 0: exitFailed
}

func (h *hinted) Unwrap() error { return h.error }

func fail(hint, format string, args ...any) error {
	return &hinted{error: fmt.Errorf(format, args...), hint: hint}
}

// several are findings that are reported one a line.
type several []error

func (s several) Error() string { return errors.Join(s...).Error() }

// report prints what went wrong as error: and hint: lines.
func report(w io.Writer, err error) {
	if list := (several)(nil); errors.As(err, &list) {
		for _, e := range list {
			report(w, e)
		}
		return
	}
	err = explain(err)
	fmt.Fprintf(w, "error: %s\n", plain(err.Error()))
	if h := (*hinted)(nil); errors.As(err, &h) && h.hint != "" {
		fmt.Fprintf(w, "hint: %s\n", plain(h.hint))
	}
}

// explain adds the hint to an error of a room below.
func explain(err error) error {
	var (
		h       *hinted
		problem *provisioning.Problem
		inUse   *storage.InUseError
		newer   *storage.NewerSchemaError
		corrupt *storage.CorruptError
	)
	switch {
	case errors.As(err, &h):
		return err
	case errors.As(err, &problem):
		return fail(problem.Hint, "%s", problem.Detail)
	case errors.As(err, &inUse):
		return fail("stop the other gsmgate first, or give this one a --data directory of its own", "%w", err)
	case errors.As(err, &newer):
		return fail("use the newer gsmgate that has written it, or restore a backup", "%w", err)
	case errors.As(err, &corrupt):
		return fail("restore a backup; gsmgate verify tells what is wrong", "%w", err)
	case errors.Is(err, storage.ErrFull):
		return fail("make room on the disk", "%w", err)
	case errors.Is(err, client.ErrNoGateway):
		return fail("start it with gsmgate serve --data DIR", "no gateway runs")
	case errors.Is(err, context.Canceled):
		return fail("", "interrupted")
	}
	return err
}

// plain makes one line without a capital at its start or a full stop at its end.
func plain(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
	if s = strings.TrimSpace(s); !strings.HasSuffix(s, "...") {
		s = strings.TrimSuffix(s, ".")
	}
	first, size := utf8.DecodeRuneInString(s)
	second, _ := utf8.DecodeRuneInString(s[size:])
	if unicode.IsUpper(first) && unicode.IsLower(second) {
		s = string(unicode.ToLower(first)) + s[size:]
	}
	return s
}

func exitCode(err error) int {
	var h *hinted
	if errors.As(err, &h) && h.code != 0 {
		return h.code
	}
	return exitFailed
}

// usageError turns kong's words into ours.
func usageError(err error) error {
	text, hint := strings.ReplaceAll(err.Error(), minus, "-"), "gsmgate --help lists the commands, gsmgate COMMAND --help its flags"
	if before, meant, ok := strings.Cut(text, ", did you mean "); ok {
		text, hint = before, "did you mean "+strings.TrimSuffix(meant, "?")
	}
	if errors.Is(err, errAmount) {
		hint = amountHint
	}
	return &hinted{error: errors.New(text), hint: hint, code: exitUsage}
}

// usage is a wrong argument that kong could not see.
func usage(hint, format string, args ...any) error {
	return &hinted{error: fmt.Errorf(format, args...), hint: hint, code: exitUsage}
}
