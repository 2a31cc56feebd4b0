package router

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// losing loses the answers to texts that begin with "lost" so many times.
func losing(times int) func(context.Context, string, *storage.Message, int) (string, error) {
	var mu sync.Mutex
	lost := map[storage.ID]int{}
	return func(ctx context.Context, lane string, m *storage.Message, i int) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasPrefix(m.Text, "lost") && i == 0 && lost[m.ID] < times {
			lost[m.ID]++
			return "", errors.New("no answer to CMGS")
		}
		return ok(ctx, lane, m, i)
	}
}

// policy is running with a route that says what is done with UNKNOWN.
func policy(t *testing.T, unknown string, after time.Duration, times int) *bench {
	t.Helper()
	b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: losing(times)}, Options{ReportTimeout: 72 * time.Hour})
	b.route(func(r *storage.Route) { r.Unknown, r.UnknownAfter = unknown, int(after/time.Second) }, "gsm")
	return b
}

func validForDays(m *storage.Message) {
	m.ExpiresAt = storage.TimeOf(time.Now().Add(10 * 24 * time.Hour))
}

func TestUnknown_Hold_NothingIsSent_EndsWithoutReport(t *testing.T) {
	for _, word := range []string{"", "hold"} {
		synctest.Test(t, func(t *testing.T) {
			b := policy(t, word, time.Minute, 1)
			id := b.send("lost", validForDays)
			pass(71 * time.Hour)
			b.expect(id, storage.Unknown, 9, 0)
			pass(2 * time.Hour)
			if m := b.expect(id, storage.Unknown, 9, 1); m.EndedAt == 0 || !strings.HasPrefix(m.Reason, "NOREPORT") || m.Resent != 0 {
				t.Errorf("ended %d: %s", m.EndedAt, m.Reason)
			}
			wantTexts(t, b.c, "lost")
		})
	}
}

func TestUnknown_Resend_SentAgainInItsTime_TimelineAndReceiptSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", 15*time.Minute, 1)
		id := b.send("lost")
		pass(14 * time.Minute)
		wantTexts(t, b.c, "lost")
		if why := b.r.Why(b.state(id)); !strings.Contains(why, "route 1 says: resend after 15m0s") {
			t.Errorf("waits: %s", why)
		}
		pass(2 * time.Minute)
		wantTexts(t, b.c, "lost lost")
		b.report("sim:1", "lost-1", storage.Delivered)
		m := b.expect(id, storage.Delivered, 9, 1)
		if m.Resent != 1 || m.Route != "1" || !strings.Contains(events(m, "resent"), "part 1 of 1, which may have been sent before: route 1 says so") {
			t.Errorf("resent %d: %v", m.Resent, m.Events)
		}
		if rs := b.receipts(); len(rs) != 1 || rs[0].About.Resent != 1 {
			t.Errorf("receipts %+v", rs)
		}
	})
}

// A report that comes before settles it: it is not sent again.
func TestUnknown_Resend_ReportComesBefore_NotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", 15*time.Minute, 1)
		submitted := storage.TimeOf(time.Now())
		id := b.send("lost")
		pass(10 * time.Minute)
		done := make(chan error, 1)
		b.r.Report(storage.Report{Lane: "sim:1", Match: "31612345678", Ref: "7", State: storage.Delivered, Submitted: submitted}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if m := b.expect(id, storage.Delivered, 9, 1); m.Resent != 0 {
			t.Errorf("resent %d", m.Resent)
		}
		wantTexts(t, b.c, "lost")
	})
}

func TestUnknown_Resend_LostEachTime_HeldAfterAFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", time.Minute, 100)
		id := b.send("lost", validForDays)
		pass(24 * time.Hour)
		wantTexts(t, b.c, "lost lost lost lost")
		b.expect(id, storage.Unknown, 9, 0)
		pass(72 * time.Hour)
		if m := b.expect(id, storage.Unknown, 9, 1); m.EndedAt == 0 {
			t.Error("it never ends")
		}
	})
}

