package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// scriptReceiver is what a script's users have as their callback.
type scriptReceiver struct {
	secret string

	mu     sync.Mutex
	status int
	seen   map[string]string // Idempotency-Key → body
	posts  []string          // attempt, key and body of each
	wrong  []string
}

type receiverKey struct{}

func addReceivers(e *testscript.Env) { e.Values[receiverKey{}] = map[string]*scriptReceiver{} }

func (r *scriptReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	text := strings.TrimSuffix(string(body), "\n")
	key, attempt := req.Header.Get("Idempotency-Key"), req.Header.Get("Gsmgate-Attempt")
	r.mu.Lock()
	defer r.mu.Unlock()
	mac := hmac.New(sha256.New, []byte(r.secret))
	fmt.Fprintf(mac, "%s.%s", req.Header.Get("Gsmgate-Timestamp"), body)
	if got, want := req.Header.Get("Gsmgate-Signature"), "sha256="+hex.EncodeToString(mac.Sum(nil)); r.secret != "" && got != want {
		r.wrong = append(r.wrong, "signature "+got+" of "+text)
	}
	if before, ok := r.seen[key]; key == "" || ok && before != text {
		r.wrong = append(r.wrong, "key "+key+" for "+before+" and for "+text)
	}
	if r.seen[key] = text; r.status == http.StatusOK {
		r.posts = append(r.posts, attempt+" "+key+" "+text)
	}
	w.WriteHeader(r.status)
	fmt.Fprintf(w, "%d bottles", len(r.posts))
}

// receiver NAME [SECRET]: an HTTP server on 127.0.0.1 until the script ends; its
// URL is in $NAME. With a secret it checks signatures.
func receiver(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: receiver NAME [SECRET]")
	}
	r := &scriptReceiver{status: http.StatusOK, seen: map[string]string{}}
	if len(args) == 2 {
		r.secret = args[1]
	}
	server := httptest.NewServer(r)
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL+"/sms")
	ts.Value(receiverKey{}).(map[string]*scriptReceiver)[args[0]] = r
}

func receiverOf(ts *testscript.TestScript, name string) *scriptReceiver {
	r := ts.Value(receiverKey{}).(map[string]*scriptReceiver)[name]
	if r == nil {
		ts.Fatalf("no receiver %s", name)
	}
	return r
}

// answers NAME STATUS: from now on; what is not answered with 200 was not taken.
func answerWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: answers NAME STATUS")
	}
	status, err := strconv.Atoi(args[1])
	ts.Check(err)
	r := receiverOf(ts, args[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

// posted NAME REGEXP…: the receiver has taken exactly these, in this order: each
// is matched against the number of the attempt, the key and the body.
func posted(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: posted NAME REGEXP…")
	}
	r := receiverOf(ts, args[0])
	var got, wrong []string
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		r.mu.Lock()
		got, wrong = append([]string{}, r.posts...), append([]string{}, r.wrong...)
		r.mu.Unlock()
		if len(got) >= len(args)-1 {
			break
		}
	}
	if len(wrong) > 0 || len(got) != len(args)-1 {
		ts.Fatalf("%d posts:\n%s\nwrong:\n%s", len(got), strings.Join(got, "\n"), strings.Join(wrong, "\n"))
	}
	for i, want := range args[1:] {
		if !regexp.MustCompile(want).MatchString(got[i]) {
			ts.Fatalf("post %d is %s, no match of %s", i+1, got[i], want)
		}
	}
}
