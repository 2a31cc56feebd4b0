package esme

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"gsmgate/smppd/smpp"
)

func TestDial_SendsWhatConfigSays(t *testing.T) {
	conf := accepting(t, func(p *peer) {
		h, pdu := p.next(smpp.IDBindReceiver)
		b := pdu.(*smpp.Bind)
		if b.SystemID != "esme" || b.Password != "secret" || b.SystemType != "VMA" || b.InterfaceVersion != smpp.Version50 || b.AddressRange != "^31" {
			t.Errorf("got %+v", b)
		}
		p.send(smpp.StatusOK, h.Sequence, &smpp.BindResp{ID: smpp.IDBindReceiverResp})
		h, _ = p.next(smpp.IDUnbind)
		p.send(smpp.StatusOK, h.Sequence, &smpp.UnbindResp{})
	})
	conf.BindType, conf.SystemType, conf.InterfaceVersion, conf.AddressRange = smpp.IDBindReceiver, "VMA", smpp.Version50, "^31"
	s, err := Dial(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	if s.PeerVersion() != 0 {
		t.Errorf("version %#x of a peer that names none", s.PeerVersion())
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if s.Err() != ErrClosed {
		t.Error(s.Err())
	}
}

func TestDial_Refused_NamesTheStatus(t *testing.T) {
	for name, resp := range map[string]smpp.PDU{"bind_resp": &smpp.BindResp{ID: smpp.IDBindTransceiverResp}, "generic_nack": &smpp.GenericNack{}} {
		conf := accepting(t, func(p *peer) {
			h, _ := p.next(smpp.IDBindTransceiver)
			p.send(smpp.StatusOK, 77, &smpp.EnquireLink{}) // something in between
			p.send(smpp.StatusInvPaswd, h.Sequence, resp)
		})
		_, err := Dial(context.Background(), conf)
		var e *StatusError
		if !errors.As(err, &e) || e.Status != smpp.StatusInvPaswd {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestDial_NoAnswer_EndsInTime(t *testing.T) {
	over := make(chan struct{})
	conf := accepting(t, func(p *peer) { <-over })
	defer close(over)
	conf.ResponseTimeout = 50 * time.Millisecond
	if _, err := Dial(context.Background(), conf); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestDial_Cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	conf := accepting(t, func(p *peer) { p.next(smpp.IDBindTransceiver); cancel(); <-over })
	defer close(over)
	if _, err := Dial(ctx, conf); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestDial_FieldTooLong(t *testing.T) {
	conf := accepting(t, func(*peer) {})
	conf.Password = "nine-octets"
	var e *smpp.Error
	if _, err := Dial(context.Background(), conf); !errors.As(err, &e) || e.Field != "password" {
		t.Errorf("got %v", err)
	}
}

func TestDial_PasswordLongerThanTheSpecificationHas_WrittenWhenAllowed(t *testing.T) {
	long := strings.Repeat("secret", 10)
	frames := make(chan []byte, 1)
	conf := accepting(t, func(p *peer) {
		frame, err := p.r.ReadFrame()
		if err != nil {
			t.Error(err)
		}
		frames <- frame
		p.send(smpp.StatusOK, 1, &smpp.BindResp{ID: smpp.IDBindTransceiverResp})
	})
	conf.Password, conf.LongPassword = long, true
	s, err := Dial(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	if frame := <-frames; !bytes.Contains(frame, []byte("esme\x00"+long+"\x00")) {
		t.Errorf("the bind is %q", frame)
	}
}

func TestSubmit_AnswersOutOfOrder(t *testing.T) {
	s, p := bound(t, nil)
	one, two := submit(t, s, "one"), submit(t, s, "two")
	h1, _ := p.next(smpp.IDSubmitSM)
	h2, _ := p.next(smpp.IDSubmitSM)
	p.send(smpp.StatusThrottled, h2.Sequence, &smpp.SubmitSMResp{})
	p.send(smpp.StatusOK, h1.Sequence, &smpp.SubmitSMResp{MessageID: "id1"})
	if r := wait(t, one); r.id != "id1" || r.err != nil {
		t.Errorf("one: %+v", r)
	}
	r := wait(t, two)
	if e, ok := errors.AsType[*StatusError](r.err); !ok || e.Status != smpp.StatusThrottled || r.status != smpp.StatusThrottled {
		t.Errorf("two: %+v", r)
	}
}

func TestSubmit_Blocking(t *testing.T) {
	s, p := bound(t, nil)
	ids := make(chan string, 1)
	go func() {
		id, err := s.Submit(context.Background(), message("hi"))
		if err != nil {
			t.Error(err)
		}
		ids <- id
	}()
	h, pdu := p.next(smpp.IDSubmitSM)
	if got := pdu.(*smpp.SubmitSM); string(got.ShortMessage) != "hi" {
		t.Errorf("%+v", got)
	}
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{MessageID: "id1"})
	if id := wait(t, ids); id != "id1" {
		t.Error(id)
	}
}

func TestSubmit_ContextEnds_OutcomeUnknown(t *testing.T) {
	s, p := bound(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 1)
	go func() { _, err := s.Submit(ctx, message("hi")); errs <- err }()
	h, _ := p.next(smpp.IDSubmitSM)
	cancel()
	if err := wait(t, errs); !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := s.InFlight(); n != 1 {
		t.Errorf("%d in flight: the response is still due", n)
	}
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{})
}

func TestSubmit_GenericNack_EndsIt(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	h, _ := p.next(smpp.IDSubmitSM)
	p.send(smpp.StatusInvCmdID, h.Sequence, &smpp.GenericNack{})
	if r := wait(t, end); r.status != smpp.StatusInvCmdID {
		t.Errorf("%+v", r)
	}
}

func TestSubmit_BrokenResponse_OutcomeUnknown(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	p.next(smpp.IDSubmitSM)
	p.raw([]byte("\x00\x00\x00\x12\x80\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x02no")) // message_id without NUL
	if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) {
		t.Errorf("%+v", r)
	}
}

func TestSubmit_FieldTooLong_NothingSent(t *testing.T) {
	s, p := bound(t, nil)
	bad := message("hi")
	bad.Dest.Addr = "123456789012345678901"
	err := s.SubmitAsync(context.Background(), bad, func(string, smpp.CommandStatus, error) { t.Error("done was called") })
	if e, ok := errors.AsType[*smpp.Error](err); !ok || e.Status != smpp.StatusInvDstAdr {
		t.Errorf("got %v", err)
	}
	p.nothing()
	if s.InFlight() != 0 {
		t.Error("it stayed in the window")
	}
}

func TestSubmit_WindowFull_Waits(t *testing.T) {
	s, p := bound(t, func(c *Config) { c.Window = 2 })
	one, two := submit(t, s, "one"), submit(t, s, "two")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, err := s.Submit(ctx, message("three")); !errors.Is(err, ErrNotSent) {
		t.Errorf("a third of two: %v", err)
	}
	h, _ := p.next(smpp.IDSubmitSM)
	p.next(smpp.IDSubmitSM)
	p.nothing()
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{MessageID: "1"})
	wait(t, one)
	three := submit(t, s, "three")
	p.next(smpp.IDSubmitSM)
	_ = p.conn.Close()
	for _, end := range []chan result{two, three} {
		if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) {
			t.Errorf("%+v", r)
		}
	}
}

func TestSubmit_ConnectionLost_OutcomeUnknown(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	p.next(smpp.IDSubmitSM)
	_ = p.conn.Close()
	if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) || errors.Is(r.err, ErrNotSent) {
		t.Errorf("%+v", r)
	}
	wait(t, s.Ended())
	if _, err := s.Submit(context.Background(), message("late")); !errors.Is(err, ErrNotSent) {
		t.Errorf("after the end: %v", err)
	}
	if s.Err() == nil {
		t.Error("no cause")
	}
}

func TestSubmit_NoResponseInTime_OutcomeUnknown(t *testing.T) {
	s, p := bound(t, func(c *Config) { c.ResponseTimeout = 40 * time.Millisecond; c.Window = 1 })
	end := submit(t, s, "hi")
	h, _ := p.next(smpp.IDSubmitSM)
	if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) || !errors.Is(r.err, ErrNoResponse) {
		t.Errorf("%+v", r)
	}
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{MessageID: "late"})
	next := submit(t, s, "again")
	h, _ = p.next(smpp.IDSubmitSM)
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{MessageID: "2"})
	if r := wait(t, next); r.id != "2" {
		t.Errorf("%+v", r)
	}
}

