package httpback

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

func TestPost_MO_FieldsKeyAndSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{}
		h.listen("acme", r)
		h.set("acme", router.UserSettings{CallbackSecret: ptr(storage.Secret("hush"))})
		id := h.mo("a <b> 世界")[0]
		synctest.Wait()
		h.want(id, storage.Delivered, "")
		if len(r.posts()) != 1 {
			t.Fatalf("%d posts", len(r.posts()))
		}
		p := r.posts()[0]
		want := `{"kind":"mo","id":"10000000","message_id":"10000000","user":"acme","from":"+4915a","to":"+31610000000","text":"a <b> 世界","data_coding":0,"err":0,"received_at":"2000-01-01T00:00:00Z"}` + "\n"
		if p.body != want {
			t.Errorf("body %s", p.body)
		}
		for name, want := range map[string]string{
			"Content-Type": "application/json", "Idempotency-Key": "10000000-mo", "Gsmgate-Attempt": "1", "Gsmgate-Timestamp": "946684800", "User-Agent": "gsmgate",
			"Gsmgate-Signature": signature("hush", "946684800", []byte(want)),
		} {
			if got := p.header.Get(name); got != want {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if told := h.ch.Told("acme"); told.Taken != 1 || told.LastTaken.IsZero() || told.LastError != "" {
			t.Errorf("%+v", told)
		}
	})
}

func TestPost_Receipt_TellsOfItsMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{}
		h.listen("acme", r)
		now := storage.TimeOf(time.Now())
		_, err := h.db.AcceptSync(t.Context(), &storage.Message{
			Kind: storage.Receipt, User: "acme", Source: storage.Address{Addr: "31612345678", TON: 1}, Dest: storage.Address{Addr: "Acme", TON: 5},
			State: storage.Enroute, AcceptedAt: now, DueAt: now, Queue: router.CallbackQueue("acme"), Parts: []storage.Part{{}},
			About: &storage.About{ID: 0x20000001, State: storage.Undeliverable, Cause: 27, Submitted: 3, Delivered: 1, SubmitDate: now, DoneDate: now + 1500, Text: "Hello", UserReference: ptr(uint16(7))},
		})
		if err != nil {
			t.Fatal(err)
		}
		h.mo("a1") // which wakes the queue
		synctest.Wait()
		var final post
		for _, p := range r.posts() { // another conversation may be first
			if p.event.Kind == kindReceipt {
				final = p
			}
		}
		want := `{"kind":"receipt","id":"10000000","message_id":"20000001","user":"acme","from":"+31612345678","to":"Acme","text":"Hello","data_coding":0,"state":"UNDELIVERABLE","err":27,"parts":3,"parts_delivered":1,` +
			`"user_message_reference":7,"submitted_at":"2000-01-01T00:00:00Z","done_at":"2000-01-01T00:00:01.5Z"}` + "\n"
		if final.body != want || final.header.Get(headerKey) != "20000001-receipt-UNDELIVERABLE-10000000" || final.header.Get(headerSignature) != "" {
			t.Errorf("%s\n%v", final.body, final.header)
		}
	})
}

func TestEvent_Notice_DataAndIncomplete(t *testing.T) {
	e := eventOf(&storage.Message{ID: 5, Kind: storage.Receipt, About: &storage.About{ID: 3, State: storage.Enroute, Intermediate: true}})
	if e.Kind != kindNotice || e.State != "ENROUTE" || e.key() != "00000003-notice-ENROUTE-00000005" {
		t.Errorf("%+v, %s", e, e.key())
	}
	e = eventOf(&storage.Message{ID: 5, Kind: storage.MO, Data: []byte{0, 0xff}, UDH: []byte{5, 0, 3, 1, 2, 1}, DataCoding: 4, Incomplete: true})
	if body, err := e.body(); err != nil || !strings.Contains(string(body), `"text":"","data":"00ff","udh":"050003010201","data_coding":4,"incomplete":true`) {
		t.Errorf("%s, %v", body, err)
	}
}

