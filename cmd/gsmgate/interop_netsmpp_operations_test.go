//go:build interop

package main

import (
	"strings"
	"testing"
)

// scheduled submits a message that is not due for ten minutes.
func (a *onAir) scheduled(c *perlClient, to, text string) (id string) {
	a.t.Helper()
	r := perlRequest{PDU: "submit_sm", Fields: message(to, fields{"schedule_delivery_time": nextTenMinute}), Text: &text}
	return c.ask(r, 0).Fields["message_id"]
}

// about names a message as query_sm, cancel_sm and replace_sm do.
func about(id string, more fields) fields {
	all := fields{"message_id": id, "source_addr": "Interop", "source_addr_ton": 5}
	for name, value := range more {
		all[name] = value
	}
	return all
}

func TestInterop_NetSMPP_QuerySM_TellsTheState(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	c := a.c.(*perlClient)
	later := a.scheduled(c, a.number(), "not yet")
	// 0 SCHEDULED is of SMPP 5.0: an ESME of 3.4 hears ENROUTE [SMPP34 5.2.28].
	if p := c.ask(perlRequest{PDU: "query_sm", Fields: about(later, nil)}, 0); p.Fields["message_state"] != stateEnroute || p.Fields["message_id"] != later || p.Fields["final_date"] != "" {
		t.Errorf("query_sm of a scheduled message %s: %v", later, p.Fields)
	}
	sent := "sent and queried"
	id := c.ask(perlRequest{PDU: "submit_sm", Fields: message(a.number(), nil), Text: &sent}, 0).Fields["message_id"]
	a.in.wait(1, a.patience(), func(d delivered) bool { return d.Receipted == id })
	if p := c.ask(perlRequest{PDU: "query_sm", Fields: about(id, nil)}, 0); p.Fields["message_state"] != stateDone || len(p.Fields["final_date"]) != 16 {
		t.Errorf("query_sm of a delivered message %s: %v", id, p.Fields)
	}
	c.askAny(perlRequest{PDU: "query_sm", Fields: about("99999999", nil)}, rQueryFail, rInvMsgID)
	c.askAny(perlRequest{PDU: "query_sm", Fields: fields{"message_id": id, "source_addr": "31600000000"}}, rQueryFail, rInvMsgID)
}

func TestInterop_NetSMPP_CancelSM_EndsIt(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	c := a.c.(*perlClient)
	to := a.number()
	id := a.scheduled(c, to, "never to be read")
	which := about(id, fields{"destination_addr": to, "dest_addr_ton": 1, "dest_addr_npi": 1})
	c.ask(perlRequest{PDU: "cancel_sm", Fields: which}, 0)
	if got := a.in.wait(1, a.patience(), func(d delivered) bool { return d.Receipted == id }); len(got) != 1 || got[0].State != 4 || !strings.Contains(got[0].Text, "stat:DELETED") {
		t.Errorf("the receipts of a cancelled message: %+v", got)
	}
	if p := c.ask(perlRequest{PDU: "query_sm", Fields: about(id, nil)}, 0); p.Fields["message_state"] != stateDeleted {
		t.Errorf("query_sm of a cancelled message: %v", p.Fields)
	}
	c.askAny(perlRequest{PDU: "cancel_sm", Fields: which}, rCancelFail, rInvMsgID)

	// A NULL message_id means all of this source and destination [SMPP34 4.9.1].
	ids := []string{a.scheduled(c, to, "one"), a.scheduled(c, to, "two")}
	c.ask(perlRequest{PDU: "cancel_sm", Fields: about("", fields{"destination_addr": to, "dest_addr_ton": 1, "dest_addr_npi": 1})}, 0)
	for _, id := range ids {
		if got := a.in.wait(1, a.patience(), func(d delivered) bool { return d.Receipted == id }); len(got) != 1 || got[0].State != 4 {
			t.Errorf("the receipts of a message cancelled with the others: %+v", got)
		}
	}
}

func TestInterop_NetSMPP_ReplaceSM_HandsetShowsTheNewText(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	c := a.c.(*perlClient)
	to := a.number()
	id := a.scheduled(c, to, "the old text")
	text := "the new text"
	c.ask(perlRequest{
		PDU: "replace_sm", Fields: about(id, fields{"schedule_delivery_time": nextSecond, "registered_delivery": 1, "short_message": text}),
	}, 0)
	s := sent{name: "replaced", to: to, text: text, whole: true}
	a.shown(s)
	a.receipt(s, id, 1)
	c.askAny(perlRequest{PDU: "replace_sm", Fields: about(id, fields{"short_message": "too late"})}, rReplaceFail, rInvMsgID)
	c.askAny(perlRequest{PDU: "replace_sm", Fields: about("99999999", fields{"short_message": "nobody"})}, rReplaceFail, rInvMsgID)
}

func TestInterop_NetSMPP_DataSM_HandsetShowsTheText(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	c := a.c.(*perlClient)
	for name, alphabet := range alphabets {
		s := sent{name: "data_sm " + name, to: a.number(), text: textOf(alphabet, 200), whole: true}
		id := c.ask(perlRequest{PDU: "data_sm", Fields: message(s.to, nil), Text: &s.text, Into: "message_payload"}, 0).Fields["message_id"]
		a.receipt(s, id, a.shown(s))
	}
}

func TestInterop_NetSMPP_SubmitMulti_NamesTheBadOnes(t *testing.T) {
	a := bringPerl(t).asTransceiver()
	c := a.c.(*perlClient)
	to := []string{a.number(), "no number", a.number()}
	text := "one text for several"
	p := c.ask(perlRequest{PDU: "submit_multi", Fields: message("", fields{
		"destination_addr": to, "dest_addr_ton": []int{1, 1, 1}, "dest_addr_npi": []int{1, 1, 1}}), Text: &text}, 0)
	if p.Fields["message_id"] == "" || p.Fields["no_unsuccess"] != "1" || p.Fields["destination_addr"] != to[1] || p.Fields["error_status_code"] != "11" {
		t.Errorf("submit_multi_resp %v, want %q with ESME_RINVDSTADR (%d) in it", p.Fields, to[1], rInvDstAdr)
	}
	for _, number := range []string{to[0], to[2]} {
		a.shown(sent{name: "submit_multi", to: number, text: text, whole: true})
		got := a.in.wait(1, a.patience(), func(d delivered) bool { return d.Source == number })
		if len(got) != 1 || got[0].Receipted != p.Fields["message_id"] || got[0].State != 2 {
			t.Errorf("receipts from %s: %+v, want one of message %s", number, got, p.Fields["message_id"])
		}
	}
}