func TestData_Response(t *testing.T) {
	s, p := bound(t, nil)
	end := make(chan result, 1)
	err := s.DataAsync(context.Background(), &smpp.DataSM{TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte("hi"))},
		func(id string, status smpp.CommandStatus, err error) { end <- result{id, status, err} })
	if err != nil {
		t.Fatal(err)
	}
	h, _ := p.next(smpp.IDDataSM)
	p.send(smpp.StatusOK, h.Sequence, &smpp.DataSMResp{MessageID: "d1"})
	if r := wait(t, end); r.id != "d1" || r.err != nil {
		t.Errorf("%+v", r)
	}
}

func TestDeliver_AnsweredAfterOnDeliver(t *testing.T) {
	got, release := make(chan *smpp.DeliverSM, 2), make(chan smpp.CommandStatus, 2)
	_, p := bound(t, func(c *Config) {
		c.OnDeliver = func(sm *smpp.DeliverSM) smpp.CommandStatus { got <- sm; return <-release }
	})
	p.send(smpp.StatusOK, 5, &smpp.DeliverSM{ShortMessage: []byte("mo")})
	if sm := wait(t, got); string(sm.ShortMessage) != "mo" {
		t.Errorf("%+v", sm)
	}
	p.nothing()
	release <- smpp.StatusXTAppn
	if h, _ := p.next(smpp.IDDeliverSMResp); h.Sequence != 5 || h.Status != smpp.StatusXTAppn {
		t.Errorf("%+v", h)
	}
	p.send(smpp.StatusOK, 6, &smpp.DataSM{TLVs: smpp.TLVs{}.Append(smpp.TagMessagePayload, []byte("data"))})
	release <- smpp.StatusOK
	if v, _ := wait(t, got).TLVs.Get(smpp.TagMessagePayload); string(v) != "data" {
		t.Errorf("%q", v)
	}
	if h, _ := p.next(smpp.IDDataSMResp); h.Sequence != 6 || h.Status != smpp.StatusOK {
		t.Errorf("%+v", h)
	}
}

