package provisioning

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"gsmgate/router"
)

// Waiting counts the receipts and incoming messages that wait for a user.
type Waiting struct {
	SMPP     int `json:"smpp" doc:"until a session of it takes them"`
	Callback int `json:"callback" doc:"until its callback does"`
}

// Callback is where a user's receipts and incoming messages are posted to.
type Callback struct {
	URL    string         `json:"url"`
	Signed bool           `json:"signed" doc:"there is a secret"`
	For    []string       `json:"for" doc:"mo, receipts"`
	Window int            `json:"window" doc:"posts without an answer at most"`
	State  *CallbackState `json:"state" doc:"null in a list of users, and when no gateway runs"`
}

// CallbackState is what becomes of what is posted. Counts are since the start.
type CallbackState struct {
	Posts       bool       `json:"posts" doc:"false: the user is disabled, or gets all by SMPP"`
	Busy        int        `json:"busy" doc:"posts without an answer now"`
	Held        int        `json:"held" doc:"conversations that wait for an event that was refused"`
	Reason      string     `json:"reason" doc:"why nothing is posted now"`
	RestsUntil  *time.Time `json:"rests_until" doc:"nothing is posted before"`
	Taken       uint64     `json:"taken" doc:"events that were answered with 2xx"`
	Refused     uint64     `json:"refused" doc:"tries that were not"`
	LastTakenAt *time.Time `json:"last_taken_at"`
	LastError   string     `json:"last_error" doc:"why the last one was not"`
	LastErrorAt *time.Time `json:"last_error_at"`
}

// CallbackTrial is what came of a sample.
type CallbackTrial struct {
	URL     string `json:"url"`
	Key     string `json:"key" doc:"Idempotency-Key"`
	Body    string `json:"body" doc:"what was posted"`
	Signed  bool   `json:"signed"`
	Status  int    `json:"status" doc:"0: there was no answer"`
	Answer  string `json:"answer" doc:"the beginning of its body"`
	Taken   bool   `json:"taken"`
	Meaning string `json:"meaning" doc:"what the answer would mean for a message, or why there is none"`
	TookMS  int64  `json:"took_ms"`
}

// CallbackContract describes what is posted.
type CallbackContract struct {
	Event reflect.Type // the body; nil: nothing is posted
	Words string       // what else its receiver must know
}

// describeCallback adds what is posted to the description of the API.
func (a *API) describeCallback() {
	c := a.CallbackContract
	if c.Event == nil {
		return
	}
	api := a.huma.OpenAPI()
	schema := api.Components.Schemas.Schema(c.Event, true, "")
	api.Webhooks = map[string]*huma.PathItem{"callback": {Post: &huma.Operation{
		OperationID: "callback", Summary: "receipts and incoming messages, as they are posted to the callback of a user", Description: c.Words,
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}},
		Responses:   map[string]*huma.Response{"2XX": {Description: "taken"}, "default": {Description: "not taken, see above"}},
	}}}
}

func callbackOf(v *router.UserView) *Callback {
	if v.Callback == "" {
		return nil
	}
	return &Callback{URL: v.Callback, Signed: v.Signed, For: append([]string{}, router.CallbackFor(&v.User)...), Window: cmp.Or(v.CallbackWindow, router.DefaultCallbackWindow)}
}

// withState adds how the callback of one user does.
func (a *API) withState(u User) User {
	if u.Callback != nil && a.CallbackState != nil {
		s := a.CallbackState(u.Name)
		u.Callback.State = &s
	}
	return u
}

func (a *API) tryCallback(ctx context.Context, in *ByName) (CallbackTrial, error) {
	if a.TryCallback == nil {
		return CallbackTrial{}, problem(http.StatusServiceUnavailable, "", "no gateway runs", "start it with gsmgate serve")
	}
	return a.TryCallback(ctx, in.Name)
}
