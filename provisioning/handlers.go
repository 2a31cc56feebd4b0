package provisioning

import (
	"context"
	"errors"
	"math"
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
		Modems:    call(a.Modems),
		Channels:  channelsOf(a.Router.Channels()),
		Users:     len(users),
		Memory:    memoryNow(),
	}
	for _, c := range s.Channels {
		s.Queued += c.Queued
	}
	return s, nil
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

func (a *API) sessions(context.Context, *none) ([]Session, error) { return call(a.Sessions), nil }
func (a *API) modems(context.Context, *none) ([]Modem, error)     { return call(a.Modems), nil }

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

func (a *API) users(context.Context, *none) ([]User, error) {
	views, err := a.Router.Users()
	if err != nil {
		return nil, err
	}
	users := make([]User, len(views))
	for i, v := range views {
		users[i] = userOf(v)
	}
	return users, nil
}

// ByName is exported for huma, which fills in no others.
type ByName struct {
	Name string `path:"name" doc:"system_id"`
}

func (a *API) user(_ context.Context, in *ByName) (User, error) {
	v, err := a.Router.User(in.Name)
	return userOf(v), err
}

func (a *API) addUser(ctx context.Context, in *body[NewUser]) (User, error) {
	amount, given, err := in.Body.millicredits()
	if err != nil {
		return User{}, err
	}
	if given && amount < 0 {
		return User{}, problem(http.StatusUnprocessableEntity, "credits", "a new user cannot start with less than no credits", "")
	}
	v, err := a.Router.AddUser(ctx, router.UserSpec{
		SystemID: in.Body.Name, Password: in.Body.Password,
		Credits: amount, AddressRanges: in.Body.AddressRanges,
	})
	return userOf(v), err
}

func (a *API) setUser(ctx context.Context, in *struct {
	ByName
	Body UserPatch
}) (User, error) {
	v, err := a.Router.SetUser(ctx, in.Name, router.UserChange{
		Password: in.Body.Password, Enabled: in.Body.Enabled, AddressRanges: in.Body.AddressRanges,
	})
	return userOf(v), err
}

func (a *API) credit(ctx context.Context, in *struct {
	ByName
	Body NewCredit
}) (Balance, error) {
	amount, given, err := in.Body.millicredits()
	if err == nil && !given {
		err = problem(http.StatusUnprocessableEntity, "credits", "credits or millicredits is needed", "")
	}
	if err != nil {
		return Balance{}, err
	}
	b, err := a.Router.Credit(ctx, in.Name, amount, in.Body.Note)
	return balanceOf(b), err
}

// maxCredits keeps every sum far from where a float loses a millicredit.
const maxCredits = 1_000_000_000

// millicredits reads whichever of the two was given.
func (m Amount) millicredits() (amount storage.Millicredits, given bool, err error) {
	const unprocessable = http.StatusUnprocessableEntity
	switch {
	case m.Credits != nil && m.Millicredits != nil:
		return 0, true, problem(unprocessable, "credits", "credits and millicredits exclude each other", "")
	case m.Credits != nil:
		exact := *m.Credits * float64(storage.Credit)
		if math.Abs(exact-math.Round(exact)) > 1e-6*max(1, math.Abs(*m.Credits)) {
			return 0, true, problem(unprocessable, "credits", "credits have at most three decimals", "")
		}
		if math.Abs(*m.Credits) > maxCredits {
			return 0, true, problem(unprocessable, "credits", "more than a billion credits at once", "")
		}
		return storage.Millicredits(math.Round(exact)), true, nil
	case m.Millicredits != nil:
		v := storage.Millicredits(*m.Millicredits)
		if v > maxCredits*storage.Credit || v < -maxCredits*storage.Credit {
			return 0, true, problem(unprocessable, "millicredits", "more than a billion credits at once", "")
		}
		return v, true, nil
	}
	return 0, false, nil
}

func (a *API) send(ctx context.Context, in *body[NewMessage]) (MessageID, error) {
	if err := checkFrom(in.Body.From); err != nil {
		return MessageID{}, err
	}
	id, err := a.Router.Send(ctx, router.SendRequest{User: in.Body.User, From: in.Body.From, To: in.Body.To, Text: in.Body.Text})
	return MessageID{ID: id.String()}, err
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
	messages := make([]Message, len(found))
	for i, m := range found {
		messages[i] = a.messageOf(m)
	}
	return messages, nil
}

func (in *MessageFilter) filter() (f storage.Filter, err error) {
	f = storage.Filter{User: in.User, Limit: in.Limit}
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
	return a.messageOf(m), nil
}

// cancel answers the message as it is after that.
func (a *API) cancel(ctx context.Context, in *byID) (Message, error) {
	id, err := storage.ParseID(in.ID)
	if err != nil {
		return Message{}, noMessage()
	}
	err = a.Router.CancelOne(ctx, id)
	if re := (*router.Error)(nil); err != nil && !(errors.As(err, &re) && re.Code == router.NotFound) {
		return Message{}, err
	}
	return a.message(ctx, in)
}

func noMessage() error {
	return problem(http.StatusNotFound, "id", "no such message", "gsmgate messages lists what is kept")
}
