package httpback

import (
	"context"
	"fmt"
	"time"

	"gsmgate/router"
)

// mostAnswer is how many octets of an answer a Trial shows.
const mostAnswer = 2 << 10

// Trial is what came of a sample that was posted.
type Trial struct {
	URL     string
	Key     string // of its header
	Body    string // what was posted
	Signed  bool
	Status  int    // 0: there was no answer
	Answer  string // the beginning of its body
	Taken   bool
	Meaning string // what it would mean for a message; or why there is no answer
	Took    time.Duration
}

// Try posts a sample to the user's callback, whatever waits for it. An error is a
// *router.Error: there is nothing to try.
func (ch *Channel) Try(ctx context.Context, user string) (Trial, error) {
	u, err := ch.Router.User(user)
	if err != nil {
		return Trial{}, err
	}
	record, _ := ch.Router.UserRecord(user)
	if u.Callback == "" {
		return Trial{}, &router.Error{Code: router.Conflict, Field: "callback", Message: fmt.Sprintf("user %s has no callback", user), Hint: "set one with gsmgate user set " + user + " --callback URL"}
	}
	began := time.Now()
	at := began.UTC().Truncate(time.Millisecond)
	e := CallbackEvent{Kind: kindMO, ID: "00000000", MessageID: "00000000", User: user, From: "+31600000000", To: "+31600000001", Text: "a sample of gsmgate", ReceivedAt: &at, Sample: true}
	body, err := e.body()
	if err != nil {
		return Trial{}, err
	}
	l := &letter{to: u.Callback, secret: record.CallbackSecret, key: fmt.Sprintf("sample-%d", began.UnixNano()), attempt: 1, body: body, keep: mostAnswer}
	client := ch.newClient(1)
	defer client.CloseIdleConnections()
	a, err := ch.post(ctx, client, l)
	t := Trial{URL: u.Callback, Key: l.key, Body: string(body), Signed: u.Signed, Took: time.Since(began)}
	if err != nil {
		t.Meaning = err.Error()
		return t, nil
	}
	c := classOf(a.status)
	t.Status, t.Answer, t.Taken, t.Meaning = a.status, string(a.begin), c == taken, c.String()
	return t, nil
}
