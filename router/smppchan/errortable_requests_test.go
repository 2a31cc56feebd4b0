package smppchan_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// rowsOfMulti are about the destinations of submit_multi.
func rowsOfMulti() []row {
	refused := func(condition string, status uint32, changes ...string) row {
		return row{condition: condition, bind: bindTX, steps: []step{ask(multi(changes...), submitMulti|resp, status)}}
	}
	return []row{
		refused("submit_multi to nobody", rInvNumDests, "number_of_dests", nul, "dest_addresses", ""),
		refused("submit_multi to 255", rInvNumDests, "number_of_dests", "\xff"),
		refused("submit_multi with a bad dest_flag", rInvDestFlag, "dest_addresses", "\x03\x01\x0131612345678\x00"),
		refused("submit_multi with a list of no name", rInvDLName, "dest_addresses", "\x02\x00"),
		refused("submit_multi with a list's name too long", rInvDLName, "dest_addresses", "\x02"+tooLong),
		refused("submit_multi with fewer destinations than it says", rInvDestFlag, "number_of_dests", "\x02"),
	}
}

// merged says that the rate of a user is heeded.
const merged = true

// rowsAfterMerge are the rows of what is built at the same time as this test: errorTable takes them in
// as soon as it is there.
func rowsAfterMerge() []row { return rowsOfRate() }

func TestErrorTable_EachConditionOnce(t *testing.T) {
	seen := map[string]bool{}
	all := errorTable()
	if !merged {
		all = append(all, rowsAfterMerge()...)
	}
	for _, r := range all {
		if seen[r.condition] || r.condition == "" || len(r.steps) == 0 {
			t.Errorf("row %q is there twice, or says nothing", r.condition)
		}
		seen[r.condition] = true
	}
}

func rowsOfDestinations() []row {
	two := []string{"number_of_dests", "\x02"}
	return []row{
		{condition: "submit_multi", bind: bindTX, steps: []step{{multi(), submitMulti | resp, []uint32{rOK}, seqOfTheRequest, unsuccess(0, 0)}}},
		{condition: "submit_multi: some bad", bind: bindTX, steps: []step{{
			multi(append(two, "dest_addresses", "\x01\x01\x0131612345678\x00\x01\x01\x01nobody\x00")...),
			submitMulti | resp, []uint32{rOK}, seqOfTheRequest, unsuccess(1, rInvDstAdr)}}},
		{condition: "submit_multi: a list, lists are not offered", bind: bindTX, steps: []step{
			ask(multi("dest_addresses", "\x02friends\x00"), submitMulti|resp, rCntSubDL, rInvDLName)}},
		{condition: "submit_multi: no credit", bind: bindTX, user: "poor", steps: []step{ask(multi(), submitMulti|resp, rSubmitFail)}},
		{condition: "submit_multi: priority_flag 4", bind: bindTX, steps: []step{ask(multi("priority_flag", "\x04"), submitMulti|resp, rInvPrtFlg)}},
	}
}

// unsuccess wants a message_id and n destinations that were not accepted, the last with status.
func unsuccess(n byte, status byte) func([]byte) error {
	return func(body []byte) error {
		at := bytes.IndexByte(body, 0)
		switch {
		case at < 1:
			return errors.New("no message_id")
		case len(body) < at+2 || body[at+1] != n:
			return fmt.Errorf("no_unsuccess is not %d", n)
		case n > 0 && body[len(body)-1] != status:
			return fmt.Errorf("error_status_code is not %#x", status)
		}
		return nil
	}
}

func rowsOfDataSM() []row {
	return []row{
		{condition: "data_sm", bind: bindTX, steps: []step{ask(data(), dataSM|resp, rOK)}},
		{condition: "data_sm without message_payload", bind: bindTX, steps: []step{ask(data("tlvs", ""), dataSM|resp, rMissingOptParam)}},
		{condition: "data_sm: destination empty", bind: bindTX, steps: []step{ask(data("destination_addr", nul), dataSM|resp, rInvDstAdr)}},
		{condition: "data_sm: no credit", bind: bindTX, user: "poor", steps: []step{ask(data(), dataSM|resp, rSubmitFail)}},
	}
}

const nobodysMessage = "0fffffff\x00"
const otherSource = "3197002\x00"

