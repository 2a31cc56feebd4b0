package smppchan

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

func TestClientSaid_TableOfAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		status smpp.CommandStatus
		nack   bool
		want   router.SendError
	}{
		"RX_T":               {smpp.StatusXTAppn, false, router.SendError{Outcome: router.RefusedForNow, LaneIll: true}},
		"throttled":          {smpp.StatusThrottled, false, router.SendError{Outcome: router.RefusedForNow, LaneIll: true}},
		"queue full":         {smpp.StatusMsgQFul, false, router.SendError{Outcome: router.RefusedForNow, LaneIll: true}},
		"RX_R":               {smpp.StatusXRAppn, false, router.SendError{Outcome: router.RefusedForGood}},
		"RX_P":               {smpp.StatusXPAppn, false, router.SendError{Outcome: router.RefusedForGood}},
		"another status":     {smpp.StatusSysErr, false, router.SendError{Outcome: router.RefusedForNow}},
		"a vendor's status":  {0x450, false, router.SendError{Outcome: router.RefusedForNow}},
		"nack":               {smpp.StatusInvCmdID, true, router.SendError{Outcome: router.RefusedForNow, Tries: nackTries}},
		"nack with RX_T":     {smpp.StatusXTAppn, true, router.SendError{Outcome: router.RefusedForNow, Tries: nackTries}},
		"nack with ESME_ROK": {smpp.StatusOK, true, router.SendError{Outcome: router.RefusedForNow, Tries: nackTries}},
	} {
		got := clientSaid(c.status, c.nack)
		if got.Outcome != c.want.Outcome || got.LaneIll != c.want.LaneIll || got.Tries != c.want.Tries || got.Untried || got.Err == nil || got.Cause != uint32(c.status) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDeliver_RXTAppn_TriedAgain_TheRestOfTheQueueWaits(t *testing.T) {
	g := newReception(t, smppd.Config{})
	var well atomic.Bool
	p := g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if well.Load() {
			return smpp.StatusOK
		}
		return smpp.StatusXTAppn
	})
	a := g.mo("a", "31610", "a1")
	p.next(1)
	b := g.mo("b", "31610", "b1")
	why := ""
	for range 2000 {
		if why = g.r.Why(g.await(b, storage.Enroute)); strings.Contains(why, "nothing is sent to user acme before") {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if !strings.Contains(why, "RX_T_APPN") {
		t.Errorf("it waits: %s", why)
	}
	well.Store(true)
	if m := g.await(a, storage.Delivered); m.Parts[0].Attempts < 2 {
		t.Errorf("%d attempts", m.Parts[0].Attempts)
	}
	g.await(b, storage.Delivered)
}

// A new session of the user ends the rest at once.
func TestDeliver_RXTAppn_NewBind_TriedAtOnce(t *testing.T) {
	g := newReception(t, smppd.Config{})
	bad := g.call(smpp.Bind{}, all(smpp.StatusXTAppn))
	ids := []storage.ID{g.mo("a", "31610", "a1"), g.mo("a", "31610", "a2"), g.mo("a", "31610", "a3")}
	bad.next(3) // the third try: from here on its conversation waits for seconds
	bad.hangUp()
	good := g.call(smpp.Bind{}, all(smpp.StatusOK))
	expect(t, "came", good.next(3), []string{"a1", "a2", "a3"})
	for _, id := range ids {
		g.await(id, storage.Delivered)
	}
}

func TestDeliver_RXRAppn_DropsThisOne(t *testing.T) {
	g := newReception(t, smppd.Config{})
	g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if string(d.ShortMessage) == "bad" {
			return smpp.StatusXRAppn
		}
		return smpp.StatusOK
	})
	bad, next := g.mo("a", "31610", "bad"), g.mo("a", "31610", "next")
	if m := g.await(bad, storage.Rejected); !strings.Contains(m.Reason, "RX_R_APPN") || m.Parts[0].Attempts != 1 {
		t.Errorf("%+v", m)
	}
	g.await(next, storage.Delivered)
}

func TestDeliver_RXPAppn_DropsAllToThisDestination_UntilANewBind(t *testing.T) {
	g := newReception(t, smppd.Config{})
	p := g.call(smpp.Bind{}, func(d *smpp.DeliverSM) smpp.CommandStatus {
		if d.Dest.Addr == "31611" {
			return smpp.StatusXPAppn
		}
		return smpp.StatusOK
	})
	first := g.mo("a", "31611", "first")
	g.await(first, storage.Rejected)
	dropped, other := g.mo("b", "31611", "dropped"), g.mo("b", "31612", "other")
	if m := g.await(dropped, storage.Rejected); !strings.Contains(m.Reason, "RX_P_APPN") {
		t.Errorf("reason %q", m.Reason)
	}
	g.await(other, storage.Delivered)
	expect(t, "came", p.next(2), []string{"first", "other"})
	p.hangUp()
	again := g.call(smpp.Bind{}, all(smpp.StatusOK))
	g.await(g.mo("c", "31611", "asked anew"), storage.Delivered)
	expect(t, "came", again.next(1), []string{"asked anew"})
}

func TestClient_UnwantedAddresses_Bounded(t *testing.T) {
	c := newClient()
	for i := range 3 * mostUnwanted {
		c.wantsNot(storage.ID(i).String())
		c.wantsNot(storage.ID(i).String())
	}
	if len(c.unwanted) != mostUnwanted || c.unwanted[mostUnwanted-1] != storage.ID(3*mostUnwanted-1).String() {
		t.Errorf("%d addresses are remembered", len(c.unwanted))
	}
	if c.add(&smppd.Session{}, nil); len(c.unwanted) != 0 {
		t.Error("a new session does not get all")
	}
}
