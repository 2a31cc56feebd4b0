package smppd

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"

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
		f.Add(state, header(15, smpp.IDSubmitSM, 1))
		f.Add(state, header(0xFFFFFFFF, 0x999, 1))
	}
	f.Fuzz(func(t *testing.T, state byte, data []byte) {
		synctest.Test(t, func(t *testing.T) { feed(t, BindType(state%4), data) }) // no timer costs time
	})
}

// feed brings a session to a state, gives it the octets and ends it.
func feed(t *testing.T, state BindType, data []byte) {
	b := newBackend()
	b.onBound = func(s *Session) { go s.Deliver(context.Background(), &smpp.DeliverSM{}) }
	r := start(t, Config{}, b)
	conn := r.dial()
	answers := make(chan error, 1)
	go func() { answers <- readAll(conn) }()
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
