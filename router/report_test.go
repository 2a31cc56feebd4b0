package router

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

func (b *bench) reports(rep storage.Report) {
	b.t.Helper()
	done := make(chan error, 1)
	rep.Lane = "sim:1"
	b.r.Report(rep, func(err error) { done <- err })
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}

// counting gives references one after the other.
func counting() *scripted {
	n := 0
	return &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
		n++
		return string(rune('0' + n)), nil
	}}
}

func TestNoReport_EndsAsUnknown_LateReportIsNotedAndNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, counting(), Options{ReportTimeout: time.Hour})
		id := b.send("x")
		pass(2 * time.Hour)
		m := b.expect(id, storage.Unknown, 9, 1)
		if !strings.HasPrefix(m.Reason, "NOREPORT") || len(b.receipts()) != 1 {
			t.Errorf("reason %q, %d receipts", m.Reason, len(b.receipts()))
		}
		b.reports(storage.Report{Match: "31612345678", Ref: "1", State: storage.Delivered, Text: "delivered at last"})
		m = b.expect(id, storage.Unknown, 9, 1)
		last := m.Events[len(m.Events)-1].Text
		if !strings.Contains(last, "delivered at last") || !strings.Contains(last, "had ended as unknown") || len(b.receipts()) != 1 {
			t.Errorf("the timeline ends with %q, %d receipts", last, len(b.receipts()))
		}
		s := b.r.ReportShares()
		if len(s) != 1 || s[0].Sent != 1 || s[0].NoReport != 1 || s[0].Delivered != 1 || s[0].Late != 1 {
			t.Errorf("shares %+v", s)
		}
		pass(25 * time.Hour)
		if s := b.r.ReportShares(); s[0].Sent != 0 || s[0].Late != 0 {
			t.Errorf("after a day: %+v", s)
		}
	})
}

func TestReport_WithoutRecipient_ByReferenceAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, counting(), Options{})
		first, second := b.send("a"), b.send("b")
		synctest.Wait()
		b.reports(storage.Report{Ref: "2", State: storage.Delivered, Submitted: storage.TimeOf(time.Now().Add(time.Hour))}) // of another time
		b.expect(second, storage.Enroute, 8, 0)
		b.reports(storage.Report{Ref: "2", State: storage.Delivered, Submitted: storage.TimeOf(time.Now())})
		b.expect(second, storage.Delivered, 8, 1)
		b.reports(storage.Report{Ref: "1", State: storage.Delivered}) // the only one with the reference
		b.expect(first, storage.Delivered, 8, 2)
	})
}

// A report about one number is never taken for another, whatever its reference.
func TestReport_OfAnotherRecipient_NotTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, counting(), Options{})
		id := b.send("a")
		synctest.Wait()
		b.reports(storage.Report{Match: "31699999999", Ref: "1", State: storage.Delivered, Submitted: storage.TimeOf(time.Now())})
		b.expect(id, storage.Enroute, 9, 0)
		if s := b.r.ReportShares(); s[0].Stray != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// One more report on a part that is settled is not about the next message.
func TestReport_OfASettledPart_NotTakenByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, counting(), Options{})
		first := b.send("a")
		synctest.Wait()
		now := storage.TimeOf(time.Now())
		b.reports(storage.Report{Match: "31612345678", Ref: "1", State: storage.Delivered, Submitted: now, Dedupe: "one"})
		second := b.send("b")
		synctest.Wait()
		b.reports(storage.Report{Match: "31612345678", Ref: "1", State: storage.Undeliverable, Submitted: now, Dedupe: "two"})
		b.expect(first, storage.Delivered, 8, 1)
		b.expect(second, storage.Enroute, 8, 1)
	})
}

func TestReport_Multipart_WorstPartDecides_OneReceipt(t *testing.T) {
	for name, c := range map[string]struct {
		reports []storage.State
		end     storage.State
	}{
		"all delivered":                {[]storage.State{storage.Delivered, storage.Delivered, storage.Delivered}, storage.Delivered},
		"temporary error first":        {[]storage.State{storage.Enroute, storage.Delivered, storage.Delivered, storage.Delivered}, storage.Delivered},
		"one expired":                  {[]storage.State{storage.Delivered, storage.Expired, storage.Delivered}, storage.Expired},
		"the rest after it has failed": {[]storage.State{storage.Undeliverable, storage.Delivered, storage.Expired}, storage.Undeliverable},
		"not all known":                {[]storage.State{storage.Delivered, storage.Delivered}, storage.Enroute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := running(t, counting(), Options{})
				id := b.send("a|b|c")
				pass(time.Minute)
				part := 0
				for _, state := range c.reports {
					ref := string(rune('1' + part))
					b.reports(storage.Report{Match: "31612345678", Ref: ref, State: state, Cause: 70, Text: "said so"})
					if state != storage.Enroute {
						part++
					}
				}
				m, err := b.r.Message(id)
				if err != nil || m.State != c.end || len(b.receipts()) != min(1, int(m.EndedAt)) {
					t.Errorf("%v, state %s, %d receipts", err, stateWord(m.State), len(b.receipts()))
				}
			})
		})
	}
}

