package gsmchan

import (
	"fmt"
	"testing"
	"time"

	"gsmgate/modem/pdu"
	"gsmgate/storage"
)

// Every TP-ST: the state that the client hears, and the err: of its receipt.
func TestReport_EveryTPST_StateAndErr(t *testing.T) {
	for _, row := range []struct {
		from, to uint8
		state    storage.State
	}{
		{0x00, 0x02, storage.Delivered},
		{0x03, 0x0F, storage.Undeliverable}, // reserved [23.040 9.2.3.15]
		{0x10, 0x1F, storage.Delivered},     // the service centre's own
		{0x20, 0x25, storage.Enroute},
		{0x26, 0x2F, storage.Undeliverable}, // reserved
		{0x30, 0x3F, storage.Enroute},       // the service centre's own
		{0x40, 0x45, storage.Undeliverable},
		{0x46, 0x46, storage.Expired},
		{0x47, 0x48, storage.Deleted},
		{0x49, 0x49, storage.Undeliverable},
		{0x4A, 0x4F, storage.Undeliverable}, // reserved
		{0x50, 0x5F, storage.Undeliverable}, // the service centre's own
		{0x60, 0x65, storage.Undeliverable},
		{0x66, 0x6F, storage.Undeliverable}, // reserved
		{0x70, 0x7F, storage.Undeliverable}, // the service centre's own
		{0x80, 0xFF, storage.Undeliverable}, // reserved
	} {
		for st := int(row.from); st <= int(row.to); st++ {
			rep := reportOf("sim:89", &pdu.StatusReport{ST: uint8(st)})
			cause := uint32(st)
			if row.state == storage.Delivered {
				cause = 0
			}
			if rep.State != row.state || rep.Cause != cause {
				t.Errorf("TP-ST %#02x: state %d, cause %d, want %d, %d", st, rep.State, rep.Cause, row.state, cause)
			}
		}
	}
}

func TestReport_RecipientInAnyForm_LookedUpByItsLastDigits(t *testing.T) {
	for _, ra := range []pdu.Address{
		{TON: 1, NPI: 1, Addr: "31612345678"}, {TON: 2, NPI: 1, Addr: "612345678"}, {NPI: 1, Addr: "0612345678"}, {Addr: "0031612345678"}, {TON: 3, Addr: "12345678"},
	} {
		if got := reportOf("sim:89", &pdu.StatusReport{RA: ra}).Match; got != matchKey("+31612345678") {
			t.Errorf("%+v: %q", ra, got)
		}
	}
	for _, ra := range []pdu.Address{{}, {TON: pdu.TONAlphanumeric, Addr: "Operator"}} {
		if got := reportOf("sim:89", &pdu.StatusReport{RA: ra}).Match; got != "" {
			t.Errorf("%+v: %q", ra, got)
		}
	}
}

func TestReport_TimesThatAreNone_NotTold(t *testing.T) {
	nineties := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{{}, nineties} {
		if rep := reportOf("sim:89", &pdu.StatusReport{SCTS: at}); rep.Submitted != 0 {
			t.Errorf("%v: submitted %v", at, rep.Submitted)
		}
	}
	odd := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", -45*60))
	if rep := reportOf("sim:89", &pdu.StatusReport{SCTS: odd}); rep.Submitted != storage.TimeOf(odd) {
		t.Errorf("an odd zone: %v", rep.Submitted.Time())
	}
}

// What comes again is the same report, whatever the service centre has changed
// around it.
func TestReport_CameAgain_SameKey(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one := pdu.StatusReport{MR: 7, RA: pdu.NewAddress("+31612345678"), SCTS: at, DT: at, Raw: []byte{6, 1}}
	again := one
	again.More, again.LP, again.Raw = true, true, []byte{2, 1}
	if reportOf("a", &one).Dedupe != reportOf("a", &again).Dedupe {
		t.Error("another one")
	}
	seen := map[string]string{reportOf("a", &one).Dedupe: "the first"}
	for i, change := range []func(*pdu.StatusReport){
		func(r *pdu.StatusReport) { r.MR++ }, func(r *pdu.StatusReport) { r.ST = 0x20 }, func(r *pdu.StatusReport) { r.RA.Addr = "31612345679" },
		func(r *pdu.StatusReport) { r.SCTS = at.Add(time.Second) }, func(r *pdu.StatusReport) { r.DT = at.Add(time.Second) },
	} {
		other := one
		change(&other)
		key := reportOf("a", &other).Dedupe
		if seen[key] != "" {
			t.Errorf("change %d is the same as %s", i, seen[key])
		}
		seen[key] = fmt.Sprintf("change %d", i)
	}
}
