package pdu

import (
	"errors"
	"fmt"
)

// The reasons for which something is refused. They come wrapped in an *Error; use errors.Is.
var (
	ErrTruncated = errors.New("ends too early")
	ErrLength    = errors.New("length out of range")
	ErrHex       = errors.New("not hexadecimal digits in pairs")
	ErrDigit     = errors.New("not a number digit")
	ErrHeader    = errors.New("malformed user data header")
	ErrType      = errors.New("unexpected message type")
	ErrTooLong   = errors.New("too long to be sent")
	ErrAlphabet  = errors.New("not in the alphabet")
)

// Error says which field was refused and where. Its text never holds a number or a part of a message.
type Error struct {
	Field  string // as the standard names it: "TP-DA", "TP-UD", …
	Offset int    // octets from the start of the decoded TPDU or of the input; -1 where there is none
	Err    error
}

// Error gives the field, the reason and, where known, the octet.
func (e *Error) Error() string {
	if e.Offset < 0 {
		return fmt.Sprintf("%s: %v", e.Field, e.Err)
	}
	return fmt.Sprintf("%s at octet %d: %v", e.Field, e.Offset, e.Err)
}

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// refuse makes an *Error without a place.
func refuse(field string, err error) error { return &Error{Field: field, Offset: -1, Err: err} }