func TestPost_Down_KeptAndPostedInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		ids := h.mo("a1", "a2", "b1")
		pass(10 * time.Minute)
		h.want(ids[0], storage.Enroute, "nothing was posted to the callback: connection refused")
		lane, ok := h.r.Lane("callback:acme")
		if !ok || lane.RestsUntil.IsZero() || !strings.HasSuffix(lane.Reason, "connection refused") {
			t.Errorf("%+v", lane)
		}
		if why := h.r.Why(h.state(ids[1])); !strings.Contains(why, "nothing is sent to user acme before") {
			t.Errorf("why: %s", why)
		}
		r := &receiver{}
		h.listen("acme", r)
		pass(10 * time.Minute)
		if got := r.texts(); !strings.Contains(got, "b1") || strings.Index(got, "a1") > strings.Index(got, "a2") {
			t.Errorf("%q", got)
		}
		if told := h.ch.Told("acme"); told.Taken != 3 || told.Refused == 0 || told.LastError == "" {
			t.Errorf("%+v", told)
		}
		if strings.Contains(h.log.String(), "hidden") || strings.Contains(h.state(ids[0]).Events[2].Text, "hidden") {
			t.Error("the URL is told")
		}
	})
}

func TestPost_Hangs_OutcomeUnknown_AgainUnderTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		var n atomic.Int32
		r := &receiver{}
		r.answer = func(http.ResponseWriter, post) {
			if n.Add(1) == 1 {
				time.Sleep(time.Hour)
			}
		}
		h.listen("acme", r)
		id := h.mo("a1")[0]
		pass(30*time.Second + 500*time.Millisecond)
		h.want(id, storage.Enroute, "the callback did not answer: no answer within 30s")
		pass(time.Second)
		h.want(id, storage.Delivered, "")
		first, second := r.posts()[0], r.posts()[1]
		if first.body != second.body || first.header.Get(headerKey) != second.header.Get(headerKey) || second.header.Get(headerAttempt) != "2" || second.header.Get(headerTimestamp) == first.header.Get(headerTimestamp) {
			t.Errorf("%v\n%v", first, second)
		}
		pass(time.Hour)
	})
}

func TestPost_500_WaitsLongerEachTime_ThenTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{answer: status(500, 502, 503, 500)}
		h.listen("acme", r)
		id := h.mo("a1")[0]
		pass(5 * time.Minute)
		h.want(id, storage.Delivered, "")
		for i, want := range []time.Duration{1, 1, 4, 8} { // the third time it is the event that waits
			if wait := r.posts()[i+1].at.Sub(r.posts()[i].at).Seconds(); wait < 0.79*float64(want) || wait > 1.21*float64(want) {
				t.Errorf("wait %d: %f s, not about %d", i+1, wait, want)
			}
		}
	})
}

func TestPost_429_NotBeforeRetryAfter(t *testing.T) {
	for name, header := range map[string]func() string{
		"seconds": func() string { return "90" },
		"date":    func() string { return time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			var n atomic.Int32
			r := &receiver{answer: func(w http.ResponseWriter, _ post) {
				if n.Add(1) <= 2 {
					w.Header().Set("Retry-After", header())
					w.WriteHeader(http.StatusTooManyRequests)
				}
			}}
			h.listen("acme", r)
			h.mo("a1", "b1")
			pass(10 * time.Minute)
			got := r.posts()
			if len(got) != 4 {
				t.Fatalf("%s: %d posts", name, len(got))
			}
			if wait := got[2].at.Sub(got[1].at); wait != 90*time.Second {
				t.Errorf("%s: waited %s", name, wait)
			}
		})
	}
}

func TestPost_Redirect_NotFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		other := &receiver{}
		h.listen("other", other)
		h.listen("acme", &receiver{answer: func(w http.ResponseWriter, _ post) {
			w.Header().Set("Location", "http://other/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}})
		id := h.mo("a1")[0]
		pass(time.Minute)
		h.want(id, storage.Enroute, "the callback answered 307 Temporary Redirect, and redirects are not followed")
		if len(other.posts()) != 0 {
			t.Error("it was followed")
		}
	})
}

func TestPost_410_EndsRejected_OthersGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{answer: status(410)}
		h.listen("acme", r)
		ids := h.mo("a1", "a2")
		synctest.Wait()
		h.want(ids[0], storage.Rejected, "the callback answered 410 Gone")
		h.want(ids[1], storage.Delivered, "")
	})
}

// One that the receiver cannot read is tried three times; meanwhile only those of
// its conversation wait.
func TestPost_400_ThreeTries_OthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{answer: func(w http.ResponseWriter, p post) {
			if p.event.Text == "a1" {
				w.WriteHeader(http.StatusUnprocessableEntity)
			}
		}}
		h.listen("acme", r)
		ids := h.mo("a1", "a2", "b1")
		synctest.Wait()
		if r.texts() != "a1 b1" && r.texts() != "b1 a1" {
			t.Errorf("at once: %q", r.texts())
		}
		pass(time.Minute)
		h.want(ids[0], storage.Rejected, "the callback answered 422 Unprocessable Entity")
		h.want(ids[1], storage.Delivered, "")
		if n := strings.Count(r.texts(), "a1"); n != faultyTries || !strings.HasSuffix(r.texts(), "a1 a2") {
			t.Errorf("%q", r.texts())
		}
	})
}

