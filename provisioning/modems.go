package provisioning

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// ModemCommands are what can be done with a modem. id is its IMEI, its path or
// the last part of that. All of them are there.
type ModemCommands struct {
	Show        func(id string) (ModemDetail, error)
	Disable     func(ctx context.Context, id string) error
	Enable      func(ctx context.Context, id string) error
	Drain       func(ctx context.Context, id string) error
	Reset       func(ctx context.Context, id, rung string) error
	USSD        func(ctx context.Context, id, session, text string) (USSD, error)
	LastUSSD    func(id string) (USSD, error)
	CancelUSSD  func(ctx context.Context, id, session string) error
	Balance     func(ctx context.Context, id string) (ModemBalance, error)
	LearnNumber func(ctx context.Context, id string) (LearntNumber, error)
}

// ModemDetail is one modem with all that is known of it.
type ModemDetail struct {
	Modem
	OwnNumber   string        `json:"own_number" doc:"of the SIM; empty when nobody knows it"`
	NumberFrom  string        `json:"number_from" enum:",set,card,learnt" doc:"where the number is from"`
	StoredUsed  int           `json:"stored_used" doc:"places taken in the memory for incoming messages"`
	StoredTotal int           `json:"stored_total"`
	Balance     *ModemBalance `json:"balance" doc:"null when nothing asks for it"`
}

// ModemBalance is what is known of a SIM's money.
type ModemBalance struct {
	Amount  string     `json:"amount" doc:"decimal; empty when none was read yet"`
	At      *time.Time `json:"at" doc:"when it was read"`
	Low     bool       `json:"low" doc:"it is below the limit that is set"`
	Problem string     `json:"problem" doc:"why the newest answer gave no amount"`
	Answer  string     `json:"answer,omitempty" doc:"the operator's words; only where the balance was asked for"`
}

// USSD is what the network says in a dialogue.
type USSD struct {
	Text    string     `json:"text"`
	Session string     `json:"session" doc:"to be named in the reply that the network waits for, within two minutes; empty: the dialogue is over"`
	Network bool       `json:"network" doc:"the network has begun it"`
	At      *time.Time `json:"at" doc:"null when nothing was said yet"`
}

// USSDRequest begins a dialogue with a code, or goes on with a reply.
type USSDRequest struct {
	Code    string `json:"code,omitempty" maxLength:"182" doc:"such as *100#; an open session is closed before"`
	Reply   string `json:"reply,omitempty" maxLength:"182" doc:"to the question of the session"`
	Session string `json:"session,omitempty" doc:"that an answer has named; with reply"`
}

// ResetRequest says how far to go.
type ResetRequest struct {
	Rung string `json:"rung,omitempty" doc:"at, radio, modem, port, usb or power; the milder ones are tried by themselves. Without: modem"`
}

// LearntNumber is a SIM's own number.
type LearntNumber struct {
	Number string `json:"number"`
	Via    string `json:"via" doc:"the modem that the message came to"`
}

// OneModem names a modem.
type OneModem struct {
	ID string `path:"id" doc:"IMEI, or path with / as %2F, or the last part of the path"`
}

func (in *OneModem) id() string {
	if raw, err := url.PathUnescape(in.ID); err == nil {
		return raw
	}
	return in.ID
}

// ModemUSSD is a request for USSD.
type ModemUSSD struct {
	OneModem
	Body USSDRequest
}

// ModemResetting is a request for a reset.
type ModemResetting struct {
	OneModem
	Body ResetRequest
}

