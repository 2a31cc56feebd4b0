package smppd

import (
	"encoding/binary"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

// traceHead is the length of what stands before the octets of a PDU in a ring:
//
//	time of the PDU, in nanoseconds since the session began   8
//	command_length: the octets that were sent                 4
//	how many were sent: the others were like this one         4
//	octets kept                                               2
//	who sent it: 1 the ESME, 0 this side                      1
//	unused                                                    1
const traceHead = 20

// traceLongest is the most that is kept of one PDU: all but those with a message_payload.
const traceLongest = 512

// traceLeast is the least of half a ring: a few PDUs fit.
const traceLeast = 256

// ring keeps the last PDUs of a session in bounded memory. It has two halves: one is filled, then
// the older one is emptied and filled in its place, so that from half to all of the room holds
// PDUs, and none is moved. The halves grow from nothing.
type ring struct {
	half int // octets in each; 0: nothing is kept

	mu       sync.Mutex
	new, old []byte // under mu

	// under mu: where, plus one, the enquire_link PDUs stand in new that are the last ones there;
	// one of each kind, for a link that is only being watched must not push all else out
	watching [4]int
}

// put keeps one PDU that fromESME says the sender of, at now.
func (r *ring) put(now int64, fromESME bool, frame []byte) {
	if r.half == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.add(now, fromESME, frame)
}

// putAll keeps the PDUs that stand one after the other in batch, which this side sends at now.
// Those that would be pushed out by the others are left out at once.
func (r *ring) putAll(now int64, batch []byte) {
	if r.half == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(batch) >= smpp.HeaderLen {
		n := int(binary.BigEndian.Uint32(batch))
		if n < smpp.HeaderLen || n > len(batch) {
			return // smpp.Append writes no such PDU
		}
		if len(batch) <= 2*r.half {
			r.add(now, false, batch[:n])
		}
		batch = batch[n:]
	}
}

// add is called under mu.
func (r *ring) add(now int64, fromESME bool, frame []byte) {
	kind := watchKind(fromESME, frame)
	if kind >= 0 && r.watching[kind] != 0 {
		r.again(now, r.new[r.watching[kind]-1:], frame)
		return
	}
	kept := min(len(frame), traceLongest, r.half-traceHead)
	r.makeRoom(traceHead + kept)
	if kind < 0 {
		r.watching = [4]int{}
	} else {
		r.watching[kind] = len(r.new) + 1
	}
	at := len(r.new)
	r.new = r.new[:at+traceHead+kept]
	rec := r.new[at:]
	binary.LittleEndian.PutUint64(rec, uint64(now))
	binary.LittleEndian.PutUint32(rec[8:], uint32(len(frame)))
	binary.LittleEndian.PutUint32(rec[12:], 1)
	binary.LittleEndian.PutUint32(rec[16:], uint32(kept)|uint32(sender(fromESME))<<16)
	copy(rec[traceHead:], frame)
	if id := commandOf(frame); id.IsBind() || id == smpp.IDOutbind {
		smpp.HidePassword(rec[traceHead:])
	}
}

// sender is how a ring says who sent a PDU.
func sender(fromESME bool) uint8 {
	if fromESME {
		return 1
	}
	return 0
}

// again counts an enquire_link PDU that is like the one at, and keeps it in its place.
func (r *ring) again(now int64, at, frame []byte) {
	binary.LittleEndian.PutUint64(at[0:], uint64(now))
	binary.LittleEndian.PutUint32(at[12:], binary.LittleEndian.Uint32(at[12:])+1)
	copy(at[traceHead:traceHead+smpp.HeaderLen], frame)
}

// makeRoom makes room for n octets in new; it is called under mu.
func (r *ring) makeRoom(n int) {
	switch need := len(r.new) + n; {
	case need <= cap(r.new):
	case need <= r.half:
		grown := make([]byte, len(r.new), min(r.half, max(need, 2*cap(r.new), 256)))
		copy(grown, r.new)
		r.new = grown
	default:
		r.new, r.old = r.old[:0], r.new
		r.watching = [4]int{}
		r.makeRoom(n) // what was old may be smaller than half
	}
}

// watchKind is 0 to 3 for an enquire_link and its response, of either side, and -1 for others. One
// that is longer than its header is of the others.
func watchKind(fromESME bool, frame []byte) int {
	kind := 0
	switch commandOf(frame) {
	case smpp.IDEnquireLink:
	case smpp.IDEnquireLinkResp:
		kind = 1
	default:
		return -1
	}
	if len(frame) != smpp.HeaderLen {
		return -1
	}
	if fromESME {
		kind += 2
	}
	return kind
}

func commandOf(frame []byte) smpp.CommandID {
	return smpp.CommandID(binary.BigEndian.Uint32(frame[4:]))
}

// copy returns the octets of the ring, the oldest PDU first.
func (r *ring) copy() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(append(make([]byte, 0, len(r.old)+len(r.new)), r.old...), r.new...)
}

