package gsmchan

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

// Deliver stores what came to a SIM; nil means that it may be acknowledged.
func (h handler) Deliver(ctx context.Context, sim modem.SIM, d *pdu.Deliver) error {
	if d.PID == typeZero {
		return nil // acknowledged, shown to nobody [23.040 9.2.3.9]
	}
	if h.expected.take(sim, d) {
		return nil
	}
	if mine, err := h.lateBalance(ctx, sim, d); mine {
		return err
	}
	if key, ok := d.Key(); ok && key.Total > 1 {
		return wait(ctx, func(done func(error)) {
			h.in.Segment(h.segment(sim, d), h.assemble, done)
		})
	}
	m := message(laneID(sim), h.dest(sim), d)
	m.Dedupe = []string{fingerprint(laneID(sim), d.Raw)}
	m.Text, m.Data = body(d)
	return h.submit(ctx, m)
}

// typeZero is the short message type 0 of TP-PID.
const typeZero = 0x40

// Undecoded keeps what could not be read, for a person to look at.
func (h handler) Undecoded(ctx context.Context, sim modem.SIM, raw string, cause error) error {
	m := &storage.Message{
		Kind: storage.MO, Origin: laneID(sim), Dest: h.dest(sim), DataCoding: 4,
		Data:   []byte(raw),
		Dedupe: []string{fingerprint(laneID(sim), []byte(raw))},
	}
	m.Note(storage.TimeOf(h.now()), "undecoded", cause.Error())
	return h.submit(ctx, m)
}

func (h handler) submit(ctx context.Context, m *storage.Message) error {
	return wait(ctx, func(done func(error)) {
		h.in.Submit(m, func(_ storage.ID, err error) { done(err) })
	})
}

// wait turns a done function into a result. One that is stored already counts
// as stored.
func wait(ctx context.Context, start func(done func(error))) error {
	c := make(chan error, 1)
	start(func(err error) { c <- err })
	select {
	case err := <-c:
		if errors.Is(err, storage.ErrDuplicate) {
			return nil
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StatusReport settles the part it is about.
func (h handler) StatusReport(ctx context.Context, sim modem.SIM, r *pdu.StatusReport) error {
	rep := storage.Report{
		Lane: laneID(sim), Match: matchKey(r.RA.Addr), Ref: strconv.Itoa(int(r.MR)),
		At: storage.TimeOf(r.DT), Submitted: storage.TimeOf(r.SCTS), State: reportState(r), Cause: uint32(r.ST),
		Dedupe: fingerprint(laneID(sim), r.Raw),
		Text:   fmt.Sprintf("TP-ST 0x%02X %s", r.ST, pdu.StatusText(r.ST)),
	}
	if rep.State == storage.Delivered {
		rep.Cause = 0
	}
	const noResponse = 0x22 // of the SME, and the service centre still tries [23.040 9.2.3.15]
	rep.Absent = rep.State == storage.Enroute && r.ST == noResponse
	return wait(ctx, func(done func(error)) { h.in.Report(rep, done) })
}

// reportState is SMPP's word for TP-ST [23.040 9.2.3.15].
func reportState(r *pdu.StatusReport) storage.State {
	switch final, delivered := r.Outcome(); {
	case !final:
		return storage.Enroute
	case delivered:
		return storage.Delivered
	}
	switch r.ST {
	case 0x46: // validity period expired
		return storage.Expired
	case 0x47, 0x48: // deleted by the originator, by the SMSC
		return storage.Deleted
	}
	return storage.Undeliverable
}

// message is the part of an MO message that all its segments share.
func message(lane string, to storage.Address, d *pdu.Deliver) *storage.Message {
	m := &storage.Message{
		Kind: storage.MO, Origin: lane, Dest: to,
		Source:     storage.Address{TON: d.OA.TON, NPI: d.OA.NPI, Addr: d.OA.Addr},
		ProtocolID: d.PID,
	}
	switch d.Alphabet {
	case pdu.Data8:
		m.DataCoding = 4
	case pdu.UCS2:
		m.DataCoding = 8
	}
	if d.Concat == nil {
		m.UDH = d.UDH
	}
	return m
}

// body is what the user gets: text as text, octets as octets.
func body(d *pdu.Deliver) (text string, data []byte) {
	if d.Alphabet == pdu.Data8 {
		return "", d.Data
	}
	return d.Text(), nil
}

// dest is the SIM's own number, empty when nobody knows it.
func (ch *Channel) dest(sim modem.SIM) storage.Address {
	number, _ := ch.Number(sim)
	if number == "" {
		return storage.Address{}
	}
	a := pdu.NewAddress(number)
	return storage.Address{TON: a.TON, NPI: a.NPI, Addr: a.Addr}
}

// fingerprint tells a TPDU that came again, with its time stamp and sender,
// from another one.
func fingerprint(lane string, tpdu []byte) string {
	sum := sha256.Sum256(append([]byte(lane+"\x00"), tpdu...))
	return hex.EncodeToString(sum[:12])
}

func (h handler) segment(sim modem.SIM, d *pdu.Deliver) storage.Segment {
	return storage.Segment{
		Lane: laneID(sim), Dest: h.dest(sim),
		Source:    storage.Address{TON: d.OA.TON, NPI: d.OA.NPI, Addr: d.OA.Addr},
		Reference: d.Concat.Reference, Wide: d.Concat.Wide,
		Total: d.Concat.Total, Number: d.Concat.Number,
		Raw: d.Raw, Stamp: storage.TimeOf(d.SCTS), Received: storage.TimeOf(h.now()),
		Dedupe: fingerprint(laneID(sim), d.Raw),
	}
}

// assemble joins the segments that came. Those that did not leave a mark in
// the text.
func (ch *Channel) assemble(set []storage.Segment) (*storage.Message, error) {
	if len(set) == 0 {
		return nil, errors.New("no segments to assemble")
	}
	parts := make([]*pdu.Deliver, set[0].Total)
	var first *pdu.Deliver
	came := 0
	for _, s := range set {
		d, err := pdu.DecodeDeliver(s.Raw)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.Number, err)
		}
		if first == nil {
			first = d
		}
		if n := int(s.Number); n >= 1 && n <= len(parts) && parts[n-1] == nil {
			parts[n-1] = d
			came++
		}
	}
	m := message(set[0].Lane, set[0].Dest, first)
	if first.Alphabet == pdu.Data8 {
		m.Data = pdu.JoinData(parts)
	} else {
		m.Text = pdu.JoinText(parts)
	}
	what := fmt.Sprintf("of %d segments", len(parts))
	if came < len(parts) {
		what = fmt.Sprintf("%d of %d segments came", came, len(parts))
	}
	m.Note(storage.TimeOf(ch.now()), "assembled", what)
	return m, nil
}

var _ router.Assemble = (*Channel)(nil).assemble
