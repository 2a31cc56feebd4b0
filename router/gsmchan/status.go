package gsmchan

import (
	"fmt"
	"strconv"

	"gsmgate/modem/pdu"
	"gsmgate/storage"
)

// reportOf is the router's word for a status report.
func reportOf(lane string, r *pdu.StatusReport) storage.Report {
	rep := storage.Report{
		Lane: lane, Match: matchKey(r.RA.Addr), Ref: strconv.Itoa(int(r.MR)),
		At: storage.TimeOf(r.DT), Submitted: storage.TimeOf(r.SCTS), State: StateOf(r.ST), Cause: uint32(r.ST),
		Dedupe: fingerprint(lane, r.Identity()),
		Text:   fmt.Sprintf("TP-ST 0x%02X %s", r.ST, pdu.StatusText(r.ST)),
	}
	if r.RA.TON == pdu.TONAlphanumeric {
		rep.Match = "" // no message goes to a name: the network does not say to whom it was
	}
	if r.SCTS.Year() < 2000 {
		rep.Submitted = 0 // a service centre without a clock
	}
	if rep.State == storage.Delivered {
		rep.Cause = 0
	}
	const noResponse = 0x22 // of the SME, and the service centre still tries [23.040 9.2.3.15]
	rep.Absent = rep.State == storage.Enroute && r.ST == noResponse
	return rep
}

// StateOf is SMPP's word for TP-ST [23.040 9.2.3.15]:
//
//	0x00 to 0x02, 0x10 to 0x1F  DELIVERED: the service centre is done, and it went well
//	0x20 to 0x25, 0x30 to 0x3F  ENROUTE: it still tries
//	0x46                        EXPIRED
//	0x47, 0x48                  DELETED
//	all else                    UNDELIVERABLE, reserved values as "service rejected" too
func StateOf(st uint8) storage.State {
	r := pdu.StatusReport{ST: st}
	switch final, delivered := r.Outcome(); {
	case !final:
		return storage.Enroute
	case delivered:
		return storage.Delivered
	}
	switch st {
	case 0x46: // validity period expired
		return storage.Expired
	case 0x47, 0x48: // deleted by the originator, by the SMSC
		return storage.Deleted
	}
	return storage.Undeliverable
}
