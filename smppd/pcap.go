package smppd

import (
	"cmp"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"time"
)

// The file format: classic pcap, times in microseconds, packets that begin with IP.
const (
	pcapMagic    = 0xA1B2C3D4
	pcapLinkRaw  = 101 // LINKTYPE_RAW
	pcapSnapshot = 1 << 18

	ipv4Head, ipv6Head, tcpHead = 20, 40, 20

	// tcpMost is the most octets of one packet: a longer PDU takes several.
	tcpMost = 32 << 10
)

// endpoint is one end of a TCP connection.
type endpoint = netip.AddrPort

// endpointOf is the address of one end of a session; not valid when it is not of TCP.
func endpointOf(a net.Addr) endpoint {
	t, ok := a.(*net.TCPAddr)
	if !ok {
		return endpoint{}
	}
	return netip.AddrPortFrom(addressOf(t), uint16(t.Port))
}

// WritePCAP writes the trace of the session as Trace.WritePCAP does.
func (s *Session) WritePCAP(w io.Writer, redact bool) error { return s.tracing().WritePCAP(w, redact) }

// WritePCAP writes the trace as a pcap file, which Wireshark opens: each PDU in a TCP segment
// between the session's addresses, as if there were no TLS, with sequence numbers that fit each
// other. A PDU of which a part was kept is a packet that was captured in part. redact is as with
// PDUs. The connection's beginning and end are not in it.
func (t *Trace) WritePCAP(w io.Writer, redact bool) error {
	c := capture{w: w}
	c.sides = [2]side{{at: t.local, next: 1}, {at: t.remote, next: 1}}
	if !sameFamily(t.local, t.remote) { // a pipe, or such: addresses for documentation [RFC 5737]
		c.sides[0].at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 2775)
		c.sides[1].at = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 2}), 2775)
	}
	c.fileHeader()
	pdus := t.PDUs(redact)
	slices.SortStableFunc(pdus, func(a, b TracedPDU) int { return cmp.Compare(a.Time.UnixNano(), b.Time.UnixNano()) })
	for _, p := range pdus {
		c.pdu(p)
	}
	return c.err
}

func sameFamily(a, b endpoint) bool {
	return a.IsValid() && b.IsValid() && a.Addr().Is4() == b.Addr().Is4()
}

// capture writes a pcap file. After an error it writes nothing more.
type capture struct {
	w     io.Writer
	sides [2]side // this one, the ESME
	err   error
}

// side is one end of the connection.
type side struct {
	at   endpoint
	next uint32 // sequence number of its next octet
}

func (c *capture) write(b []byte) {
	if c.err == nil {
		_, c.err = c.w.Write(b)
	}
}

func (c *capture) fileHeader() {
	b := binary.LittleEndian.AppendUint32(nil, pcapMagic)
	b = binary.LittleEndian.AppendUint16(b, 2) // version 2.4
	b = binary.LittleEndian.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...) // zone and accuracy: as good as always 0
	b = binary.LittleEndian.AppendUint32(b, pcapSnapshot)
	c.write(binary.LittleEndian.AppendUint32(b, pcapLinkRaw))
}

// pdu writes the packets of one PDU.
func (c *capture) pdu(p TracedPDU) {
	from, to := &c.sides[0], &c.sides[1]
	if p.From == "ESME" {
		from, to = to, from
	}
	kept := p.Octets
	for left := max(p.Length, len(kept)); left > 0; {
		n := min(left, tcpMost)
		here := kept[:min(n, len(kept))]
		c.packet(p.Time, from, to, here, n)
		kept, left = kept[len(here):], left-n
		from.next += uint32(n)
	}
}

// packet writes one packet that held n octets of PDUs, of which data is known.
func (c *capture) packet(at time.Time, from, to *side, data []byte, n int) {
	packet := ipHeader(from.at.Addr(), to.at.Addr(), tcpHead+n)
	ip := len(packet)
	packet = append(appendTCP(packet, from, to), data...)
	if len(data) == n { // else it cannot be known
		sum := tcpSum(from.at.Addr(), to.at.Addr(), packet[ip:])
		binary.BigEndian.PutUint16(packet[ip+16:], sum)
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(at.Unix()))
	head = binary.LittleEndian.AppendUint32(head, uint32(at.Nanosecond()/1000))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(packet)))
	head = binary.LittleEndian.AppendUint32(head, uint32(ip+tcpHead+n))
	c.write(append(head, packet...))
}

// ipHeader is the header of a packet with so many octets after it. [RFC 791 3.1, RFC 8200 3]
func ipHeader(from, to netip.Addr, n int) []byte {
	if !from.Is4() {
		b := append([]byte{0x60, 0, 0, 0}, byte(n>>8), byte(n), 6, 64) // TCP, hop limit 64
		return append(append(b, from.AsSlice()...), to.AsSlice()...)
	}
	total := ipv4Head + n
	b := []byte{0x45, 0, byte(total >> 8), byte(total), 0, 0, 0x40, 0, 64, 6, 0, 0} // do not fragment, TTL 64, TCP
	b = append(append(b, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(b[10:], checksum(0, b))
	return b
}

// appendTCP appends a header with PSH and ACK, without its checksum. [RFC 9293 3.1]
func appendTCP(b []byte, from, to *side) []byte {
	b = binary.BigEndian.AppendUint16(b, from.at.Port())
	b = binary.BigEndian.AppendUint16(b, to.at.Port())
	b = binary.BigEndian.AppendUint32(b, from.next)
	b = binary.BigEndian.AppendUint32(b, to.next)
	return append(b, tcpHead/4<<4, 0x18, 0xFF, 0xFF, 0, 0, 0, 0)
}

// tcpSum is the checksum of a segment, over it and what the addresses add. [RFC 9293 3.1]
func tcpSum(from, to netip.Addr, segment []byte) uint16 {
	sum := uint32(6 + len(segment)) // protocol and length
	for _, a := range []netip.Addr{from, to} {
		sum = add16(sum, a.AsSlice())
	}
	return checksum(sum, segment)
}

// checksum is the one's complement of the sum of b and of what was summed before. [RFC 1071]
func checksum(sum uint32, b []byte) uint16 {
	sum = add16(sum, b)
	for sum > 0xFFFF {
		sum = sum>>16 + sum&0xFFFF
	}
	return ^uint16(sum)
}

// add16 adds the 16-bit words of b, the last one filled up with zeros.
func add16(sum uint32, b []byte) uint32 {
	for ; len(b) > 1; b = b[2:] {
		sum += uint32(b[0])<<8 | uint32(b[1])
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	return sum
}