func TestDeliver_NoHandler_TryAgainLater(t *testing.T) {
	_, p := bound(t, nil)
	p.send(smpp.StatusOK, 5, &smpp.DeliverSM{})
	if h, _ := p.next(smpp.IDDeliverSMResp); h.Status != smpp.StatusXTAppn {
		t.Errorf("%+v", h)
	}
}

func TestPeer_Requests_Answered(t *testing.T) {
	_, p := bound(t, nil)
	p.send(smpp.StatusOK, 5, &smpp.EnquireLink{})
	if h, _ := p.next(smpp.IDEnquireLinkResp); h.Sequence != 5 {
		t.Errorf("%+v", h)
	}
	p.raw([]byte("\x00\x00\x00\x10\x00\x00\x09\x99\x00\x00\x00\x00\x00\x00\x00\x06"))
	if h, _ := p.next(smpp.IDGenericNack); h.Sequence != 6 || h.Status != smpp.StatusInvCmdID {
		t.Errorf("%+v", h)
	}
	p.send(smpp.StatusOK, 7, &smpp.QuerySM{})
	if h, _ := p.next(smpp.IDQuerySMResp); h.Sequence != 7 || h.Status != smpp.StatusInvBndSts {
		t.Errorf("%+v", h)
	}
	p.raw([]byte("\x00\x00\x00\x10\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x08"))
	if h, _ := p.next(smpp.IDDeliverSMResp); h.Sequence != 8 || h.Status != smpp.StatusInvCmdLen {
		t.Errorf("%+v", h)
	}
	p.send(smpp.StatusOK, 9, &smpp.AlertNotification{})
	p.send(smpp.StatusOK, 9, &smpp.SubmitSMResp{}) // of nothing that was sent
	p.nothing()
}

