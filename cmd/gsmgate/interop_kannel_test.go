//go:build interop

package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// submit sends over HTTP; the answer comes when the last submit_sm of the text
// is answered, with the message_id that Kannel tells, the last one's.
func (k *kannel) submit(_, to, text string) <-chan answer {
	done := make(chan answer, 1)
	k.next++
	n := k.next
	coding := "0"
	if strings.ContainsFunc(text, func(r rune) bool { return gsmSize(r) == 0 }) {
		coding = "2"
	}
	hears := k.hears + "/dlr?type=%d&id=%F&text=%A&n=" + strconv.Itoa(n)
	q := url.Values{"username": {"test"}, "password": {"test"}, "from": {"Interop"}, "to": {to}, "text": {text}, "charset": {"UTF-8"},
		"coding": {coding}, "dlr-mask": {"31"}, "dlr-url": {hears}}
	go func() { done <- k.answer(n, k.sendsms+"?"+q.Encode()) }()
	return done
}

func (k *kannel) answer(n int, url string) answer {
	if err := k.get(url, "0: Accepted for delivery", 1); err != nil {
		return answer{err: err}
	}
	got := k.reports.wait(1, patience, func(r kannelDLR) bool { return r.n == n && (r.kind == kannelTaken || r.kind == kannelRefused) })
	switch {
	case len(got) == 0:
		return answer{err: fmt.Errorf("Kannel tells of no answer to its submit_sm")}
	case got[0].kind == kannelRefused:
		return answer{err: fmt.Errorf("refused: %s", got[0].text)}
	}
	return answer{ids: []string{got[0].id}}
}

// The ways to bind: one session both ways, or one each way.
const (
	kannelTRX = "port = PORT\ntransceiver-mode = true"
	kannelTX  = "port = PORT"
	kannelRX  = "receive-port = PORT"
)

// bringKannel is a gateway with Kannel bound to it.
func bringKannel(t *testing.T, binds ...string) (*onAir, *kannel) {
	t.Helper()
	a := air(t)
	k := bindKannel(t, a.g, "interop", "secret", binds)
	a.c = k
	return a, k
}

func (k *kannel) close() {}

// everyText wants each text on the handset and a callback that it is there.
func (k *kannel) everyText(a *onAir) {
	k.t.Helper()
	var all []sent
	for name, alphabet := range alphabets {
		for _, n := range lengths {
			all = append(all, a.send(fmt.Sprintf("%d of %s", n, name), "split", textOf(alphabet, n)))
		}
	}
	for i, s := range all {
		ids := a.accepted(s)
		if ids == nil || a.shown(s) == 0 {
			continue
		}
		got := k.reports.wait(1, a.patience(), func(r kannelDLR) bool { return r.n == i+1 && r.kind == kannelDelivered })
		if len(got) != 1 || got[0].id != ids[0] || !strings.Contains(got[0].text, "stat:DELIVRD") {
			k.t.Errorf("%s: Kannel's callbacks of its delivery are %+v, the message_id is %v", s.name, got, ids)
		}
	}
	k.t.Logf("%d texts exact on the handset, with callbacks", len(all))
}

func TestInterop_Kannel_Transceiver_EveryTextExact(t *testing.T) {
	a, k := bringKannel(t, kannelTRX)
	k.everyText(a)
}

func TestInterop_Kannel_TransmitterAndReceiver_EveryTextExact(t *testing.T) {
	a, k := bringKannel(t, kannelTX, kannelRX)
	k.everyText(a)
}

// answered wants what handsets write at get-url.
func (k *kannel) answered(a *onAir) {
	k.t.Helper()
	for name, text := range answers() {
		from := a.number()
		sim := a.bank.Modem(a.next % len(a.bank.Paths())).Number()
		if err := a.bank.Network().Handset("+"+from).Send(sim, text); err != nil {
			k.t.Fatal(err)
		}
		got := k.texts.wait(1, a.patience(), func(m kannelText) bool { return m.from == "+"+from })
		if len(got) != 1 || got[0].text != text || got[0].to != sim {
			k.t.Errorf("%s: Kannel's get-url heard %+v, sent was %q to %s", name, got, text, sim)
		}
	}
}

func TestInterop_Kannel_Transceiver_AnswersArriveExact(t *testing.T) {
	a, k := bringKannel(t, kannelTRX)
	k.answered(a)
}

func TestInterop_Kannel_TransmitterAndReceiver_AnswersArriveExact(t *testing.T) {
	a, k := bringKannel(t, kannelTX, kannelRX)
	k.answered(a)
}
