package smppd

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"gsmgate/smppd/smpp"
)

// FuzzServer feeds octets to a session in each bind state. Whatever they are, the server ends
// with no panic, nothing left behind and Bound and Closed paired (see startOn), and every answer
// is a PDU that parses.
func FuzzServer(f *testing.F) {
	for state := range byte(4) {
		f.Add(state, frame(f, 1, message("31612345678")))
		f.Add(state, frame(f, 2, bindPDU(TRX)))
		f.Add(state, append(frame(f, 3, &smpp.EnquireLink{}), frame(f, 4, &smpp.Unbind{})...))
		f.Add(state, append(frame(f, 1, &smpp.DeliverSMResp{}), frame(f, 5, &smpp.QuerySM{MessageID: "1"})...))
		f.Add(state, append(frame(f, 5, multi(3)), frame(f, 5, &smpp.ReplaceSM{MessageID: "1"})...))
		f.Add(state, append(append(frame(f, 5, &smpp.DataSM{}), frame(f, 0, &smpp.CancelSM{})...), frame(f, 5, message("316"))...))
		f.Add(state, header(15, smpp.IDSubmitSM, 1))
		f.Add(state, header(0xFFFFFFFF, 0x999, 1))
	}
	f.Fuzz(func(t *testing.T, state byte, data []byte) {
		synctest.Test(t, func(t *testing.T) { feed(t, BindType(state%4), data) }) // no timer costs time
	})
}

// feed brings a session to a state, gives it the octets and ends it. Meanwhile the backend replies
// in every way it may, and limits are changed and traces read.
func feed(t *testing.T, state BindType, data []byte) {
	b := newBackend()
	b.onBound = func(s *Session) {
		go s.Deliver(context.Background(), &smpp.DeliverSM{})
		_ = s.Alert(&smpp.AlertNotification{})
	}
	var replies replier
	b.onSubmit = func(_ *Session, sm *smpp.SubmitSM, reply func(string, error)) {
		replies.answer(func(_ smpp.PDU, err error) { reply("id", err) }, sm)
	}
	b.onRequest = func(_ *Session, req smpp.PDU, reply func(smpp.PDU, error)) { replies.answer(reply, req) }
	r := start(t, Config{Trace: 1000}, b)
	conn := r.dial()
	answers := make(chan error, 1)
	go func() { answers <- readAll(conn) }()
	var meddling sync.WaitGroup
	meddling.Go(func() { meddle(t, r.srv) })
	if state != 0 {
		_, _ = conn.Write(frame(t, 1, bindPDU(state)))
	}
	_, _ = conn.Write(data) // an error: the server closed before the end
	synctest.Wait()
	go r.stop()
	if err := <-answers; err != nil {
		t.Error(err)
	}
	conn.Close()
	r.stop()
	meddling.Wait()
	replies.late.Wait()
	readTraces(t, r.srv)
}

// replier replies at once, later, from another goroutine, with a response, without, with an error,
// twice, and after the session's end.
type replier struct {
	n    int // only touched by the one session's reader
	late sync.WaitGroup
}

func (r *replier) answer(reply func(smpp.PDU, error), req smpp.PDU) {
	r.n++
	resp := realResponse(req)
	switch r.n % 6 {
	case 0:
		reply(nil, nil)
	case 1:
		r.late.Go(func() { reply(resp, nil) })
	case 2:
		r.late.Go(func() { time.Sleep(3 * time.Millisecond); reply(resp, nil) })
	case 3:
		r.late.Go(func() { time.Sleep(time.Millisecond); reply(nil, errors.New("the store is gone")) })
	case 4:
		reply(resp, &smpp.Error{Status: smpp.StatusQueryFail})
		reply(resp, nil)
	case 5:
		r.late.Go(func() { time.Sleep(time.Minute); reply(resp, nil) })
	}
}

// realResponse is a response with a body, where there is one. One of them cannot be encoded.
func realResponse(req smpp.PDU) smpp.PDU {
	switch p := req.(type) {
	case *smpp.SubmitMulti:
		resp := &smpp.SubmitMultiResp{MessageID: "id"}
		for _, d := range p.Dests {
			resp.Unsuccess = append(resp.Unsuccess, smpp.UnsuccessSME{Address: d.Address, Status: smpp.StatusInvDstAdr})
		}
		return resp
	case *smpp.DataSM:
		return &smpp.DataSMResp{MessageID: "id"}
	case *smpp.QuerySM:
		return &smpp.QuerySMResp{MessageID: p.MessageID, MessageState: smpp.StateEnroute}
	case *smpp.CancelSM:
		return &smpp.CancelSMResp{}
	case *smpp.ReplaceSM:
		return &smpp.DataSMResp{MessageID: strings.Repeat("x", 100)}
	}
	return nil
}

// meddle changes limits and reads what there is to read for a while.
func meddle(t *testing.T, srv *Server) {
	for i := range 20 {
		for _, s := range srv.SessionsOf("esme") {
			l := Limits{Window: i % 4, DeliverWindow: i % 3}
			if i%5 == 4 {
				l.Rate = rate.NewLimiter(100, i%3)
			}
			s.SetLimits(l)
			_ = s.Info()
		}
		readTraces(t, srv)
		time.Sleep(time.Millisecond)
	}
}

func readTraces(t *testing.T, srv *Server) {
	for _, info := range srv.Traces() {
		tr, ok := srv.Trace(info.ID)
		if !ok {
			continue
		}
		for _, redact := range []bool{true, false} {
			if err := tr.WritePCAP(io.Discard, redact); err != nil {
				t.Error(err)
			}
		}
		for _, p := range tr.PDUs(true) {
			if len(p.Octets) < smpp.HeaderLen || p.Length < len(p.Octets) || p.Count < 1 {
				t.Errorf("traced %+v", p)
			}
		}
	}
}

// readAll reads PDUs to the end of the connection; one that does not parse is an error.
func readAll(conn net.Conn) error {
	r := smpp.NewReader(conn, 0)
	for {
		f, err := r.ReadFrame()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if _, _, err := smpp.Parse(f); err != nil {
			return err
		}
	}
}