// after puts requests behind a submit_sm whose message waits.
func after(condition string, steps ...step) row {
	return row{condition: condition, bind: bindTRX, steps: append(submits(rOK), steps...)}
}

// rowsOfQuery: what is not the ESME's is answered like what does not exist.
func rowsOfQuery() []row {
	failed := func(condition string, changes ...string) row {
		return after(condition, ask(query(changes...), querySM|resp, rQueryFail, rInvMsgID))
	}
	return []row{
		after("query_sm", step{query(), querySM | resp, []uint32{rOK}, seqOfTheRequest, enroute}),
		failed("query_sm: unknown message_id", "message_id", nobodysMessage),
		failed("query_sm: message_id that is none", "message_id", "rubbish\x00"),
		failed("query_sm: message_id empty", "message_id", nul),
		failed("query_sm: source differs", "source_addr", otherSource),
		{condition: "query_sm: another user's message", bind: bindTX, owner: "neighbour", steps: []step{ask(query(), querySM|resp, rQueryFail, rInvMsgID)}},
	}
}

// enroute wants message_id, no final_date, message_state 1 and error_code 0.
func enroute(body []byte) error {
	if at := bytes.IndexByte(body, 0); at < 1 || !bytes.Equal(body[at+1:], []byte{0, 1, 0}) {
		return errors.New("not: no final_date, ENROUTE, error_code 0")
	}
	return nil
}

func rowsOfCancel() []row {
	failed := func(condition string, changes ...string) row {
		return after(condition, ask(cancel(changes...), cancelSM|resp, rCancelFail, rInvMsgID))
	}
	return []row{
		after("cancel_sm", ask(cancel(), cancelSM|resp, rOK)),
		after("cancel_sm: final", ask(cancel(), cancelSM|resp, rOK), ask(cancel(), cancelSM|resp, rCancelFail, rInvMsgID)),
		failed("cancel_sm: unknown message_id", "message_id", nobodysMessage),
		failed("cancel_sm: source differs", "source_addr", otherSource),
		{condition: "cancel_sm: another user's message", bind: bindTX, owner: "neighbour", steps: []step{ask(cancel(), cancelSM|resp, rCancelFail, rInvMsgID)}},
		failed("cancel_sm: destination differs", "destination_addr", "31612345679\x00"),
		after("cancel_sm: NULL message_id cancels all that is pending", ask(cancel("message_id", nul), cancelSM|resp, rOK), ask(cancel(), cancelSM|resp, rCancelFail, rInvMsgID)),
	}
}

func rowsOfReplace() []row {
	failed := func(condition string, changes ...string) row {
		return after(condition, ask(replace(changes...), replaceSM|resp, rReplaceFail, rInvMsgID))
	}
	return []row{
		after("replace_sm", ask(replace(), replaceSM|resp, rOK)),
		after("replace_sm: final", ask(cancel(), cancelSM|resp, rOK), ask(replace(), replaceSM|resp, rReplaceFail, rInvMsgID)),
		failed("replace_sm: unknown message_id", "message_id", nobodysMessage),
		failed("replace_sm: source differs", "source_addr", otherSource),
		{condition: "replace_sm: another user's message", bind: bindTX, owner: "neighbour", steps: []step{ask(replace(), replaceSM|resp, rReplaceFail, rInvMsgID)}},
		after("replace_sm: sm_default_msg_id", ask(replace("sm_default_msg_id", "\x01"), replaceSM|resp, rInvDftMsgID)),
		after("replace_sm: schedule_delivery_time", ask(replace("schedule_delivery_time", "261301000000000+\x00"), replaceSM|resp, rInvSched)),
		accepted("replace_if_present_flag with nothing pending", "replace_if_present_flag", "\x01", "source_addr", "3197009\x00"),
		{condition: "replace_if_present_flag with one pending", bind: bindTX, steps: append(submits(rOK, "source_addr", "3197008\x00"),
			submits(rOK, "source_addr", "3197008\x00", "replace_if_present_flag", "\x01")...)},
	}
}

// rowsOfRate: the user slow may send a message a second.
func rowsOfRate() []row {
	steps := submits(rOK)
	for range 30 {
		steps = append(steps, ask(submit(), submitSM|resp, rOK, rThrottled))
	}
	return []row{{condition: "more messages a second than the user may", bind: bindTX, user: "slow", steps: append(steps, submits(rThrottled)...)}}
}
