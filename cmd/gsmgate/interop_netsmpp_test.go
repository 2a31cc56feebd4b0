//go:build interop

package main

import "testing"

// bringPerl is a gateway with a plain listener beside the one with TLS.
func bringPerl(t *testing.T) *onAir {
	t.Helper()
	return air(t, "--listen", "smpp://127.0.0.1:0")
}

// boundPerl is a Net::SMPP bound to it.
func (a *onAir) boundPerl(kind string) *perlClient {
	a.t.Helper()
	c := connectPerl(a.t, a.g)
	c.bind(kind, "interop", "secret", 0)
	return c
}

func (a *onAir) asTransceiver() *onAir {
	a.t.Helper()
	c := a.boundPerl("transceiver")
	a.c, a.in = c, c.in
	return a
}

func TestInterop_NetSMPP_EveryTextExact(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	a.exchange([]string{"fits", "payload"}, func(string, string) bool { return true })
}

func TestInterop_NetSMPP_AnswersArriveExact(t *testing.T) { bringPerl(t).asTransceiver().answered() }

// Statuses that Net::SMPP is to hear [SMPP34 5.1.3].
const (
	rInvBndSts    = 0x04 // ESME_RINVBNDSTS
	rAlyBnd       = 0x05 // ESME_RALYBND
	rInvDstAdr    = 0x0B // ESME_RINVDSTADR
	rInvMsgID     = 0x0C // ESME_RINVMSGID
	rBindFail     = 0x0D // ESME_RBINDFAIL
	rInvPaswd     = 0x0E // ESME_RINVPASWD
	rCancelFail   = 0x11 // ESME_RCANCELFAIL
	rReplaceFail  = 0x13 // ESME_RREPLACEFAIL
	rQueryFail    = 0x67 // ESME_RQUERYFAIL
	stateEnroute  = "1"
	stateDone     = "2" // DELIVERED
	stateDeleted  = "4"
	nextTenMinute = "000000001000000R" // in ten minutes [SMPP34 7.1.1]
	nextSecond    = "000000000001000R"
)

func TestInterop_NetSMPP_TransmitterAndReceiver_EachItsOwn(t *testing.T) {
	a := bringPerl(t)
	tx, rx := a.boundPerl("transmitter"), a.boundPerl("receiver")
	a.c, a.in = tx, rx.in
	a.arrives(a.send("a text", "fits", "from a transmitter, its receipt to the receiver"))
	a.answered()
	if n := len(tx.in.wait(1, 0, func(delivered) bool { return true })); n != 0 {
		t.Errorf("the transmitter got %d deliver_sm", n)
	}
	to := a.number()
	rx.ask(perlRequest{PDU: "submit_sm", Fields: message(to, fields{"short_message": "x"})}, rInvBndSts)
	for _, c := range []*perlClient{tx, rx} {
		c.ask(perlRequest{PDU: "enquire_link"}, 0)
		c.bind("transceiver", "interop", "secret", rAlyBnd)
		c.unbind()
	}
}

func TestInterop_NetSMPP_NotBound_HearsWhy(t *testing.T) {
	a := bringPerl(t)
	c := connectPerl(t, a.g)
	c.ask(perlRequest{PDU: "submit_sm", Fields: message("31612345678", fields{"short_message": "x"})}, rInvBndSts)
	for _, who := range [][2]string{{"interop", "wrong"}, {"nobody", "secret"}} {
		c := connectPerl(t, a.g)
		r := perlRequest{PDU: "bind_transceiver", Fields: fields{"system_id": who[0], "password": who[1]}}
		if p := c.askAny(r, rInvPaswd, rBindFail); p.Fields["system_id"] != "" {
			t.Errorf("a bind that was refused is answered with a body: %v", p.Fields)
		}
	}
}

// askAny wants one of two statuses, where the specification offers both.
func (c *perlClient) askAny(r perlRequest, one, other int) perlPDU {
	c.t.Helper()
	got := make(chan perlPDU, 1)
	c.later(r, func(p perlPDU) { got <- p })
	p := c.response(r, got)
	if p.Status != one && p.Status != other {
		c.t.Errorf("%s %v: answered with %s 0x%X, want 0x%X or 0x%X", r.PDU, r.Fields, p.Name, p.Status, one, other)
	}
	return p
}
