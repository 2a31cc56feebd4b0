package gsmchan

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"gsmgate/modem"
	"gsmgate/modem/pdu"
	"gsmgate/router"
	"gsmgate/storage"
)

// Deliver stores what came to a SIM; nil means that it may be acknowledged.
func (h handler) Deliver(ctx context.Context, sim modem.SIM, d *pdu.Deliver) error {
	if h.expected.take(sim, d) {
		return nil
	}
	if mine, err := h.lateBalance(ctx, sim, d); mine {
		return err
	}
	return h.deliver(ctx, laneID(sim), h.dest(sim), d)
}

func (h handler) deliver(ctx context.Context, lane string, to storage.Address, d *pdu.Deliver) error {
	if words, ok := d.ForDevice(); ok {
		h.log.Info("a message for the card or the modem was set aside", "lane", lane, "what", words)
		return h.setAside(ctx, lane, to, d, words+": it is for the card or the modem, and for no client")
	}
	switch key, ok := d.Key(); {
	case d.TypeZero():
		return nil // acknowledged, shown to nobody [23.040 9.2.3.9]
	case indicates(d):
		return nil
	case ok && key.Total > 1:
		return wait(ctx, func(done func(error)) {
			h.in.Segment(h.segment(lane, to, d), h.assemble, done)
		})
	}
	m := message(lane, to, d)
	m.Dedupe = h.dedupe(lane, d)
	m.Text, m.Data = body(d)
	return h.submit(ctx, m)
}

// indicates tells whether a message does nothing but say that others wait, and
// may be thrown away: the state of the modem shows it [23.038 4].
func indicates(d *pdu.Deliver) bool {
	all := d.Indications()
	for _, i := range all {
		if i.Store {
			return false
		}
	}
	return len(all) > 0 && len(d.Data) == 0
}

// setAside keeps what could be read and is for no client.
func (h handler) setAside(ctx context.Context, lane string, to storage.Address, d *pdu.Deliver, why string) error {
	raw, _, err := pdu.Line(d.SCA, d.Raw)
	if err != nil {
		raw = "00" + strings.ToUpper(hex.EncodeToString(d.Raw)) // an SCA that cannot be written tells nobody anything
	}
	id, _ := d.Identity()
	return h.in.Undecoded(ctx, storage.Undecoded{ID: fingerprint(lane, id), Lane: lane, Dest: to, Raw: raw, Cause: why, Aside: true})
}

// Undecoded keeps what could not be read, for a person to look at. No client
// gets it.
func (h handler) Undecoded(ctx context.Context, sim modem.SIM, raw string, cause error) error {
	lane := laneID(sim)
	h.log.Warn("a PDU that cannot be read was kept", "lane", lane, "cause", cause)
	return h.in.Undecoded(ctx, storage.Undecoded{
		ID: fingerprint(lane, []byte(raw)), Lane: lane, Dest: h.dest(sim), Raw: raw, Cause: cause.Error(),
	})
}

// DecodeAgain reads a PDU that was kept. Done says that it could be read, and is
// on disk as what it is; when it could not, the error says why.
func (ch *Channel) DecodeAgain(ctx context.Context, u storage.Undecoded) (done bool, err error) {
	h := handler{ch}
	m, err := pdu.DecodeLine(u.Raw)
	switch m := m.(type) {
	case *pdu.Deliver:
		if words, device := m.ForDevice(); device {
			return false, fmt.Errorf("%s: it is for no client", words)
		}
		err = h.deliver(ctx, u.Lane, u.Dest, m)
	case *pdu.StatusReport:
		err = h.report(ctx, u.Lane, m)
	default:
		if err == nil {
			err = errors.New("not an incoming message")
		}
	}
	return err == nil, err
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
	return h.report(ctx, laneID(sim), r)
}

func (h handler) report(ctx context.Context, lane string, r *pdu.StatusReport) error {
	rep := reportOf(lane, r)
	return wait(ctx, func(done func(error)) { h.in.Report(rep, done) })
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
	m.UDH = pdu.WithoutOwn(d.UDH, d.Alphabet != pdu.Data8) // ports stay: they say what the data is
	for _, i := range d.Indications() {
		m.Waiting = 0xC0 | i.Kind
		if i.Count > 0 {
			m.Waiting |= 0x08
		}
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

// dedupe gives the keys under which the same message is known when it comes
// again: by its time stamp, sender and content. Without a time stamp the same
// may be said twice, and only what comes within an hour or two is the same.
func (ch *Channel) dedupe(lane string, d *pdu.Deliver) []string {
	id, stamped := d.Identity()
	if stamped {
		return []string{fingerprint(lane, id)}
	}
	hour := uint64(ch.now().Unix() / 3600)
	return []string{
		fingerprint(lane, binary.BigEndian.AppendUint64(id, hour)), fingerprint(lane, binary.BigEndian.AppendUint64(id, hour+1)),
	}
}

// fingerprint tells what came to a lane from all else that did.
func fingerprint(lane string, identity []byte) string {
	sum := sha256.Sum256(append([]byte(lane+"\x00"), identity...))
	return hex.EncodeToString(sum[:12])
}

func (h handler) segment(lane string, to storage.Address, d *pdu.Deliver) storage.Segment {
	return storage.Segment{
		Lane: lane, Dest: to,
		Source:    storage.Address{TON: d.OA.TON, NPI: d.OA.NPI, Addr: d.OA.Addr},
		Reference: d.Concat.Reference, Wide: d.Concat.Wide,
		Total: d.Concat.Total, Number: d.Concat.Number,
		Raw: d.Raw, Stamp: storage.TimeOf(d.SCTS), Received: storage.TimeOf(h.now()),
		Dedupe: h.dedupe(lane, d)[0],
	}
}

// assemble joins the segments that came. Those that did not leave a mark in
// the text, and one that is late has a mark of its own.
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
	m.Text, m.Data = joined(parts, first, set[0].Late)
	m.Incomplete = came < len(parts)
	if first.Alphabet == pdu.Data8 && came == 1 {
		m.UDH = first.UDH // its concatenation element says which part it is
	}
	m.Note(storage.TimeOf(ch.now()), "assembled", madeOf(set, came))
	return m, nil
}

// joined is what the user gets of the parts.
func joined(parts []*pdu.Deliver, first *pdu.Deliver, late bool) (text string, data []byte) {
	switch {
	case first.Alphabet == pdu.Data8:
		return "", pdu.JoinData(parts)
	case late:
		return fmt.Sprintf("[part %d of %d] %s", first.Concat.Number, len(parts), first.Text()), nil
	}
	return pdu.JoinText(parts), nil
}

// madeOf says for the timeline what a message was made of.
func madeOf(set []storage.Segment, came int) string {
	total := int(set[0].Total)
	switch {
	case set[0].Late:
		return fmt.Sprintf("segment %d of %d, which came when the others had been delivered", set[0].Number, total)
	case came < total:
		return fmt.Sprintf("%d of %d segments came", came, total)
	}
	return fmt.Sprintf("of %d segments", total)
}

var _ router.Assemble = (*Channel)(nil).assemble
