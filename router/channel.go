package router

import (
	"context"
	"fmt"
	"time"

	"gsmgate/storage"
)

// Channel is any far end. Its Run hands its lanes to Inbox.Serve as they
// become ready and takes them back by ending their context.
type Channel interface {
	// Name is the name of the channel and of its queue.
	Name() string
	// Carries says whether messages of kind k can leave by this channel.
	Carries(k storage.Kind) bool
	// Run returns when all that it started is gone.
	Run(ctx context.Context, in Inbox) error
	// Parts says how the channel would carry m, without side effects. An
	// error is an *Error of code Invalid.
	Parts(m *storage.Message) ([]storage.Part, error)
	// Status says whether messages can leave now, and if not, why.
	Status() Status
}

// Cutter is a Channel that says how it cuts messages: of two that say the same, one is
// asked for the Parts. It is comparable.
type Cutter interface{ Cut() any }

// Status is a channel's own view of itself.
type Status struct {
	Ready  bool
	Reason string // why it is not ready, in words
}

// Lane is one path out of a channel.
type Lane struct {
	ID     string // "sim:8931…", "user:acme"
	Queue  string // the queue it drains
	Window int    // most messages on their way at once
	Says   string // what the lane's references are, for the timeline: "AT+CMGS TP-MR"
	// Group, when set, names what m belongs to of which all must leave by one
	// lane; "" when m is alone.
	Group func(m *storage.Message) string
	// Order, when set, names the conversation of m: the messages of one leave one
	// after the other in the order of the queue, and one that is refused for now
	// holds back those behind it. A message of such an ordered lane may be sent
	// again when its outcome is not known, so that no attempt is written before it
	// [SMPP34 2.8]. A queue is drained by one ordered lane at a time.
	Order func(m *storage.Message) string
	// Takes, when set, says why an ordered lane cannot take m as things are; ""
	// when it can. The message waits until then, and others pass it.
	Takes func(m *storage.Message) string
	// Wake, when something comes out of it, ends what an ordered lane waits for:
	// its rest, the time for which conversations are held, and a Takes that said
	// no. Of other lanes it ends what Gate and Fits have said.
	Wake <-chan struct{}
	// Gate, when set, is asked before a lane that is not ordered takes something,
	// and between the parts of a message. It must not block; what it says is asked
	// again when its time has come, at a Wake, and every few seconds.
	Gate func(now time.Time) Hold
	// Fits, when set, says why such a lane may not begin m, though others may. It
	// is asked inside a commit and must not block.
	Fits func(m *storage.Message, now time.Time) Hold
	// Quotas, when set, are the limits of such a lane. It must not block.
	Quotas func(now time.Time) []Quota
	// Lag, when set, is for how long the lane lets others of its queue be first
	// when it was idle.
	Lag func() time.Duration
	// MaxRest is how long the lane rests at most when it is ill; 0: 5 min.
	MaxRest time.Duration
	// Forms, when set, says that a reference alone tells a part from all others
	// of the lane, and gives the forms that it may have in a report, that of
	// Report.Ref among them.
	Forms func(ref string) []string
	// Prepare, when set, gives the parts what they need for this lane (Match,
	// Wire) inside the commit that writes the first attempt.
	Prepare func(m *storage.Message)
}

// Sender sends part i of m over one lane. Its error is a *SendError; any
// other error counts as an unknown outcome once the attempt is on disk.
type Sender interface {
	Send(ctx context.Context, m *storage.Message, i int) (ref string, err error)
}

// SenderFunc is a Sender.
type SenderFunc func(ctx context.Context, m *storage.Message, i int) (string, error)

func (f SenderFunc) Send(ctx context.Context, m *storage.Message, i int) (string, error) {
	return f(ctx, m, i)
}

// Inbox is what the router offers to channels. The done functions are called
// once, after the commit, must not block, and a nil error means: on disk, you
// may acknowledge.
type Inbox interface {
	// Submit takes a message that entered by a channel: MT from a client, MO
	// from a SIM. An error is an *Error, or storage.ErrDuplicate.
	Submit(m *storage.Message, done func(storage.ID, error))
	// Segment takes one part of a long MO message.
	Segment(s storage.Segment, assemble Assemble, done func(error))
	// Stale puts together what came of long MO messages by lanes of the channel,
	// whose first segment was received before the given time.
	Stale(ctx context.Context, mine func(lane string) bool, before time.Time, assemble Assemble) error
	// Undecoded keeps what came and goes to no client. nil: it is on disk.
	Undecoded(ctx context.Context, u storage.Undecoded) error
	// Report takes what the next hop says about a part.
	Report(rep storage.Report, done func(error))
	// Awaiting gives messages of the lane with a part that awaits a report
	// under match, the newest first; all of the lane when match is "".
	Awaiting(lane, match string) ([]*storage.Message, error)
	// Serve drains the lane's queue through s until ctx ends, and returns
	// when everything it started is settled.
	Serve(ctx context.Context, l Lane, s Sender) error
}

// Assemble makes one MO message of the segments that came, in order of
// Number; Total tells how many there should be.
type Assemble func([]storage.Segment) (*storage.Message, error)

// Outcome is what is known of a send that brought no reference.
type Outcome uint8

const (
	RefusedForNow  Outcome = 1 // not sent; another try may succeed
	RefusedForGood Outcome = 2 // not sent, and never will be as it is
	UnknownOutcome Outcome = 3 // may have been sent
)

// SendError is the error of Sender.Send.
type SendError struct {
	Outcome Outcome
	Wait    time.Duration // RefusedForNow: not before; 0: the router's back-off
	Tries   int           // RefusedForNow: for good after so many attempts; 0: never
	Untried bool          // RefusedForNow by an ordered lane: it was not sent, and this is not its fault; no attempt counts
	Limit   int           // RefusedForNow: for good at so many refusals that count, of which this is one; 0: it does not count against the message
	LaneIll bool          // the fault is the lane's, not the message's: let the lane rest, move the message
	Sure    bool          // with LaneIll: several recipients got the same, so that no other message is needed to tell
	// Elsewhere, with RefusedForGood: this channel will never take it, another may.
	Elsewhere bool
	Cause     uint32 // the network's cause, for the receipt's err:
	Err       error
}

func (e *SendError) Error() string {
	return fmt.Sprintf("%s: %v", [...]string{"", "refused for now", "refused for good", "outcome unknown"}[e.Outcome&3], e.Err)
}

func (e *SendError) Unwrap() error { return e.Err }