func TestUnknown_Resend_ValidityIsOver_Held(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", time.Hour, 1)
		id := b.send("lost", validFor(30*time.Minute))
		pass(24 * time.Hour)
		wantTexts(t, b.c, "lost")
		b.expect(id, storage.Unknown, 9, 0)
	})
}

// The other parts are where they are; only the lost one goes again, by its SIM.
func TestUnknown_Resend_OnePartOfSeveral_OnlyThatOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}}
		var lost sync.Once
		c.answer = func(ctx context.Context, lane string, m *storage.Message, i int) (_ string, err error) {
			if i == 1 {
				lost.Do(func() { err = errors.New("no answer") })
			}
			return "9", err
		}
		b := running(t, c, Options{})
		b.route(func(r *storage.Route) { r.Unknown, r.UnknownAfter = "resend", 60 }, "gsm")
		b.send("a|b|c")
		pass(10 * time.Minute)
		first, _, _ := strings.Cut(c.log(), " ")
		if want := strings.ReplaceAll("X a|b|c/1; X a|b|c/2; X a|b|c/2; X a|b|c/3", "X", first); c.log() != want {
			t.Errorf("sent %s, want %s", c.log(), want)
		}
	})
}

func TestUnknown_Fail_EndsUndeliverable_Refunded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "fail", 30*time.Minute, 1)
		id := b.send("lost")
		pass(29 * time.Minute)
		b.expect(id, storage.Unknown, 9, 0)
		pass(2 * time.Minute)
		m := b.expect(id, storage.Undeliverable, 10, 0)
		if !strings.Contains(m.Reason, "route 1 lets it fail") {
			t.Errorf("reason %s", m.Reason)
		}
		if rs := b.receipts(); len(rs) != 1 || rs[0].About.State != storage.Undeliverable {
			t.Errorf("receipts %+v", rs)
		}
		wantTexts(t, b.c, "lost")
	})
}

// After a crash the policy is that of the route, too.
func TestUnknown_Restart_PolicyStrikes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", 15*time.Minute, 0)
		id := b.send("x")
		synctest.Wait()
		b.stop()
		_, err := b.db.ChangeSync(t.Context(), id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
			m.Parts[0].State, m.Parts[0].Ref = storage.PartTrying, ""
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b.restart(Options{})
		defer b.stop()
		pass(14 * time.Minute)
		wantTexts(t, b.c, "x")
		pass(2 * time.Minute)
		wantTexts(t, b.c, "x x")
	})
}

// What is set later holds: a route that resends no more holds what waits.
func TestUnknown_PolicyIsChanged_HoldsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "resend", 15*time.Minute, 1)
		id := b.send("lost", validForDays)
		pass(10 * time.Minute)
		if _, err := b.r.SetRoute(t.Context(), "1", func(r *storage.Route) { r.Unknown = "hold" }); err != nil {
			t.Fatal(err)
		}
		pass(71 * time.Hour)
		wantTexts(t, b.c, "lost")
		if m := b.expect(id, storage.Unknown, 9, 0); m.EndedAt != 0 {
			t.Error("it ended before no report is waited for any more")
		}
		pass(2 * time.Hour)
		b.expect(id, storage.Unknown, 9, 1)
	})
}

func TestUnknown_Settings_Checked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := policy(t, "fail", 30*time.Minute, 0)
		if e, err := b.r.ExplainRoute(RouteQuery{SendRequest: SendRequest{User: "acme", To: "31612345678", Text: "x"}}); err != nil || e.Unknown != "fail" || e.UnknownAfter != 30*time.Minute {
			t.Errorf("explained %s after %v, %v", e.Unknown, e.UnknownAfter, err)
		}
		for field, edit := range map[string]func(*storage.Route){
			"unknown":         func(r *storage.Route) { r.Unknown = "forget" },
			"unknown_after_s": func(r *storage.Route) { r.UnknownAfter = -1 },
		} {
			var re *Error
			if _, err := b.r.SetRoute(t.Context(), "1", edit); !errors.As(err, &re) || re.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
	})
}
