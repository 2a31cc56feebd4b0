package router

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

// comer is a channel that notes whether it runs.
type comer struct {
	name string
	runs bool
	fail chan error
}

func (c *comer) Name() string                                   { return c.name }
func (c *comer) Carries(storage.Kind) bool                      { return false }
func (c *comer) Parts(*storage.Message) ([]storage.Part, error) { return nil, nil }
func (c *comer) Status() Status                                 { return Status{Ready: true} }

func (c *comer) Run(ctx context.Context, _ Inbox) error {
	c.runs = true
	defer func() { c.runs = false }()
	select {
	case err := <-c.fail:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestChannels_ComeAndGoWhileItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{answer: ok}, Options{})
		one := &comer{name: "one"}
		if err := b.r.Add(one); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		var re *Error
		if err := b.r.Add(&comer{name: "one"}); !errors.As(err, &re) || re.Code != Conflict || !one.runs {
			t.Errorf("the same name: %v; runs %v", err, one.runs)
		}
		b.r.Remove("one")
		if one.runs || len(b.r.Channels()) != 1 {
			t.Errorf("runs %v, %+v", one.runs, b.r.Channels())
		}
		b.r.Remove("one")
		if err := b.r.Add(one); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !one.runs {
			t.Error("it does not run again")
		}
	})
}

func TestChannels_OneFails_TheRouterEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := New(storagetest.Open(t), Options{})
		oops := errors.New("oops")
		bad, other := &comer{name: "bad", fail: make(chan error, 1)}, &comer{name: "other"}
		if err := errors.Join(r.Add(bad), r.Add(other)); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- r.Run(t.Context()) }()
		synctest.Wait()
		bad.fail <- oops
		if err := <-ended; !errors.Is(err, oops) || other.runs {
			t.Errorf("ended with %v; the other runs: %v", err, other.runs)
		}
	})
}
