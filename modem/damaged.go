package modem

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// Lines lose octets on their way from the modem. A message that came damaged is still whole at the network, which has no acknowledgement
// yet, or in its place in a memory.

// storeDirect stores the PDU of a +CMT or +CDS. nil: it is on disk. One that cannot be read and is not as long as its header says has lost
// octets on its way: the network is asked for it again, once.
func (r *receiver) storeDirect(ctx context.Context, u at.URC) error {
	m, err := pdu.DecodeLine(u.PDU)
	if err != nil && u.PDU != r.cut && isCut(u) {
		r.cut = u.PDU
		r.s.m.trouble(fmt.Errorf("a message came damaged and is asked for again: %w", err))
		return errCut
	}
	return r.storeDecoded(ctx, u.PDU, m, err)
}

var errCut = errors.New("octets of it were lost on the line")

// isCut tells whether a PDU has another length than the last field of its header, which does not count the service-centre address. [27.005 3.1 <length>]
func isCut(u at.URC) bool {
	fields := at.Fields(u.Args)
	length, err := strconv.Atoi(fields[len(fields)-1])
	octets, bad := hex.DecodeString(u.PDU)
	return err == nil && (bad != nil || len(octets) == 0 || len(octets) != 1+int(octets[0])+length)
}

// rereads is how often a place is read again whose PDU says nothing.
const rereads = 3

// decoded is what a place holds. Lines lose octets on their way, and the place is about to be deleted: one that cannot be decoded is read
// again, until two readings are alike.
func (r *receiver) decoded(ctx context.Context, index int, rec at.Record) (at.Record, any, error) {
	m, err := pdu.DecodeLine(rec.PDU)
	for range rereads {
		if err == nil {
			break
		}
		again, ok := r.read(ctx, index)
		if !ok || strings.EqualFold(again.PDU, rec.PDU) {
			break
		}
		rec = again
		m, err = pdu.DecodeLine(rec.PDU)
	}
	return rec, m, err
}
