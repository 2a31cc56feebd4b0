package smppchan

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

// visitor is a connection of one client.
type visitor struct {
	c      *churn
	conn   net.Conn
	ended  chan struct{} // closed when nothing is read any more
	silent func() bool   // whether a deliver_sm gets no answer
	ids    chan string   // of the newest messages that were accepted
	free   chan struct{} // one element for each request that may be sent

	mu    sync.Mutex // guards writing, seq and asked
	seq   uint32
	asked map[uint32]smpp.CommandID // 0: answered
}

// visit is one connection, from its bind to whatever end it comes to.
func (c *churn) visit(client int, random *rand.Rand) {
	deaf := random.IntN(4) == 0
	v := c.call(client, func() bool { return deaf })
	if v == nil {
		time.Sleep(5 * time.Millisecond) // it may not come in, for now
		return
	}
	c.binds.Add(1)
	for range random.IntN(100) {
		if !v.act(random) {
			break
		}
	}
	if random.IntN(3) == 0 {
		c.vanished.Add(1)
		v.leave()
		return
	}
	v.unbind()
}

// call binds from an address of the client's own, or is nil.
func (c *churn) call(client int, silent func() bool) *visitor {
	c.t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(client+1))}}
	conn, err := from.Dial("tcp", c.addr)
	if err != nil {
		c.t.Error(err)
		return nil
	}
	_ = conn.SetDeadline(time.Now().Add(patience))
	v := &visitor{c: c, conn: conn, silent: silent, ended: make(chan struct{}), ids: make(chan string, 8),
		free: make(chan struct{}, 20), asked: map[uint32]smpp.CommandID{}}
	r := smpp.NewReader(conn, 0)
	v.send(&smpp.Bind{ID: smpp.IDBindTransceiver, SystemID: userOf(client), Password: "secret", InterfaceVersion: smpp.Version34})
	frame, err := r.ReadFrame()
	if err == nil {
		var h smpp.Header
		if h, _, err = smpp.Parse(frame); err == nil && h.Status != smpp.StatusOK {
			err = fmt.Errorf("%s", h.Status)
		}
	}
	if err != nil {
		conn.Close()
		return nil
	}
	v.asked = map[uint32]smpp.CommandID{}
	go v.read(r)
	return v
}

// leave closes the connection without a word.
func (v *visitor) leave() {
	v.conn.Close()
	<-v.ended
}

// unbind wants the answers to all that was asked before, unless the server
// ends the session, too.
func (v *visitor) unbind() {
	v.c.unbinds.Add(1)
	v.send(&smpp.Unbind{})
	<-v.ended
	v.conn.Close()
}

// send sends a request; false when the connection is gone.
func (v *visitor) send(p smpp.PDU) bool {
	v.mu.Lock()
	v.seq++
	sequence := v.seq
	v.asked[sequence] = p.CommandID()
	v.mu.Unlock()
	return v.write(sequence, p)
}

func (v *visitor) write(sequence uint32, p smpp.PDU) bool {
	b, err := smpp.Append(nil, smpp.StatusOK, sequence, p)
	if err != nil {
		v.c.t.Errorf("%s cannot be encoded: %v", p.CommandID(), err)
		return false
	}
	_, err = v.conn.Write(b)
	return err == nil
}

// act sends one request, with twenty unanswered at most.
func (v *visitor) act(random *rand.Rand) bool {
	select {
	case v.free <- struct{}{}:
	case <-v.ended:
		return false
	}
	n := v.c.next.Add(1)
	dest := smpp.Address{TON: 1, NPI: 1, Addr: fmt.Sprintf("316%08d", n)}
	from := smpp.Address{TON: 5, Addr: "Shop"}
	sm := &smpp.SubmitSM{Source: from, Dest: dest, RegisteredDelivery: 1, ShortMessage: []byte("Hello")}
	if random.IntN(3) == 0 {
		sm.ScheduleDeliveryTime = "000000000100000R" // for a cancel or a replacement to find
	}
	id := ""
	select {
	case id = <-v.ids:
	default:
		return v.send(sm)
	}
	switch random.IntN(8) {
	case 0:
		return v.send(&smpp.CancelSM{MessageID: id, Source: from})
	case 1:
		return v.send(&smpp.ReplaceSM{MessageID: id, Source: from, RegisteredDelivery: 1, ShortMessage: []byte("Bye")})
	case 2:
		return v.send(&smpp.QuerySM{MessageID: id, Source: from})
	case 3:
		return v.send(&smpp.SubmitMulti{Source: from, RegisteredDelivery: 1, ShortMessage: []byte("Hello"),
			Dests: []smpp.MultiDest{{Address: dest}, {Address: smpp.Address{Addr: "nobody"}}}})
	case 4:
		return v.send(&smpp.EnquireLink{})
	}
	return v.send(sm)
}

func (v *visitor) read(r *smpp.Reader) {
	defer close(v.ended)
	for {
		frame, err := r.ReadFrame()
		if err != nil {
			return
		}
		h, p, err := smpp.Parse(frame)
		if err != nil {
			v.c.t.Errorf("the server sent %v", err)
			return
		}
		switch {
		case h.ID.IsResponse():
			v.answered(h, p)
		case h.ID == smpp.IDDeliverSM && v.silent != nil && v.silent():
		default: // deliver_sm, enquire_link, unbind
			v.write(h.Sequence, smpp.ResponseTo(h.ID))
		}
	}
}

// answered wants each response to be to a request without one.
func (v *visitor) answered(h smpp.Header, p smpp.PDU) {
	v.mu.Lock()
	asked := v.asked[h.Sequence]
	delete(v.asked, h.Sequence)
	v.mu.Unlock()
	if asked == 0 || h.ID != asked.Response() {
		v.c.t.Errorf("%s came for %s, sequence_number %d", h.ID, asked, h.Sequence)
		return
	}
	id := ""
	switch p := p.(type) {
	case *smpp.UnbindResp:
		return
	case *smpp.SubmitSMResp:
		id = p.MessageID
	case *smpp.SubmitMultiResp:
		id = p.MessageID
	}
	v.c.count(asked, h.Status, id)
	if id != "" {
		select {
		case v.ids <- id:
		default:
		}
	}
	<-v.free
}

func (c *churn) count(asked smpp.CommandID, status smpp.CommandStatus, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if id != "" {
		c.accepted = append(c.accepted, id)
	}
	if c.answers[asked] == nil {
		c.answers[asked] = map[string]int{}
	}
	c.answers[asked][status.String()]++
}