func (a *API) routeModems() {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	route(a, get, "/v1/modems/{id}", 200, "one modem with all that is known of it", a.modem)
	route(a, post, "/v1/modems/{id}/disable", 200, "send nothing by its SIM any more", a.told(func(c *ModemCommands) modemVerb { return c.Disable }))
	route(a, post, "/v1/modems/{id}/enable", 200, "send by its SIM again", a.told(func(c *ModemCommands) modemVerb { return c.Enable }))
	route(a, post, "/v1/modems/{id}/drain", 200, "end what its SIM has begun, then disable it", a.told(func(c *ModemCommands) modemVerb { return c.Drain }))
	route(a, post, "/v1/modems/{id}/reset", 202, "reset a modem", a.resetModem)
	route(a, post, "/v1/modems/{id}/ussd", 200, "send a USSD code, or a reply", a.ussd)
	route(a, get, "/v1/modems/{id}/ussd", 200, "what the network has said last", a.lastUSSD)
	route(a, del, "/v1/modems/{id}/ussd", 200, "close the open USSD session", a.cancelUSSD)
	route(a, post, "/v1/modems/{id}/balance", 200, "ask for the balance of its SIM", a.balance)
	route(a, post, "/v1/modems/{id}/learn-number", 200, "find out its SIM's number by one message to another SIM", a.learnNumber)
}

type modemVerb = func(ctx context.Context, id string) error

func noModem() error {
	return problem(http.StatusNotFound, "id", "no such modem", "use its IMEI or its path; gsmgate modem list shows them")
}

func (a *API) modem(_ context.Context, in *OneModem) (ModemDetail, error) {
	if a.Commands == nil {
		return ModemDetail{}, noModem()
	}
	return a.Commands.Show(in.id())
}

// told makes the handler of a command that answers with the modem as it is then.
func (a *API) told(verb func(*ModemCommands) modemVerb) func(context.Context, *OneModem) (ModemDetail, error) {
	return func(ctx context.Context, in *OneModem) (ModemDetail, error) {
		if a.Commands == nil {
			return ModemDetail{}, noModem()
		}
		if err := verb(a.Commands)(ctx, in.id()); err != nil {
			return ModemDetail{}, err
		}
		return a.Commands.Show(in.id())
	}
}

func (a *API) resetModem(ctx context.Context, in *ModemResetting) (ModemDetail, error) {
	return a.told(func(c *ModemCommands) modemVerb {
		return func(ctx context.Context, id string) error { return c.Reset(ctx, id, in.Body.Rung) }
	})(ctx, &in.OneModem)
}

func (a *API) ussd(ctx context.Context, in *ModemUSSD) (USSD, error) {
	q := in.Body
	switch {
	case a.Commands == nil:
		return USSD{}, noModem()
	case (q.Code == "") == (q.Reply == ""):
		return USSD{}, problem(http.StatusUnprocessableEntity, "code", "give a code or a reply", "")
	case q.Reply != "" && q.Session == "":
		return USSD{}, problem(http.StatusUnprocessableEntity, "session", "a reply needs the session that the answer has named", "")
	case q.Code != "" && q.Session != "":
		return USSD{}, problem(http.StatusUnprocessableEntity, "session", "a code begins a session of its own", "leave session out, or give a reply")
	}
	return a.Commands.USSD(ctx, in.id(), q.Session, q.Code+q.Reply)
}

func (a *API) lastUSSD(_ context.Context, in *OneModem) (USSD, error) {
	if a.Commands == nil {
		return USSD{}, noModem()
	}
	return a.Commands.LastUSSD(in.id())
}

func (a *API) cancelUSSD(ctx context.Context, in *OneModem) (USSD, error) {
	if a.Commands == nil {
		return USSD{}, noModem()
	}
	if err := a.Commands.CancelUSSD(ctx, in.id(), ""); err != nil {
		return USSD{}, err
	}
	return a.Commands.LastUSSD(in.id())
}

func (a *API) balance(ctx context.Context, in *OneModem) (ModemBalance, error) {
	if a.Commands == nil {
		return ModemBalance{}, noModem()
	}
	return a.Commands.Balance(ctx, in.id())
}

func (a *API) learnNumber(ctx context.Context, in *OneModem) (LearntNumber, error) {
	if a.Commands == nil {
		return LearntNumber{}, noModem()
	}
	return a.Commands.LearnNumber(ctx, in.id())
}
