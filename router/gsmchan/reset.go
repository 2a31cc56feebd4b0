package gsmchan

import (
	"cmp"
	"errors"

	"gsmgate/modem"
	"gsmgate/router"
)

// resetModem asks for a reset by its word; without one the modem is restarted.
func resetModem(m *modem.Modem, word string) error {
	rung, ok := modem.ParseRung(cmp.Or(word, "modem"))
	if !ok {
		return &router.Error{Code: router.Invalid, Field: "rung", Message: "no such reset", Hint: "at, radio, modem, port, usb or power"}
	}
	err := m.Reset(rung)
	var no *modem.ResetError
	if errors.As(err, &no) {
		return conflict(no.Error(), no.Hint(), err)
	}
	return err
}
