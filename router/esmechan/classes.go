package esmechan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// Class says what a command_status that refuses a submit means.
type Class uint8

const (
	Permanent Class = iota // this message: this provider will never take it, another may
	Temporary              // this message, for now
	Throttle               // too fast: slower, and again
	Ill                    // this channel: it cannot send now, whatever the message
	Final                  // this message: nobody is to get it
)

// classWords are the classes as people write them.
var classWords = [...]string{"permanent", "temporary", "throttle", "ill", "final"}

func (c Class) String() string { return classWords[c] }

// classRow is one line of the table of classes.
type classRow struct {
	status smpp.CommandStatus
	class  Class
}

// classes are the statuses that are not Permanent. What the table does not have
// is: a provider that says no to a message for a reason of its own must not get it
// again and again. None is Final, for what one provider cannot reach, or bars, the
// next one may take; an operator who knows better says so. Vendors' own statuses are Temporary, for nobody knows
// [SMPP34 5.1.3].
var classes = [...]classRow{
	{smpp.StatusInvCmdLen, Temporary}, {smpp.StatusInvCmdID, Temporary}, // a proxy that is confused
	{smpp.StatusInvBndSts, Ill}, {smpp.StatusAlyBnd, Ill},
	{smpp.StatusSysErr, Temporary},
	{smpp.StatusBindFail, Ill}, {smpp.StatusInvPaswd, Ill}, {smpp.StatusInvSysID, Ill}, {smpp.StatusInvSysTyp, Ill},
	{smpp.StatusMsgQFul, Throttle}, {smpp.StatusThrottled, Throttle},
	{smpp.StatusSubmitFail, Temporary},
	{smpp.StatusXTAppn, Temporary},
	{smpp.StatusDeliveryFailure, Temporary}, {smpp.StatusUnknownErr, Temporary},
	{smpp.StatusSerTypUnauth, Ill}, {smpp.StatusProhibited, Ill}, {smpp.StatusSerTypUnavail, Temporary}, {smpp.StatusSerTypDenied, Ill},
}

// overrides are classes that the operator gives, by status.
type overrides map[smpp.CommandStatus]Class

// classOf gives the class of a status.
func (o overrides) classOf(s smpp.CommandStatus) Class {
	if c, ok := o[s]; ok {
		return c
	}
	for _, row := range classes {
		if row.status == s {
			return row.class
		}
	}
	if s >= 0x400 && s <= 0x4FF || s > 0x112 {
		return Temporary
	}
	return Permanent
}

// parseOverrides reads words such as "0x45=permanent" or "88=throttle".
func parseOverrides(words []string) (overrides, error) {
	all := overrides{}
	for _, word := range words {
		text, name, _ := strings.Cut(word, "=")
		status, err := strconv.ParseUint(text, 0, 32)
		class := slices.Index(classWords[:], name)
		if err != nil || class < 0 || status == 0 {
			return nil, fmt.Errorf("%q is no class of a status: use NUMBER=%s, such as 0x45=permanent", word, strings.Join(classWords[:], "|"))
		}
		all[smpp.CommandStatus(status)] = Class(class)
	}
	return all, nil
}

// How long a message waits after a refusal, and how often it is tried when it is
// the message that is refused for now.
const (
	throttleWait  = time.Second
	temporaryWait = 30 * time.Second
	illWait       = time.Minute
	mostTries     = 10
)

// sendError says in the router's words what became of a submit.
func (o overrides) sendError(err error) *router.SendError {
	var refused *esme.StatusError
	var malformed *smpp.Error
	switch {
	case errors.Is(err, esme.ErrUnknownOutcome): // first: its cause may be an answer that is malformed
	case errors.As(err, &refused):
		return o.refusal(refused)
	case errors.As(err, &malformed):
		return &router.SendError{Outcome: router.RefusedForGood, Elsewhere: true, Err: err}
	case errors.Is(err, esme.ErrNotSent):
		return &router.SendError{Outcome: router.RefusedForNow, LaneIll: true, Wait: time.Second, Err: err}
	}
	return &router.SendError{Outcome: router.UnknownOutcome, LaneIll: true, Wait: time.Second, Err: err}
}

// CauseSMPP is added to a command_status that is the cause of a failure, to tell it
// from causes of GSM.
const CauseSMPP = 2 << 16

func (o overrides) refusal(e *esme.StatusError) *router.SendError {
	out := &router.SendError{Outcome: router.RefusedForNow, Cause: CauseSMPP + uint32(e.Status), Err: e}
	switch o.classOf(e.Status) {
	case Permanent, Final:
		out.Outcome, out.Elsewhere = router.RefusedForGood, o.classOf(e.Status) == Permanent
	case Temporary:
		out.Wait, out.Tries = temporaryWait, mostTries
	case Throttle:
		out.Wait = throttleWait
	case Ill:
		out.LaneIll, out.Wait = true, illWait
	}
	return out
}
