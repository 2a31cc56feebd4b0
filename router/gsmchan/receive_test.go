package gsmchan

import (
	"testing"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

// reports keeps what it is told.
type reports struct {
	router.Inbox
	last storage.Report
}

func (in *reports) Report(rep storage.Report, done func(error)) {
	in.last = rep
	done(nil)
}

// The handset is away when it does not answer and the network still tries. A
// network that is congested says nothing about it, and what was given up is told
// by its end.
func TestStatusReport_NoResponseStillTrying_IsAbsent(t *testing.T) {
	in := &reports{}
	ch := New(Config{})
	ch.in = in
	for st, want := range map[uint8]storage.Report{
		0x00: {State: storage.Delivered}, 0x20: {State: storage.Enroute}, 0x21: {State: storage.Enroute},
		0x22: {State: storage.Enroute, Absent: true}, 0x42: {State: storage.Undeliverable}, 0x62: {State: storage.Undeliverable},
	} {
		if err := (handler{ch}).StatusReport(t.Context(), modem.SIM{ICCID: "89"}, &pdu.StatusReport{ST: st}); err != nil {
			t.Fatal(err)
		}
		if in.last.State != want.State || in.last.Absent != want.Absent {
			t.Errorf("TP-ST %#02x: state %d, absent %v", st, in.last.State, in.last.Absent)
		}
	}
}