// One event that makes the receiver fail does not keep the others for ever.
func TestPost_500ForOneEventAlone_OthersPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{answer: func(w http.ResponseWriter, p post) {
			if p.event.Text == "a1" {
				w.WriteHeader(http.StatusInternalServerError)
			}
		}}
		h.listen("acme", r)
		ids := h.mo("a1", "a2", "b1", "c1")
		pass(time.Minute)
		h.want(ids[0], storage.Enroute, "the callback answered 500 Internal Server Error")
		h.want(ids[1], storage.Enroute, "")
		h.want(ids[2], storage.Delivered, "")
		h.want(ids[3], storage.Delivered, "")
	})
}

// The status is the answer: what follows it may be without end, or never come.
func TestPost_HugeAndSlowAnswers_Taken(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, post){
		"huge": func(w http.ResponseWriter, _ post) {
			for range 1000 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 64<<10)); err != nil {
					return
				}
			}
		},
		"slow": func(w http.ResponseWriter, _ post) {
			for range 3600 {
				if _, err := w.Write([]byte("x")); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			r := &receiver{answer: answer}
			h.listen("acme", r)
			ids := h.mo("a1", "a2", "a3")
			pass(5 * time.Second)
			for _, id := range ids {
				h.want(id, storage.Delivered, "")
			}
			if r.texts() != "a1 a2 a3" {
				t.Errorf("%s: %q", name, r.texts())
			}
			pass(2 * time.Hour)
		})
	}
}

func TestPost_HeaderWithoutEnd_IsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.listen("acme", &receiver{answer: func(w http.ResponseWriter, _ post) {
			for i := range 100 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 4<<10))
			}
		}})
		id := h.mo("a1")[0]
		pass(500 * time.Millisecond)
		if m := h.state(id); m.State != storage.Enroute || !strings.HasPrefix(m.Reason, "the callback did not answer: ") || len(m.Reason) > 200 {
			t.Errorf("%s %q", router.StateWord(m.State), m.Reason)
		}
	})
}

// A callback that takes half a minute for each event delays nobody else's.
func TestPost_OneSlowUser_DelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.user("quick", "+3162*", router.UserSettings{})
		slow, quick := &receiver{answer: func(http.ResponseWriter, post) { time.Sleep(29 * time.Second) }}, &receiver{}
		h.listen("acme", slow)
		h.listen("quick", quick)
		for i := range 100 {
			h.mo1("31610000000", fmt.Sprintf("%c1", 'a'+i%26))
			h.mo1("31620000000", fmt.Sprintf("%c2", 'a'+i%26))
		}
		pass(time.Second)
		if n := len(quick.posts()); n != 100 {
			t.Errorf("%d came to the quick one", n)
		}
		if n := len(slow.posts()); n != router.DefaultCallbackWindow {
			t.Errorf("%d are on their way to the slow one", n)
		}
		pass(time.Hour)
		if slow.top != router.DefaultCallbackWindow || len(slow.posts()) != 100 {
			t.Errorf("%d of %d at once", slow.top, len(slow.posts()))
		}
	})
}

// A gateway that dies when the receiver has taken an event, and before that is on
// disk, posts it again under the same key, which no other event has.
func TestPost_CrashBeforeTheCommit_RepeatHasTheSameKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		path := filepath.Join(t.TempDir(), "crashed")
		r := &receiver{}
		r.answer = func(http.ResponseWriter, post) {
			f, err := os.Create(path)
			if err == nil {
				err = h.db.Backup(f)
			}
			if err == nil {
				err = f.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}
		h.listen("acme", r)
		h.mo("a1")
		synctest.Wait()
		r.answer = nil
		h.stop()
		again := openHouse(t, path, h.net)
		again.mo("a2")
		synctest.Wait()
		if r.texts() != "a1 a1 a2" {
			t.Fatalf("%q", r.texts())
		}
		keys := map[string]int{}
		for _, p := range r.posts() {
			keys[p.header.Get(headerKey)]++
		}
		if len(keys) != 2 || keys["10000000-mo"] != 2 || r.posts()[0].body != r.posts()[1].body {
			t.Errorf("%v", keys)
		}
	})
}

