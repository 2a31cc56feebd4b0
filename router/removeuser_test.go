package router

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// stays checks that a user cannot be removed, for a reason, and stands as before.
func (b *bench) stays(why string) {
	b.t.Helper()
	before, err := b.r.User("acme")
	if err != nil {
		b.t.Fatal(err)
	}
	err = b.r.RemoveUser(b.t.Context(), "acme", false)
	if codeOf(err) != Conflict || !strings.Contains(err.Error(), why) {
		b.t.Errorf("%v, want %s", err, why)
	}
	if after, err := b.r.User("acme"); err != nil || after.Enabled != before.Enabled || len(after.AddressRanges) != len(before.AddressRanges) {
		b.t.Errorf("it is now %+v, %v", after, err)
	}
}

// gone checks that no user is left, that its ledger is, and that all sums are right.
func (b *bench) gone(granted, spent storage.Millicredits) {
	b.t.Helper()
	if _, err := b.r.User("acme"); codeOf(err) != NotFound {
		b.t.Errorf("the user: %v", err)
	}
	s, err := b.r.Statement(b.t.Context(), "acme", 0, 0)
	if want := (storage.Balance{Granted: granted, Spent: spent}); err != nil || s.Closing != want {
		b.t.Errorf("statement %+v, %v, want %+v", s, err, want)
	}
	if entries, _, err := b.r.Ledger(storage.LedgerFilter{User: "acme"}); err != nil || len(entries) == 0 {
		b.t.Errorf("ledger %v, %v", entries, err)
	}
	if err := b.r.Verify(b.t.Context()); err != nil {
		b.t.Error(err)
	}
}

func TestRemoveUser_SomethingLeft_RefusedAndSaysWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{Retention: time.Hour})
		b.stays("user acme has 10 credits")
		route := b.route(func(r *storage.Route) { r.Users = []string{"acme"} }, "gsm")
		b.stays("route 1 is for user acme")
		if err := b.r.RemoveRoute(t.Context(), route.ID); err != nil {
			t.Fatal(err)
		}
		b.send("a|b")
		synctest.Wait()
		b.stays("user acme has 1 message that has not ended; 2 credits are held")
		b.report("sim:1", "a|b-1", storage.Delivered)
		b.report("sim:1", "a|b-2", storage.Delivered)
		b.stays("1 message waits for user acme to fetch") // the receipt
		pass(2 * time.Hour)
		b.stays("user acme has 8 credits")
		if _, err := b.r.Credit(t.Context(), "acme", -8*storage.Credit, "paid back"); err != nil {
			t.Fatal(err)
		}
		if err := b.r.RemoveUser(t.Context(), "acme", false); err != nil {
			t.Fatal(err)
		}
		b.gone(2*storage.Credit, 2*storage.Credit)
		if err := b.r.RemoveUser(t.Context(), "acme", false); codeOf(err) != NotFound {
			t.Errorf("once more: %v", err)
		}
	})
}

// What waits for a callback keeps its user, too, and ends with it.
func TestRemoveUser_WaitsForItsCallback_RefusedOrEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{Retention: time.Hour})
		hook, both := "http://127.0.0.1:1/", "both"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Callback: &hook, Deliver: &both}}); err != nil {
			t.Fatal(err)
		}
		b.receipted("x")
		b.stays("2 messages wait for user acme to fetch")
		if err := b.r.RemoveUser(t.Context(), "acme", true); err != nil {
			t.Fatal(err)
		}
		b.gone(storage.Credit, storage.Credit)
	})
}

func TestRemoveUser_Owes_Refused_ForceWritesOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		limit := int64(5 * storage.Credit)
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{CreditLimit: &limit}}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.r.Credit(t.Context(), "acme", -13*storage.Credit, ""); err != nil {
			t.Fatal(err)
		}
		b.stays("user acme owes 3 credits")
		if err := b.r.RemoveUser(t.Context(), "acme", true); err != nil {
			t.Fatal(err)
		}
		b.gone(0, 0)
	})
}

// With force each message ends by its rules: what was not sent is given back, what
// went out is paid by part, what is being sent is waited for.
func TestRemoveUser_Force_MessagesEnd_MoneyByTheRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}}
		c.answer = func(ctx context.Context, l string, m *storage.Message, i int) (string, error) {
			switch {
			case m.Text == "slow":
				time.Sleep(10 * time.Second)
			case m.Text == "lost":
				return "", errors.New("no answer")
			case strings.HasPrefix(m.Text, "half") && i == 1:
				return "", &SendError{Outcome: RefusedForNow, Wait: time.Hour, Err: errors.New("busy")}
			}
			return ok(ctx, l, m, i)
		}
		b := running(t, c, Options{})
		var told []storage.User
		b.r.OnUserChange(func(u storage.User) { told = append(told, u) })
		sent, lost, half := b.send("sent|sent"), b.send("lost"), b.send("half|half")
		later := b.send("later", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(time.Hour)) })
		pass(time.Second)
		slow := b.send("slow", to("31687654321"))
		pass(time.Second)
		mo, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MO, Dest: storage.Address{TON: 1, NPI: 1, Addr: "31612345678"}, Text: "for acme"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.r.RemoveUser(t.Context(), "acme", true); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[storage.ID]storage.State{sent: storage.Unknown, lost: storage.Unknown, half: storage.Expired, later: storage.Deleted, slow: storage.Unknown, mo: storage.Deleted} {
			if m := b.message(id); m.State != want || m.EndedAt == 0 || m.Held != 0 {
				t.Errorf("%s is %s, ended at %d: %s", m.Text, StateWord(m.State), m.EndedAt, m.Reason)
			}
		}
		b.gone(4*storage.Credit, 4*storage.Credit)
		if n := len(b.receipts()); n != 0 {
			t.Errorf("%d receipts for nobody", n)
		}
		if len(told) == 0 || told[0].Enabled {
			t.Errorf("sessions were told %+v", told)
		}
		// Its numbers are free, and a late report changes nothing.
		b.report("sim:1", "slow-1", storage.Delivered)
		if _, err := b.r.AddUser(t.Context(), UserSpec{SystemID: "other", Password: "secret", AddressRanges: []string{"+3161*"}}); err != nil {
			t.Error(err)
		}
		if _, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MT, User: "acme", Dest: storage.Address{Addr: "31612345678"}, Text: "x"}); codeOf(err) != NotFound {
			t.Errorf("a message of it: %v", err)
		}
		// One of the same name starts with nothing.
		u, err := b.r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", Credits: storage.Credit})
		if err != nil || u.Balance.Available != storage.Credit {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

// Without a running router nothing is being sent: what was when it died is UNKNOWN.
func TestRemoveUser_Force_WhileNothingRuns_InterruptedOnesArePaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		synctest.Wait()
		id := b.send("a|b")
		if _, err := b.db.ChangeSync(t.Context(), id, func(m *storage.Message, now storage.Time) ([]*storage.Message, error) {
			m.Parts[0].State, m.DueAt = storage.PartTrying, 0
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
		b.stop()
		if err := b.r.RemoveUser(t.Context(), "acme", true); err != nil {
			t.Fatal(err)
		}
		if m := b.message(id); m.State != storage.Unknown || m.Spent != storage.Credit {
			t.Errorf("%s, spent %d", StateWord(m.State), m.Spent)
		}
		b.gone(storage.Credit, storage.Credit)
	})
}
