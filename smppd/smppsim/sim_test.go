package smppsim

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

// serving runs an SMSC for the length of the test and returns its address.
func serving(t testing.TB, conf SMSCConfig) (*SMSC, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := NewSMSC(conf)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s, l.Addr().String()
}

func to(address string) esme.Config {
	return esme.Config{Address: address, SystemID: "user", Password: "secret", Window: 50}
}

// dial binds for the length of the test.
func dial(t *testing.T, conf esme.Config) *esme.Session {
	t.Helper()
	s, err := esme.Dial(context.Background(), conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = s.Close(ctx)
	})
	return s
}

func wait[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing happened")
		panic("unreachable")
	}
}

func TestLoad_EveryMessageAnsweredAndReceipted(t *testing.T) {
	s, address := serving(t, SMSCConfig{FailShare: 0.25, ReceiptDelay: 5 * time.Millisecond, AnswerDelay: time.Millisecond})
	r, err := Load(context.Background(), LoadConfig{Config: to(address), Sessions: 3, Count: 2000,
		RegisteredDelivery: smpp.ReceiptFinal, Texts: []string{"one", "zwei €", "三"}})
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent != 2000 || r.Accepted != 2000 || r.Refused+r.Unknown != 0 || r.Statuses[smpp.StatusOK] != 2000 {
		t.Errorf("%+v", r)
	}
	if r.Receipts[smpp.StateDelivered] != 1500 || r.Receipts[smpp.StateUndeliverable] != 500 || r.ReceiptsMissing+r.ReceiptsStrange != 0 {
		t.Errorf("%+v", r)
	}
	if r.P50 < time.Millisecond || r.P99 < r.P50 || r.Max < r.P99 || r.PerSecond() <= 0 {
		t.Errorf("%+v", r)
	}
	if c := s.Counts(); c.Submits != 2000 || c.Delivered != 2000 || c.Lost != 0 {
		t.Errorf("%+v", c)
	}
}