// What the receiver is about to answer when the gateway stops is waited for.
func TestStop_PostOnItsWay_NotPostedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{answer: func(http.ResponseWriter, post) { time.Sleep(2 * time.Second) }}
		h.listen("acme", r)
		id := h.mo("a1")[0]
		pass(time.Second)
		go h.stop()
		pass(1500 * time.Millisecond)
		if m, err := h.db.Message(id); err == nil && m.State != storage.Delivered {
			t.Errorf("%s", router.StateWord(m.State))
		}
		h.stop()
	})
}

func TestDrain_10000Queued_OrderKept_WindowHeld(t *testing.T) {
	if testing.Short() {
		t.Skip("ten thousand commits")
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		const all, talks = 10_000, 20
		done := make(chan error, all)
		for i := range all {
			h.r.Submit(&storage.Message{Kind: storage.MO, Text: fmt.Sprint(i / talks),
				Source: storage.Address{Addr: fmt.Sprint(i % talks)}, Dest: storage.Address{Addr: "31610000000"}}, func(_ storage.ID, err error) { done <- err })
		}
		for range all {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		r := &receiver{answer: func(http.ResponseWriter, post) { time.Sleep(10 * time.Millisecond) }}
		h.listen("acme", r)
		h.set("acme", router.UserSettings{CallbackSecret: ptr(storage.Secret("new"))}) // ends the rest
		pass(time.Minute)
		next := map[string]int{}
		for _, p := range r.posts() {
			if p.event.Text != fmt.Sprint(next[p.event.From]) {
				t.Fatalf("of %s came %s, not %d", p.event.From, p.event.Text, next[p.event.From])
			}
			next[p.event.From]++
		}
		if len(r.posts()) != all || r.top != router.DefaultCallbackWindow || h.r.Queued(router.CallbackQueue("acme")) != 0 {
			t.Errorf("%d came, %d at once", len(r.posts()), r.top)
		}
	})
}

// Both ways: what is taken by the one still waits for the other.
func TestBoth_CallbackDown_OtherWayIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.set("acme", router.UserSettings{Deliver: ptr("both")})
		id := h.mo("a1")[0]
		pass(time.Minute)
		if n, m := h.r.Queued(router.UserQueue("acme")), h.r.Queued(router.CallbackQueue("acme")); n != 1 || m != 1 {
			t.Fatalf("%d and %d wait", n, m)
		}
		r := &receiver{}
		h.listen("acme", r)
		pass(10 * time.Minute)
		h.want(id, storage.Enroute, "")
		h.want(id+1, storage.Delivered, "")
	})
}

func TestSetUser_AnotherURL_TriedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		id := h.mo("a1")[0]
		pass(20 * time.Minute) // it rests for minutes by now
		r := &receiver{}
		h.listen("new", r)
		h.set("acme", router.UserSettings{Callback: ptr("http://new/"), CallbackWindow: ptr(1)})
		synctest.Wait()
		h.want(id, storage.Delivered, "")
		ids := h.mo("a1", "b1")
		synctest.Wait()
		h.want(ids[1], storage.Delivered, "")
	})
}

func TestSetUser_DisabledOrBySMPP_NothingIsPosted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		r := &receiver{}
		h.listen("acme", r)
		if _, err := h.r.SetUser(t.Context(), "acme", router.UserChange{Enabled: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		id := h.mo("a1")[0]
		pass(time.Minute)
		if why := h.r.Why(h.state(id)); len(r.posts()) != 0 || why != "user acme is disabled" {
			t.Errorf("%q, why: %s", r.texts(), why)
		}
		if _, err := h.r.SetUser(t.Context(), "acme", router.UserChange{Enabled: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		h.want(id, storage.Delivered, "")
		h.set("acme", router.UserSettings{Deliver: ptr("smpp")})
		h.mo("a2")
		pass(time.Minute)
		if r.texts() != "a1" {
			t.Errorf("%q", r.texts())
		}
	})
}

// What nobody takes is given up when the user's time is over.
func TestPost_NeverTaken_ExpiresWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.set("acme", router.UserSettings{KeepHours: ptr(1)})
		id := h.mo("a1")[0]
		pass(time.Hour + time.Minute)
		h.want(id, storage.Expired, "validity over; nothing was posted to the callback: connection refused")
	})
}