// record is one PDU in a copy of a ring.
type record struct {
	at       int64
	length   int // command_length
	count    int
	fromESME bool
	frame    []byte // cut when shorter than length
}

// records reads the copy of a ring.
func records(b []byte) (all []record) {
	for len(b) >= traceHead {
		end := traceHead + int(binary.LittleEndian.Uint16(b[16:]))
		all = append(all, record{
			at:     int64(binary.LittleEndian.Uint64(b)),
			length: int(binary.LittleEndian.Uint32(b[8:])),
			count:  int(binary.LittleEndian.Uint32(b[12:])), fromESME: b[18] == 1,
			frame: b[traceHead:end:end],
		})
		b = b[end:]
	}
	return all
}

// traceHeader keeps the header of a PDU that could not be cut out of the stream.
func (s *Session) traceHeader(h smpp.Header) {
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, smpp.HeaderLen), h.Length)
	frame = binary.BigEndian.AppendUint32(frame, uint32(h.ID))
	frame = binary.BigEndian.AppendUint32(frame, uint32(h.Status))
	frame = binary.BigEndian.AppendUint32(frame, h.Sequence)
	s.trace.put(s.now(), true, frame)
}

// TraceInfo says whose trace it is.
type TraceInfo struct {
	ID       string    // of the session
	SystemID string    // that bound, or the last that tried to; "" when none did
	Remote   string    // address and port of the ESME
	Bound    bool      // false: its binds were refused
	Started  time.Time // of the connection
	Ended    time.Time // zero: it lives
	Reason   string    // why it ended
}

// A Trace is a copy of the last PDUs of a session, of one that lives or has ended.
type Trace struct {
	TraceInfo
	local, remote endpoint
	ring          []byte
}

// TracedPDU is one PDU of a trace.
type TracedPDU struct {
	Time   time.Time // with Count above 1, of the last of them
	From   string    // "ESME" or "SMSC"
	Count  int       // more than 1: so many enquire_link, or responses, with nothing between them
	Header smpp.Header
	Length int // octets that were sent; more than those in Octets when it is kept in part
	Fields []smpp.Field
	Octets []byte // with the header
}

// PDUs returns what was sent and received, the oldest first. With redact, texts and the addresses
// of subscribers are masked in the fields and in the octets; passwords are not kept at all.
func (t *Trace) PDUs(redact bool) []TracedPDU {
	var all []TracedPDU
	for _, r := range records(t.ring) {
		p := TracedPDU{Time: t.Started.Add(time.Duration(r.at)), From: "SMSC", Count: r.count, Length: r.length, Octets: r.frame}
		if r.fromESME {
			p.From = "ESME"
		}
		if redact {
			p.Octets = smpp.Redact(r.frame)
		}
		p.Header, _ = smpp.ParseHeader(p.Octets) // an error: its length is below 16, as was sent
		p.Fields = smpp.Fields(p.Octets)
		all = append(all, p)
	}
	return all
}

// Trace returns the last PDUs of the session, see Trace.PDUs.
func (s *Session) Trace(redact bool) []TracedPDU { return s.tracing().PDUs(redact) }

// tracing copies the trace of the session as it is now.
func (s *Session) tracing() *Trace {
	return &Trace{
		TraceInfo: s.traceInfo(),
		local:     endpointOf(s.raw.LocalAddr()), remote: endpointOf(s.raw.RemoteAddr()), ring: s.trace.copy(),
	}
}

func (s *Session) traceInfo() TraceInfo {
	info := TraceInfo{ID: s.id, Remote: addrString(s.RemoteAddr()), Started: s.started}
	if tried := s.tried.Load(); tried != nil {
		info.SystemID = *tried
	}
	if b := s.binding.Load(); b != nil {
		info.SystemID, info.Bound = b.systemID, true
	}
	return info
}
