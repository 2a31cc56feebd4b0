package at

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Result says which final result an [Error] came from.
type Result uint8

// The final results that are not OK.
const (
	ResultError       Result = iota // ERROR                                  [V.250 5.7.1]
	ResultCMS                       // +CMS ERROR: <err>                      [27.005 3.2.5]
	ResultCME                       // +CME ERROR: <err>                      [27.007 9.2]
	ResultNoCarrier                 // NO CARRIER, to a call only             [V.250 5.7.1]
	ResultBusy                      // BUSY, to a call only
	ResultNoAnswer                  // NO ANSWER, to a call only
	ResultNoDialtone                // NO DIALTONE, to a call only
	ResultUnsupported               // COMMAND NOT SUPPORT and the like of several makers
)

// Class says who is to blame for an error, and so what to do about it.
type Class uint8

// The classes of error.
const (
	ClassBusy      Class = iota // for a moment: try again, here
	ClassMessage                // this message: no modem will take it
	ClassModem                  // this modem, its SIM or its network: park it, and let another send the message
	ClassAmbiguous              // the recipient, the message or the SIM: one refusal does not tell which
	ClassUnknown                // the network may have the message all the same
)

// String returns busy, message, modem, ambiguous or unknown.
func (c Class) String() string {
	return [...]string{"busy", "message", "modem", "ambiguous", "unknown"}[c]
}

// Error is a modem's refusal.
type Error struct {
	Result  Result
	Code    int    // of +CMS ERROR and +CME ERROR; -1 when there is none
	Text    string // what the code means, or the modem's own words
	Command string // the command without its parameters, "AT+CMGS"
}

// Error tells the command, the final result as the modem gave it, and its meaning.
func (e *Error) Error() string {
	switch e.Result {
	case ResultCMS, ResultCME:
		name := map[Result]string{ResultCMS: "+CMS ERROR", ResultCME: "+CME ERROR"}[e.Result]
		if e.Code < 0 {
			return fmt.Sprintf("%s: %s: %s", e.Command, name, e.Text)
		}
		return fmt.Sprintf("%s: %s: %d (%s)", e.Command, name, e.Code, e.Text)
	}
	return e.Command + ": " + e.Text
}

// Class tells who is to blame. An error without a code says nothing: it is ambiguous.
func (e *Error) Class() Class {
	var c cause
	var known bool
	switch e.Result {
	case ResultCMS:
		c, known = findCode(cmsCauses[:], e.Code)
	case ResultCME:
		c, known = findCode(cmeCauses[:], e.Code)
	}
	if !known {
		return unlisted(e.Result, e.Code)
	}
	return c.class
}

// IsCMS tells whether err is a +CMS ERROR with this code.
func IsCMS(err error, code int) bool {
	var e *Error
	return errors.As(err, &e) && e.Result == ResultCMS && e.Code == code
}

// IsCME tells whether err is a +CME ERROR with this code.
func IsCME(err error, code int) bool {
	var e *Error
	return errors.As(err, &e) && e.Result == ResultCME && e.Code == code
}

// Errors of the engine itself.
var (
	ErrTimeout   = errors.New("no answer in time")
	ErrNoPrompt  = errors.New("no prompt in time")
	ErrRestarted = errors.New("the modem has restarted")
	ErrHung      = errors.New("the modem does not answer")
	ErrClosed    = errors.New("the port is closed")
	ErrNoMR      = errors.New("OK without a message reference")
)

// SendError is a failed [Engine.SendPDU].
type SendError struct {
	// Submitted: Ctrl-Z has gone out. Then an Err that is an *Error is the modem's refusal, and any other means that nobody knows
	// whether the message was sent.
	Submitted bool
	Err       error
}

func (e *SendError) Error() string { return e.Err.Error() }
func (e *SendError) Unwrap() error { return e.Err }

// Unknown tells whether the message may have been sent.
func (e *SendError) Unknown() bool {
	var refused *Error
	return e.Submitted && !errors.As(e.Err, &refused)
}

// final reads a final result: nil for OK. With call set the results of a call count too; without it "NO CARRIER" is a call that ended
// elsewhere, and no answer to the command under way.
func final(line, command string, call bool) (err error, is bool) {
	upper := strings.ToUpper(line)
	switch {
	case upper == "OK":
		return nil, true
	case upper == "ERROR":
		return &Error{Result: ResultError, Code: -1, Text: "ERROR", Command: command}, true
	case strings.HasPrefix(upper, "+CMS ERROR"):
		return coded(ResultCMS, line, command), true
	case strings.HasPrefix(upper, "+CME ERROR"):
		return coded(ResultCME, line, command), true
	case upper == "COMMAND NOT SUPPORT" || upper == "TOO MANY PARAMETERS":
		return &Error{Result: ResultUnsupported, Code: -1, Text: line, Command: command}, true
	case call:
		return finalOfCall(upper, command)
	}
	return nil, false
}

func finalOfCall(upper, command string) (error, bool) {
	results := map[string]Result{"NO CARRIER": ResultNoCarrier, "BUSY": ResultBusy, "NO ANSWER": ResultNoAnswer,
		"NO DIALTONE": ResultNoDialtone, "NO DIAL TONE": ResultNoDialtone}
	result, is := results[upper]
	if !is {
		return nil, false
	}
	return &Error{Result: result, Code: -1, Text: upper, Command: command}, true
}

// coded reads "+CMS ERROR: 38" and, from a modem that was told AT+CMEE=2, "+CMS ERROR: network out of order".     [27.007 9.1]
func coded(result Result, line, command string) *Error {
	table := cmsCauses[:]
	if result == ResultCME {
		table = cmeCauses[:]
	}
	words := strings.TrimSpace(strings.TrimLeft(line[len("+CMS ERROR"):], ": "))
	e := &Error{Result: result, Code: -1, Text: words, Command: command}
	if code, err := strconv.Atoi(words); err == nil && code >= 0 {
		e.Code, e.Text = code, "not in the standard"
		if c, known := findCode(table, code); known {
			e.Text = c.text
		}
		return e
	}
	for _, c := range table {
		if strings.EqualFold(strings.TrimPrefix(c.text, "(U)"), strings.TrimPrefix(words, "(U)")) { // "SIM busy" before there were USIMs
			e.Code = int(c.code)
		}
	}
	return e
}