// A report that overtakes the answer says how the message ended.
func TestReport_ExpiredBeforeTheAnswer_Expired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b *bench
		c := &scripted{lanes: []Lane{lane("sim:1")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			b.r.Report(storage.Report{Lane: l, Match: "31612345678", Ref: "42", State: storage.Expired, Cause: 0x46, Text: "too late"}, func(error) {})
			time.Sleep(time.Minute)
			return "42", nil
		}
		b = &bench{}
		*b = *running(t, c, Options{})
		id := b.send("x")
		pass(2 * time.Minute)
		if m := b.expect(id, storage.Expired, 10, 0); m.Cause != 0x46 {
			t.Errorf("cause %d", m.Cause)
		}
	})
}

// A part of which nobody knows whether it went out is settled by a report that
// says when it went out, however late, or by one that comes soon.
func TestReport_OfAnUnknownPart_NeedsItsTimeOrComesSoon(t *testing.T) {
	for name, c := range map[string]struct {
		after time.Duration
		taken time.Duration // after the attempt; below 0: the report does not say
		known int           // reports that have told the clock
		want  storage.State
	}{
		"soon, without a time":                 {time.Minute, -1, 3, storage.Delivered},
		"hours later, without a time":          {5 * time.Hour, -1, 3, storage.Unknown},
		"hours later, with its time":           {5 * time.Hour, time.Second, 3, storage.Delivered},
		"soon, with another time":              {time.Minute, 4 * time.Minute, 3, storage.Unknown},
		"soon, of a clock that nobody knows":   {time.Minute, time.Hour, 0, storage.Delivered},
		"later, of a clock that nobody knows":  {5 * time.Hour, time.Hour, 0, storage.Unknown},
		"soon, of a clock that was heard once": {time.Minute, time.Hour, 1, storage.Delivered},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				channel := counting()
				b := running(t, channel, Options{})
				for i := range c.known {
					b.send("a")
					synctest.Wait()
					b.reports(storage.Report{Match: "31612345678", Ref: strconv.Itoa(i + 1), State: storage.Delivered, Submitted: storage.TimeOf(time.Now())})
				}
				channel.answer = func(context.Context, string, *storage.Message, int) (string, error) {
					return "", errors.New("no answer to CMGS")
				}
				id, tried := b.send("b"), time.Now()
				pass(c.after)
				rep := storage.Report{Match: "31612345678", Ref: "9", State: storage.Delivered}
				if c.taken >= 0 {
					rep.Submitted = storage.TimeOf(tried.Add(c.taken))
				}
				b.reports(rep)
				if m := b.message(id); m.State != c.want {
					t.Errorf("state %s, want %s", StateWord(m.State), StateWord(c.want))
				}
			})
		})
	}
}

// Without a clock the newest of those that may have gone out is the likeliest.
func TestReport_OfTwoUnknownParts_WithoutATime_TakenByTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) {
			return "", errors.New("no answer to CMGS")
		}}
		b := running(t, c, Options{})
		first := b.send("a")
		pass(30 * time.Second)
		second := b.send("b")
		pass(30 * time.Second)
		b.reports(storage.Report{Match: "31612345678", Ref: "9", State: storage.Delivered})
		b.expect(first, storage.Unknown, 8, 1)
		b.expect(second, storage.Delivered, 8, 1)
	})
}

// A modem that tells no TP-MR has sent the message all the same.
func TestReport_SentWithoutReference_ByRecipientAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1")}, answer: func(context.Context, string, *storage.Message, int) (string, error) { return "", nil }}
		b := running(t, c, Options{})
		id := b.send("a|b")
		synctest.Wait()
		if b.c.log() != "sim:1 a|b/1; sim:1 a|b/2" {
			t.Fatalf("sent %s", b.c.log())
		}
		for _, key := range []string{"one", "two"} {
			b.reports(storage.Report{Match: "31612345678", Ref: "17", State: storage.Delivered, Submitted: storage.TimeOf(time.Now()), Dedupe: key})
		}
		b.expect(id, storage.Delivered, 8, 2)
	})
}

func TestUndecoded_OldOnesForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, counting(), Options{})
		keep := func(id string) {
			if err := b.r.Undecoded(t.Context(), storage.Undecoded{ID: id, Lane: "sim:1", Raw: "00"}); err != nil {
				t.Fatal(err)
			}
		}
		keep("old")
		pass(60 * 24 * time.Hour)
		keep("new")
		pass(31 * 24 * time.Hour)
		if all := b.r.ListUndecoded(); len(all) != 1 || all[0].ID != "new" {
			t.Errorf("%+v", all)
		}
		if err := b.r.RemoveUndecoded(t.Context(), "old"); !isCode(err, NotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func isCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}