func TestLoad_OverTLS(t *testing.T) {
	web := httptest.NewTLSServer(nil)
	defer web.Close()
	_, address := serving(t, SMSCConfig{TLS: &tls.Config{Certificates: web.TLS.Certificates}})
	conf := to(address)
	conf.TLS = &tls.Config{RootCAs: web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	if r, err := Load(context.Background(), LoadConfig{Config: conf, Count: 100}); err != nil || r.Accepted != 100 {
		t.Errorf("%+v, %v", r, err)
	}
	conf.TLS = &tls.Config{}
	if _, err := Load(context.Background(), LoadConfig{Config: conf, Count: 1}); err == nil {
		t.Error("a certificate of nobody was accepted")
	}
}

func TestLoad_RefusalsAreCountedByStatus(t *testing.T) {
	var mu sync.Mutex
	n := 0
	_, address := serving(t, SMSCConfig{OnSubmit: func(user string, sm *smpp.SubmitSM) smpp.CommandStatus {
		mu.Lock()
		defer mu.Unlock()
		if n++; n%10 == 0 {
			return smpp.StatusThrottled
		}
		return smpp.StatusOK
	}})
	r, err := Load(context.Background(), LoadConfig{Config: to(address), Count: 100})
	if err != nil || r.Accepted != 90 || r.Refused != 10 || r.Statuses[smpp.StatusThrottled] != 10 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoad_DestAndTextsInTurn(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]string{}
	_, address := serving(t, SMSCConfig{OnSubmit: func(user string, sm *smpp.SubmitSM) smpp.CommandStatus {
		text, err := smpp.DecodeText(sm.DataCoding, smpp.GSM0338, sm.ShortMessage)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[sm.Dest.Addr] = text
		return smpp.StatusOK
	}})
	if _, err := Load(context.Background(), LoadConfig{Config: to(address), Count: 12, Dest: "316##", Texts: []string{"€", "你"}}); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 12 || seen["31600"] != "€" || seen["31611"] != "你" {
		t.Errorf("%v", seen)
	}
}

func TestLoad_RateHolds(t *testing.T) {
	_, address := serving(t, SMSCConfig{})
	r, err := Load(context.Background(), LoadConfig{Config: to(address), Count: 21, Rate: 100})
	if err != nil || r.Elapsed < 190*time.Millisecond {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoad_DurationEnds(t *testing.T) {
	_, address := serving(t, SMSCConfig{})
	r, err := Load(context.Background(), LoadConfig{Config: to(address), Duration: 50 * time.Millisecond})
	if err != nil || r.Accepted == 0 || r.Sent != r.Accepted {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoad_ConnectionCut_UnknownIsCounted(t *testing.T) {
	hit := make(chan struct{}, 1000)
	s, address := serving(t, SMSCConfig{AnswerDelay: time.Hour, OnSubmit: func(string, *smpp.SubmitSM) smpp.CommandStatus {
		hit <- struct{}{}
		return smpp.StatusOK
	}})
	go func() {
		for range 50 {
			<-hit
		}
		s.Drop()
	}()
	r, err := Load(context.Background(), LoadConfig{Config: to(address), Count: 100})
	if !errors.Is(err, esme.ErrNotSent) || r.Unknown != 50 || r.Sent != 50 || r.Accepted != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestLoad_WrongPassword(t *testing.T) {
	_, address := serving(t, SMSCConfig{Users: map[string]string{"user": "other"}})
	_, err := Load(context.Background(), LoadConfig{Config: to(address), Count: 1})
	if e, ok := errors.AsType[*esme.StatusError](err); !ok || e.Status != smpp.StatusBindFail {
		t.Errorf("got %v", err)
	}
}

func TestSMSC_DeliversMO(t *testing.T) {
	s, address := serving(t, SMSCConfig{})
	got := make(chan *smpp.DeliverSM, 1)
	conf := to(address)
	conf.OnDeliver = func(sm *smpp.DeliverSM) smpp.CommandStatus { got <- sm; return smpp.StatusXRAppn }
	dial(t, conf)
	status, err := s.Deliver(context.Background(), "user", &smpp.DeliverSM{Source: smpp.Address{Addr: "316"}, ShortMessage: []byte("mo")})
	if err != nil || status != smpp.StatusXRAppn {
		t.Error(status, err)
	}
	if sm := wait(t, got); string(sm.ShortMessage) != "mo" {
		t.Errorf("%+v", sm)
	}
	if _, err := s.Deliver(context.Background(), "user", &smpp.DeliverSM{Source: smpp.Address{Addr: "123456789012345678901"}}); err != nil {
		t.Error(err)
	}
}

func TestSMSC_ReceiptWaitsForAReceiver(t *testing.T) {
	_, address := serving(t, SMSCConfig{})
	tx := to(address)
	tx.BindType = smpp.IDBindTransmitter
	sm, err := Message("hi")
	if err != nil {
		t.Fatal(err)
	}
	sm.Dest.Addr, sm.RegisteredDelivery = "316", smpp.ReceiptFinal
	id, err := dial(t, tx).Submit(context.Background(), sm)
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *smpp.DeliverSM, 2)
	again := true
	rx := to(address)
	rx.BindType = smpp.IDBindReceiver
	rx.OnDeliver = func(sm *smpp.DeliverSM) smpp.CommandStatus {
		got <- sm
		if again {
			again = false
			return smpp.StatusXTAppn
		}
		return smpp.StatusOK
	}
	receiver := dial(t, rx)
	for range 2 { // the first is answered with "try again later"
		r, err := smpp.ParseReceipt(string(wait(t, got).ShortMessage), nil)
		if err != nil || r.ID != id || r.State != smpp.StateDelivered || r.Err != "000" {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if _, err := receiver.Submit(context.Background(), sm); err == nil {
		t.Error("a receiver may not submit")
	}
}

func TestSMSC_UnansweredReceipt_ComesAgainOnTheNextSession(t *testing.T) {
	s, address := serving(t, SMSCConfig{})
	got, release := make(chan struct{}, 1), make(chan struct{})
	conf := to(address)
	conf.OnDeliver = func(*smpp.DeliverSM) smpp.CommandStatus { got <- struct{}{}; <-release; return smpp.StatusOK }
	first := dial(t, conf)
	sm, _ := Message("hi")
	sm.Dest.Addr, sm.RegisteredDelivery = "316", smpp.ReceiptFinal
	if _, err := first.Submit(context.Background(), sm); err != nil {
		t.Fatal(err)
	}
	wait(t, got)
	s.Drop()
	wait(t, first.Ended())
	close(release)
	dial(t, conf)
	wait(t, got)
}

func TestSMSC_RefusesWhatItMust(t *testing.T) {
	_, address := serving(t, SMSCConfig{})
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	r := smpp.NewReader(conn, 0)
	for _, c := range []struct {
		name   string
		pdu    smpp.PDU
		status smpp.CommandStatus
	}{
		{"submit before bind", &smpp.SubmitSM{}, smpp.StatusInvBndSts},
		{"enquire_link before bind", &smpp.EnquireLink{}, smpp.StatusOK},
		{"bind", &smpp.Bind{ID: smpp.IDBindTransceiver, InterfaceVersion: smpp.Version34}, smpp.StatusOK},
		{"second bind", &smpp.Bind{ID: smpp.IDBindReceiver}, smpp.StatusAlyBnd},
		{"query", &smpp.QuerySM{MessageID: "1"}, smpp.StatusInvCmdID},
		{"data_sm", &smpp.DataSM{}, smpp.StatusOK},
		{"unbind", &smpp.Unbind{}, smpp.StatusOK},
	} {
		frame, _ := smpp.Append(nil, smpp.StatusOK, 5, c.pdu)
		if _, err := conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		answer, err := r.ReadFrame()
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		h, _, err := smpp.Parse(answer)
		if err != nil || h.ID != c.pdu.CommandID().Response() || h.Status != c.status || h.Sequence != 5 {
			t.Errorf("%s: %+v, %v", c.name, h, err)
		}
	}
	if _, err := r.ReadFrame(); err == nil {
		t.Error("the session lasts after unbind")
	}
}

func TestHistogram_BucketsHoldTheirValues(t *testing.T) {
	for v := time.Duration(0); v < 100*time.Hour; v = v*21/20 + time.Microsecond {
		b := bucketOf(v)
		if up := upper(b); up < v.Truncate(time.Microsecond) || float64(up) > float64(v)*1.04+float64(time.Microsecond) {
			t.Fatalf("%s is in bucket %d up to %s", v, b, up)
		}
	}
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("an empty histogram has a median")
	}
	for i := range 100 {
		h.add(time.Duration(i+1) * time.Microsecond)
	}
	if h.quantile(0.1) != 10*time.Microsecond || h.quantile(1) < 100*time.Microsecond {
		t.Error(h.quantile(0.1), h.quantile(1))
	}
}

func BenchmarkLoad(b *testing.B) {
	_, address := serving(b, SMSCConfig{})
	conf := to(address)
	conf.Window = 1000
	r, err := Load(context.Background(), LoadConfig{Config: conf, Sessions: 4, Count: max(b.N, 1000)})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(r.PerSecond(), "submits/s")
	b.ReportMetric(float64(r.P99.Microseconds()), "p99-µs")
}
