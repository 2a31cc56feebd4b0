package router

import (
	"errors"

	"gsmgate/storage"
)

// Code is the closed set of reasons for which the router says no.
type Code uint8

const (
	Internal Code = iota
	Invalid       // the field says which value
	NotFound
	Conflict
	NoCredit
	Busy // queue full: try again later
	Denied
	NoRoute
	Throttled // as Busy, for clients that slow down only when they are told to
)

// Error is the router's no. Message is fit for the public, Err is not.
type Error struct {
	Code    Code
	Field   string // dest, text, password, address_range …
	Message string
	Hint    string
	Err     error
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.Err }

func invalid(field, message, hint string) *Error {
	return &Error{Code: Invalid, Field: field, Message: message, Hint: hint}
}

// public turns what storage says into the router's words.
func public(err error) error {
	var re *Error
	switch {
	case err == nil || errors.As(err, &re):
		return err
	case errors.Is(err, storage.ErrDuplicate):
		return err
	case errors.Is(err, storage.ErrNoCredit):
		return &Error{Code: NoCredit, Message: "not enough credits", Hint: "top up with gsmgate user credit NAME +N", Err: err}
	case errors.Is(err, storage.ErrDebt):
		return &Error{Code: Conflict, Field: "credit_limit", Message: "the user owes more than this credit limit", Hint: "top up first, or disable the user", Err: err}
	case errors.Is(err, storage.ErrBusy):
		return &Error{Code: Busy, Message: "too many requests wait for the disk", Err: err}
	case errors.Is(err, storage.ErrNotFound):
		return &Error{Code: NotFound, Message: "no such record", Err: err}
	case errors.Is(err, storage.ErrNoUser):
		return &Error{Code: NotFound, Field: "user", Message: "no such user", Err: err}
	case errors.Is(err, storage.ErrExists):
		return &Error{Code: Conflict, Message: "exists already", Err: err}
	}
	return &Error{Code: Internal, Message: "internal error", Err: err}
}
