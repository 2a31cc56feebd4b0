package httpchan

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/storage"
)

// polled is a provider that is asked, each second.
func polled(t *testing.T, answer http.HandlerFunc, change func(d map[string]any)) (*post, *provider) {
	t.Helper()
	up := newProvider(t, answer)
	rec := storage.HTTPChannel{Settings: map[string]string{"base": up.URL}, Poll: "on"}
	rec.Description = described(t, func(d map[string]any) {
		telling(d)
		d["poll_reports"] = map[string]any{"every_s": 1, "request": map[string]any{"method": "GET", "url": "{base}/messages/{ref}"},
			"state": "status", "states": map[string]any{"delivered": "DELIVERED", "sent": "ENROUTE"}}
		if change != nil {
			change(d)
		}
	})
	return newPost(t, rec), up
}

func TestPoll_OneByOne_UntilDelivered(t *testing.T) {
	var asked atomic.Int32
	p, up := polled(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == "POST":
			io.WriteString(w, `{"ok": true, "id": "a/7"}`)
		case asked.Add(1) == 1:
			io.WriteString(w, `{"status": "sent"}`)
		default:
			io.WriteString(w, `{"status": "delivered"}`)
		}
	}, nil)
	id := p.Submit("31612345678", "Hello")
	p.Ends(id, storage.Delivered)
	if r := up.requests()[1]; r.path != "/messages/a/7" {
		t.Errorf("%+v", r)
	}
	n := asked.Load()
	time.Sleep(1200 * time.Millisecond)
	if asked.Load() != n {
		t.Error("asked again for what has ended")
	}
}

func TestPoll_Lists(t *testing.T) {
	p, _ := polled(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/send":
			io.WriteString(w, `{"ok": true, "id": "7"}`)
		case "/reports":
			io.WriteString(w, `{"results": [{"id": "7", "status": "delivered"}]}`)
		case "/incoming":
			io.WriteString(w, `{"messages": [{"id": 1, "from": "31687654321", "to": "31611111111", "text": "One"}, {"id": 2, "from": "31687654321", "to": "31611111111", "text": "Two"}]}`)
		}
	}, func(d map[string]any) {
		d["poll_reports"] = map[string]any{"every_s": 1, "request": map[string]any{"method": "GET", "url": "{base}/reports"},
			"each": "results.*", "id": "id", "state": "status", "states": map[string]any{"delivered": "DELIVERED"}}
		d["poll_incoming"] = map[string]any{"every_s": 1, "request": map[string]any{"method": "GET", "url": "{base}/incoming"},
			"each": "messages.*", "id": "id", "from": "from", "to": "to", "text": "text"}
	})
	p.Ends(p.Submit("31612345678", "Hello"), storage.Delivered)
	p.Until("two messages", func() bool { return len(p.incoming()) == 2 })
	time.Sleep(1200 * time.Millisecond)
	if n := len(p.incoming()); n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestPollPlan_EverMoreSeldom(t *testing.T) {
	p := &pollPlan{every: time.Minute, due: map[string]pollDue{}}
	start := time.Unix(1e9, 0)
	asked := 0
	for i := range 24 * 60 {
		asked += len(p.next([]string{"a"}, start.Add(time.Duration(i)*time.Minute)))
	}
	if asked < 24 || asked > 40 {
		t.Errorf("asked %d times a day", asked)
	}
	if p.next(nil, start); len(p.due) != 0 {
		t.Error("it remembers what has ended")
	}
	var many []string
	for i := range 2 * mostPolled {
		many = append(many, fmt.Sprint(i))
	}
	if a, b := p.next(many, start), p.next(many, start); len(a) != mostPolled || len(b) != mostPolled || a[0] == b[0] {
		t.Errorf("%d, then %d", len(a), len(b))
	}
}

func TestAwaited_NamesOfWhatIsOut(t *testing.T) {
	p, _ := sentAs(t, nil)
	refs, err := p.R.AwaitedRefs("http:up", 10)
	if err != nil || strings.Join(refs, " ") != "7" {
		t.Errorf("%q, %v", refs, err)
	}
	if refs, _ := p.R.AwaitedRefs("http:u", 10); len(refs) != 0 {
		t.Errorf("%q", refs)
	}
}
