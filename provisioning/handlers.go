package provisioning

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

func (a *API) status(context.Context, *none) (Status, error) {
	users, err := a.Router.Users()
	if err != nil {
		return Status{}, err
	}
	s := Status{
		Version:   a.Version,
		UptimeS:   int64(time.Since(a.started) / time.Second),
		Listeners: call(a.Listeners),
		Sessions:  call(a.Sessions),
		Binds:     bindsOf(a.Router.Binds()),
		Modems:    call(a.Modems),
		Channels:  channelsOf(a.Router.Channels()),
		Users:     len(users),
		Memory:    memoryNow(),
		NotTaken:  a.Router.Refused(),
		Money:     linesOf(a.Router.Unsound()),
	}
	if a.Connections != nil {
		s.Connections = a.Connections()
	}
	for _, c := range s.Channels {
		s.Queued += c.Queued
	}
	return s, nil
}

// linesOf gives an empty list for no text.
func linesOf(text string) []string {
	if text == "" {
		return []string{}
	}
	return strings.Split(text, "\n")
}

// call gives an empty list, which is [] in JSON, where there is no function.
func call[T any](list func() []T) []T {
	if list == nil {
		return []T{}
	}
	return append([]T{}, list()...)
}

func (a *API) version(context.Context, *none) (Version, error) {
	return Version{Version: a.Version, Go: runtime.Version()}, nil
}

func (a *API) modems(context.Context, *none) ([]Modem, error) { return call(a.Modems), nil }

func (a *API) verify(ctx context.Context, _ *none) (Verdict, error) {
	v := Verdict{Findings: []string{}}
	err := a.Router.Verify(ctx)
	if ctx.Err() != nil {
		return v, problem(http.StatusServiceUnavailable, "", "the check was interrupted", "")
	}
	for _, finding := range flatten(err) {
		v.Findings = append(v.Findings, finding.Error())
	}
	v.OK = err == nil
	return v, nil
}

// flatten takes joined errors apart.
func flatten(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, flatten(e)...)
	}
	return all
}

// newMessage is a message, with what tells it from all others of its user.
type newMessage struct {
	Key  string `header:"Idempotency-Key" maxLength:"255" doc:"a request that comes again with it is answered with the same message"`
	Body NewMessage
}

func (a *API) send(ctx context.Context, in *newMessage) (MessageID, error) {
	if err := checkFrom(in.Body.From); err != nil {
		return MessageID{}, err
	}
	q := router.SendRequest{User: in.Body.User, From: in.Body.From, To: in.Body.To, Text: in.Body.Text, Priority: in.Body.Priority, Key: in.Key}
	var err error
	if q.At, err = moment("at", in.Body.At); err != nil {
		return MessageID{}, err
	}
	if q.Until, err = moment("valid_until", in.Body.ValidUntil); err != nil {
		return MessageID{}, err
	}
	id, err := a.Router.Send(ctx, q)
	return MessageID{ID: id.String()}, inRequest(err)
}

// moment reads a time in a request; 0 is none.
func moment(field, text string) (storage.Time, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, problem(http.StatusUnprocessableEntity, field, field+" is no time", "use RFC 3339, such as 2026-11-01T00:00:00Z")
	}
	return storage.TimeOf(t), nil
}

// inRequest names a field that is wrong as the request names it.
func inRequest(err error) error {
	var re *router.Error
	if !errors.As(err, &re) {
		return err
	}
	name, other := map[string]string{"dest": "to", "schedule_delivery_time": "at", "validity_period": "valid_until"}[re.Field]
	if !other {
		return err
	}
	own := *re
	own.Field = name
	return &own
}

// checkFrom wants what a receipt can be addressed to: source_addr has room for
// 20 characters [SMPP34 5.2.8].
func checkFrom(s string) error {
	if len(s) > 20 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return problem(http.StatusUnprocessableEntity, "from", "not a source address", "use a number, a short code or a name, at most 20 printable ASCII characters")
	}
	return nil
}

func (a *API) messages(_ context.Context, in *MessageFilter) ([]Message, error) {
	f, err := in.filter()
	if err != nil {
		return nil, err
	}
	found, err := a.Router.Messages(f)
	if err != nil {
		return nil, err
	}
	messages, x := make([]Message, len(found)), a.Router.Explain()
	for i, m := range found {
		messages[i] = a.messageOf(x, m)
	}
	return messages, nil
}

func (in *MessageFilter) filter() (f storage.Filter, err error) {
	f = storage.Filter{User: in.User, NoUser: in.NoUser, Limit: in.Limit}
	if in.State != "" {
		s, ok := parseState(in.State)
		if !ok {
			return f, problem(http.StatusUnprocessableEntity, "state", "no such state", "one of "+strings.Join(stateWords(), " "))
		}
		f.State = &s
	}
	for kind, word := range kindWords {
		if in.Kind == word {
			f.Kind = kind
		}
	}
	if in.Before != "" {
		f.Before, err = storage.ParseID(in.Before)
		if err != nil {
			err = problem(http.StatusUnprocessableEntity, "before", "not a message id", "")
		}
	}
	return f, err
}

// byID names a message.
type byID struct {
	ID string `path:"id"`
}

func (a *API) message(_ context.Context, in *byID) (Message, error) {
	id, err := storage.ParseID(in.ID)
	if err != nil {
		return Message{}, noMessage()
	}
	m, err := a.Router.Message(id)
	if re := (*router.Error)(nil); errors.As(err, &re) && re.Code == router.NotFound {
		err = noMessage()
	}
	if err != nil {
		return Message{}, err
	}
	return a.messageOf(a.Router.Explain(), m), nil
}

// cancel answers the message as it is after that.
func (a *API) cancel(ctx context.Context, in *byID) (Message, error) {
	return a.after(ctx, in, a.Router.CancelOne)
}

// assign answers the message as it is after that.
func (a *API) assign(ctx context.Context, in *struct {
	ID   string `path:"id"`
	Body Assignment
}) (Message, error) {
	return a.after(ctx, &byID{in.ID}, func(ctx context.Context, id storage.ID) error { return a.Router.Assign(ctx, id, in.Body.User) })
}

// after does something with a message, and answers it as it is then.
func (a *API) after(ctx context.Context, in *byID, do func(context.Context, storage.ID) error) (Message, error) {
	id, err := storage.ParseID(in.ID)
	if err != nil {
		return Message{}, noMessage()
	}
	err = do(ctx, id)
	if re := (*router.Error)(nil); err != nil && !(errors.As(err, &re) && re.Code == router.NotFound && re.Field == "") {
		return Message{}, err
	}
	return a.message(ctx, in)
}

func noMessage() error {
	return problem(http.StatusNotFound, "id", "no such message", "gsmgate messages lists what is kept")
}
