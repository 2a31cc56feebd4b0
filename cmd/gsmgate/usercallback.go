package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

// deliveryLines tell how a user's receipts and incoming messages reach it.
func deliveryLines(u provisioning.User) [][2]string {
	lines := [][2]string{
		{"deliver", u.Deliver}, {"waiting", fmt.Sprintf("%d by SMPP, %d by callback", u.Waiting.SMPP, u.Waiting.Callback)},
	}
	c := u.Callback
	if c == nil {
		return append(lines, [2]string{"callback", "none"})
	}
	signed := "no"
	if c.Signed {
		signed = "by a secret"
	}
	lines = append(lines, [][2]string{
		{"callback", visible(c.URL, -1)}, {"callback signed", signed}, {"callback for", strings.Join(c.For, ", ")}, {"callback window", strconv.Itoa(c.Window)},
	}...)
	if c.State != nil {
		lines = append(lines, stateLines(c.State)...)
	}
	return lines
}

// stateLines tell what becomes of what is posted.
func stateLines(s *provisioning.CallbackState) [][2]string {
	now := fmt.Sprintf("%d on their way, %d conversations held", s.Busy, s.Held)
	switch {
	case !s.Posts:
		now = "nothing is posted: the user is disabled, or gets all by SMPP"
	case s.RestsUntil != nil:
		now = fmt.Sprintf("nothing is posted before %s: %s", clock(*s.RestsUntil), visible(s.Reason, -1))
	}
	lines := [][2]string{{"callback now", now}, {"callback answers", fmt.Sprintf("%d taken, %d refused", s.Taken, s.Refused)}}
	if s.LastTakenAt != nil {
		lines = append(lines, [2]string{"callback took", clock(*s.LastTakenAt)})
	}
	if s.LastErrorAt != nil {
		lines = append(lines, [2]string{"callback error", clock(*s.LastErrorAt) + ": " + visible(s.LastError, -1)})
	}
	return lines
}

type userTryCallbackCmd struct {
	dataDir
	Name string `arg:"" help:"system_id"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *userTryCallbackCmd) Run(e *env) error {
	return c.call(e, needsGateway, func(ctx context.Context, api *client.Client) error {
		t, err := api.TryCallback(ctx, c.Name)
		if err != nil {
			return err
		}
		if c.JSON {
			err = e.json(t)
		} else {
			err = e.fields(trialLines(t))
		}
		if err != nil || t.Taken {
			return err
		}
		return fail("", "the callback of user %s did not take the sample", c.Name)
	})
}

func trialLines(t provisioning.CallbackTrial) [][2]string {
	lines := [][2]string{{"posted to", visible(t.URL, -1)}, {"key", t.Key}, {"body", visible(strings.TrimSpace(t.Body), -1)}}
	if t.Status == 0 {
		return append(lines, [2]string{"answer", "none: " + visible(t.Meaning, -1)})
	}
	lines = append(lines, [2]string{"answer", fmt.Sprintf("%d %s after %d ms", t.Status, http.StatusText(t.Status), t.TookMS)})
	if t.Answer != "" {
		lines = append(lines, [2]string{"says", visible(t.Answer, 400)})
	}
	return append(lines, [2]string{"meaning", t.Meaning})
}
