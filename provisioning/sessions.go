package provisioning

import (
	"context"
	"net/http"
	"slices"
)

func (a *API) sessions(_ context.Context, in *SessionFilter) ([]Session, error) {
	all := call(a.Sessions)
	if in.User == "" {
		return all, nil
	}
	return slices.DeleteFunc(all, func(s Session) bool { return s.User != in.User }), nil
}

// BySession is exported for huma, which fills in no others.
type BySession struct {
	ID string `path:"id" doc:"id of a session"`
}

func noSession() *Problem {
	return problem(http.StatusNotFound, "id", "no such session", "gsmgate session list shows those that are bound")
}

func (a *API) session(_ context.Context, in *BySession) (Session, error) {
	all := call(a.Sessions)
	i := slices.IndexFunc(all, func(s Session) bool { return s.ID == in.ID })
	if i < 0 {
		return Session{}, noSession()
	}
	return all[i], nil
}

// closeSession begins the end of a session; it does not wait for the client.
func (a *API) closeSession(_ context.Context, in *BySession) (Closed, error) {
	if a.CloseSession == nil || !a.CloseSession(in.ID) {
		return Closed{}, noSession()
	}
	return Closed{Closed: 1}, nil
}

func (a *API) closeSessions(_ context.Context, in *ByName) (Closed, error) {
	if _, err := a.Router.User(in.Name); err != nil {
		return Closed{}, err
	}
	if a.CloseSessions == nil {
		return Closed{}, nil
	}
	return Closed{Closed: a.CloseSessions(in.Name)}, nil
}
