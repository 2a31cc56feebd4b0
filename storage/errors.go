package storage

import (
	"errors"
	"fmt"
)

// What operations answer; compare with errors.Is.
var (
	ErrClosed    = errors.New("the store is closed")
	ErrReadOnly  = errors.New("the store is open for reading only")
	ErrBusy      = errors.New("too many operations wait for the disk")
	ErrNotFound  = errors.New("not found")
	ErrExists    = errors.New("exists already")
	ErrNoUser    = errors.New("no such user")
	ErrNoCredit  = errors.New("not enough credit")
	ErrDebt      = errors.New("more is owed than the credit limit allows")
	ErrMoney     = errors.New("there is money left")
	ErrQueued    = errors.New("messages wait")
	ErrNoRoom    = errors.New("as many messages wait as may") // always a *NoRoomError
	ErrDuplicate = errors.New("received before")              // always a *DuplicateError
	ErrInvalid   = errors.New("record cannot be stored")      // a mistake of the caller; the text says which
	ErrFull      = errors.New("the store has reached its size limit, or the disk is full")
	ErrBroken    = errors.New("the disk left a commit in doubt; the store must be opened again")
)

// DuplicateError is ErrDuplicate with the message that holds the key.
type DuplicateError struct {
	First ID // 0 while it is a segment that waits for others
}

func (e *DuplicateError) Error() string {
	if e.First == 0 {
		return "received before, as a segment that waits for others"
	}
	return "received before, as message " + e.First.String()
}

// Is makes errors.Is(err, ErrDuplicate) true.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// NoRoomError is ErrNoRoom with what waits.
type NoRoomError struct {
	Own    bool // the messages of its user are meant, else those of all
	Queued int
}

func (e *NoRoomError) Error() string { return fmt.Sprintf("%v: %d", ErrNoRoom, e.Queued) }

// Is makes errors.Is(err, ErrNoRoom) true.
func (e *NoRoomError) Is(target error) bool { return target == ErrNoRoom }

// InUseError says that another process has the file open.
type InUseError struct{ Path string }

func (e *InUseError) Error() string { return e.Path + " is in use by another process" }

// NewerSchemaError says that a newer gsmgate has written the file.
type NewerSchemaError struct {
	Path  string
	File  int // schema version of the file
	Known int // newest schema version that this program knows
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("%s has schema version %d, this program knows versions up to %d", e.Path, e.File, e.Known)
}

// CorruptError says that the file is not a store, or a damaged one.
type CorruptError struct {
	Path  string
	Cause error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is not a gsmgate store, or is damaged: %v", e.Path, e.Cause)
}

func (e *CorruptError) Unwrap() error { return e.Cause }