func TestPeer_FramingLost_NackedThenClosed(t *testing.T) {
	s, p := bound(t, nil)
	p.raw([]byte("\x7F\x00\x00\x10\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x08"))
	if h, _ := p.next(smpp.IDGenericNack); h.Sequence != 8 || h.Status != smpp.StatusInvCmdLen {
		t.Errorf("%+v", h)
	}
	wait(t, s.Ended())
	if _, ok := errors.AsType[*smpp.Error](s.Err()); !ok {
		t.Error(s.Err())
	}
}

func TestPeer_Unbinds(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	p.next(smpp.IDSubmitSM)
	p.send(smpp.StatusOK, 9, &smpp.Unbind{})
	if h, _ := p.next(smpp.IDUnbindResp); h.Sequence != 9 {
		t.Errorf("%+v", h)
	}
	if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) || !errors.Is(r.err, ErrUnboundPeer) {
		t.Errorf("%+v", r)
	}
	wait(t, s.Ended())
}

func TestEnquireLink_AfterSilence(t *testing.T) {
	s, p := bound(t, func(c *Config) { c.EnquireLink = 20 * time.Millisecond })
	for range 2 {
		h, _ := p.next(smpp.IDEnquireLink)
		p.send(smpp.StatusOK, h.Sequence, &smpp.EnquireLinkResp{})
	}
	if s.Err() != nil {
		t.Error(s.Err())
	}
}

func TestEnquireLink_NoAnswer_EndsTheSession(t *testing.T) {
	s, p := bound(t, func(c *Config) { c.EnquireLink, c.ResponseTimeout = 20*time.Millisecond, 20*time.Millisecond })
	p.next(smpp.IDEnquireLink)
	wait(t, s.Ended())
	if s.Err() != ErrSilent {
		t.Error(s.Err())
	}
}

func TestClose_WaitsForSubmitsThenUnbinds(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	h, _ := p.next(smpp.IDSubmitSM)
	closed := make(chan error, 2)
	for range 2 {
		go func() { closed <- s.Close(context.Background()) }()
	}
	p.nothing()
	if err := s.SubmitAsync(context.Background(), message("late"), nil); !errors.Is(err, ErrNotSent) {
		t.Errorf("while closing: %v", err)
	}
	p.send(smpp.StatusOK, h.Sequence, &smpp.SubmitSMResp{MessageID: "1"})
	if r := wait(t, end); r.err != nil {
		t.Errorf("%+v", r)
	}
	h, _ = p.next(smpp.IDUnbind)
	p.send(smpp.StatusOK, h.Sequence, &smpp.UnbindResp{})
	for range 2 {
		if err := wait(t, closed); err != nil {
			t.Error(err)
		}
	}
}

func TestClose_CutShort(t *testing.T) {
	s, p := bound(t, nil)
	end := submit(t, s, "hi")
	p.next(smpp.IDSubmitSM)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if r := wait(t, end); !errors.Is(r.err, ErrUnknownOutcome) || !errors.Is(r.err, ErrClosed) {
		t.Errorf("%+v", r)
	}
}

func TestSubmit_PeerReadsNothing_SecondIsNotSent(t *testing.T) {
	ours, theirs := net.Pipe() // each Write waits until it is read
	p := &peer{t, theirs, smpp.NewReader(theirs, 0)}
	go func() {
		h, _ := p.next(smpp.IDBindTransceiver)
		p.send(smpp.StatusOK, h.Sequence, &smpp.BindResp{ID: smpp.IDBindTransceiverResp})
	}()
	s, err := Dial(context.Background(), Config{Address: "pipe", SystemID: "esme", EnquireLink: -1,
		DialContext: func(context.Context, string, string) (net.Conn, error) { return ours, nil }})
	if err != nil {
		t.Fatal(err)
	}
	first := submit(t, s, "first")
	if _, err := theirs.Read(make([]byte, 1)); err != nil { // now it is being written
		t.Fatal(err)
	}
	second := submit(t, s, "second")
	_ = theirs.Close()
	if r := wait(t, first); !errors.Is(r.err, ErrUnknownOutcome) {
		t.Errorf("first: %+v", r)
	}
	if r := wait(t, second); !errors.Is(r.err, ErrNotSent) {
		t.Errorf("second: %+v", r)
	}
	_ = s.Close(context.Background())
}
