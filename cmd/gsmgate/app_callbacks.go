package main

import (
	"context"
	"time"

	"gsmgate/provisioning"
	"gsmgate/router"
)

// callbackState shows what becomes of what is posted to a user's callback.
func (a *App) callbackState(user string) provisioning.CallbackState {
	told := a.callbacks.Told(user)
	s := provisioning.CallbackState{
		Taken: told.Taken, Refused: told.Refused, LastTakenAt: timeIfSet(told.LastTaken), LastError: told.LastError, LastErrorAt: timeIfSet(told.LastErrorAt),
	}
	lane, ok := a.router.Lane(router.CallbackQueue(user))
	if s.Posts = ok; ok {
		s.Busy, s.Held, s.Reason, s.RestsUntil = lane.Busy, lane.Held, lane.Reason, timeIfSet(lane.RestsUntil)
	}
	return s
}

func (a *App) tryCallback(ctx context.Context, user string) (provisioning.CallbackTrial, error) {
	t, err := a.callbacks.Try(ctx, user)
	return provisioning.CallbackTrial{
		URL: t.URL, Key: t.Key, Body: t.Body, Signed: t.Signed, Status: t.Status, Answer: t.Answer, Taken: t.Taken, Meaning: t.Meaning, TookMS: int64(t.Took / time.Millisecond),
	}, err
}
