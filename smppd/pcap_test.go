package smppd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"testing"
	"time"

	"gsmgate/smppd/smpp"
)

// packet is one packet of a pcap file, as a reader sees it.
type packet struct {
	at       time.Time
	from, to netip.AddrPort
	seq, ack uint32
	n        int // octets of the segment that were sent
	data     []byte
}

// readPCAP reads a file of raw IP packets with TCP and checks its lengths and checksums.
func readPCAP(t *testing.T, b []byte) (all []packet) {
	t.Helper()
	le := binary.LittleEndian
	if len(b) < 24 || le.Uint32(b) != 0xA1B2C3D4 || le.Uint16(b[4:]) != 2 || le.Uint16(b[6:]) != 4 || le.Uint32(b[20:]) != 101 {
		t.Fatalf("no header of a pcap file: % X", b[:min(24, len(b))])
	}
	for b = b[24:]; len(b) > 0; {
		kept, whole := int(le.Uint32(b[8:])), int(le.Uint32(b[12:]))
		p := readPacket(t, b[16:16+kept], whole)
		p.at = time.Unix(int64(le.Uint32(b)), int64(le.Uint32(b[4:]))*1000)
		all, b = append(all, p), b[16+kept:]
	}
	return all
}

func readPacket(t *testing.T, b []byte, whole int) (p packet) {
	t.Helper()
	be := binary.BigEndian
	var from, to netip.Addr
	var segment []byte
	switch b[0] >> 4 {
	case 4:
		from, to, segment = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[20:]
		if int(be.Uint16(b[2:])) != whole || checksum(0, b[:20]) != 0 || b[9] != 6 {
			t.Errorf("bad IPv4 header % X of a packet of %d", b[:20], whole)
		}
		p.n = whole - 40
	case 6:
		from, to, segment = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), b[40:]
		if int(be.Uint16(b[4:]))+40 != whole || b[6] != 6 {
			t.Errorf("bad IPv6 header % X of a packet of %d", b[:40], whole)
		}
		p.n = whole - 60
	default:
		t.Fatalf("IP version %d", b[0]>>4)
	}
	p.data = segment[20:]
	if p.n == len(p.data) && tcpSum(from, to, segment) != 0 {
		t.Errorf("bad TCP checksum: % X", segment)
	}
	p.from, p.to = netip.AddrPortFrom(from, be.Uint16(segment)), netip.AddrPortFrom(to, be.Uint16(segment[2:]))
	p.seq, p.ack = be.Uint32(segment[4:]), be.Uint32(segment[8:])
	return p
}

// streams checks that sequence numbers leave no gap and acknowledge what came before.
func streams(t *testing.T, all []packet) map[netip.AddrPort][]byte {
	t.Helper()
	next, octets := map[netip.AddrPort]uint32{}, map[netip.AddrPort][]byte{}
	for i, p := range all {
		if seq, ok := next[p.from]; ok && seq != p.seq {
			t.Errorf("packet %d begins at %d, want %d", i, p.seq, seq)
		}
		if seq, ok := next[p.to]; ok && seq != p.ack {
			t.Errorf("packet %d acknowledges %d, want %d", i, p.ack, seq)
		}
		next[p.from] = p.seq + uint32(p.n)
		octets[p.from] = append(octets[p.from], p.data...)
	}
	return octets
}

func TestChecksum_KnownAnswer(t *testing.T) { // the example of RFC 1071, section 3
	if got := checksum(0, []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}); got != ^uint16(0xddf2) {
		t.Errorf("%#x", got)
	}
	if got := checksum(0, []byte{0x12}); got != ^uint16(0x1200) {
		t.Errorf("an odd octet: %#x", got)
	}
}

func TestWritePCAP_LiveSession_StreamsAreThePDUs(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:0", "[::1]:0"} {
		r := startTCPOn(t, addr, Config{}, newBackend())
		p := r.bound(TRX)
		s := r.session()
		for range 3 {
			p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("31612345678")))
		}
		p.alive()
		for _, redact := range []bool{true, false} {
			var file bytes.Buffer
			if err := s.WritePCAP(&file, redact); err != nil {
				t.Fatal(err)
			}
			all := readPCAP(t, file.Bytes())
			if len(all) != 10 || time.Since(all[0].at) > time.Minute {
				t.Fatalf("%s: %d packets, the first of %v, want 10", addr, len(all), all[0].at)
			}
			octets := streams(t, all)
			esme := octets[netip.MustParseAddrPort(p.conn.LocalAddr().String())]
			smsc := octets[netip.MustParseAddrPort(p.conn.RemoteAddr().String())]
			if bytes.Contains(esme, []byte("31612345678")) == redact || bytes.Contains(esme, []byte("secret")) {
				t.Errorf("redact %v: % q", redact, esme)
			}
			for name, stream := range map[string][]byte{"ESME": esme, "SMSC": smsc} {
				if err := parseAll(stream); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func parseAll(stream []byte) error {
	for r := smpp.NewReader(bytes.NewReader(stream), 0); ; {
		f, err := r.ReadFrame()
		if err != nil {
			if r.Buffered() == 0 && len(stream) > 0 && err.Error() == "EOF" {
				return nil
			}
			return err
		}
		if _, _, err := smpp.Parse(f); err != nil {
			return err
		}
	}
}

func TestWritePCAP_LongPDUs_CutPacketsThatAddUp(t *testing.T) {
	r := start(t, Config{}, newBackend()) // a pipe: no addresses of its own
	p := r.bound(TRX)
	m := message("316")
	m.ShortMessage = nil
	m.TLVs = m.TLVs.Append(smpp.TagMessagePayload, make([]byte, 0xFFFF))
	n := len(frame(t, 1, m))
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(m))
	p.expect(smpp.IDSubmitSMResp, smpp.StatusOK, p.send(message("316")))
	var file bytes.Buffer
	if err := r.session().WritePCAP(&file, false); err != nil {
		t.Fatal(err)
	}
	all := readPCAP(t, file.Bytes())
	streams(t, all)
	sent := 0
	for _, p := range all[2:5] {
		sent += p.n
	}
	if len(all) != 8 || sent != n || len(all[2].data) != traceLongest || len(all[3].data) != 0 {
		t.Errorf("%d packets, the long PDU has %d octets, want %d", len(all), sent, n)
	}
}

// full is a writer that takes so many octets.
type full int

func (f *full) Write(b []byte) (int, error) {
	if *f -= full(len(b)); *f < 0 {
		return 0, errors.New("full")
	}
	return len(b), nil
}

func TestWritePCAP_WriterFails_ErrorReturned(t *testing.T) {
	r := start(t, Config{}, newBackend())
	r.bound(TRX)
	s := r.session()
	for _, room := range []full{10, 30, 90} {
		if err := s.WritePCAP(&room, true); err == nil {
			t.Error("no error")
		}
	}
}
