//go:build interop

package main

import (
	"context"
	"encoding/binary"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
)

// tsharkFields opens a capture with Wireshark's dissector for SMPP and gives
// these fields of each packet; a field that is there several times has its
// values joined by commas.
func tsharkFields(t *testing.T, pcap string, fields ...string) [][]string {
	t.Helper()
	args := []string{"-n", "-r", pcap, "-d", "tcp.port==1-65535,smpp", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	out, err := exec.Command(debianProgram(t, "tshark"), args...).Output()
	if err != nil {
		t.Fatalf("tshark cannot read %s: %v", pcap, err)
	}
	var packets [][]string
	for line := range strings.Lines(string(out)) {
		packets = append(packets, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return packets
}

// dissected counts the PDUs of a capture by the command_id that tshark reads,
// and fails the test for what tshark finds malformed or takes for no SMPP.
func dissected(t *testing.T, pcap string) map[smpp.CommandID]int {
	t.Helper()
	count := map[smpp.CommandID]int{}
	for i, f := range tsharkFields(t, pcap, "smpp.command_id", "_ws.malformed", "_ws.col.Info") {
		if strings.Contains(f[2], "segment of a reassembled PDU") {
			continue // the rest of it is in a later packet
		}
		if f[0] == "" || f[1] != "" || strings.Contains(f[2], "Malformed") {
			t.Errorf("packet %d: tshark reads %q", i+1, f)
		}
		for word := range strings.SplitSeq(f[0], ",") {
			if id, err := strconv.ParseUint(word, 0, 32); err == nil {
				count[smpp.CommandID(id)]++
			}
		}
	}
	return count
}

// A capture keeps the octets of a connection, with their direction.
type capture struct {
	net.Conn
	mu   sync.Mutex
	pcap []byte
	sent [2]uint32 // octets towards the server, and from it
}

func (c *capture) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.add(1, b[:n])
	return n, err
}

func (c *capture) Write(b []byte) (int, error) {
	c.add(0, b) // before: the answer comes after it
	return c.Conn.Write(b)
}

// add writes one packet: of classic pcap, of IPv4 and TCP without a link layer.
func (c *capture) add(direction int, payload []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	le, be := binary.LittleEndian, binary.BigEndian
	if c.pcap == nil {
		c.pcap = []byte{0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 101, 0, 0, 0}
	}
	for len(payload) > 0 {
		part := payload[:min(len(payload), 1<<14)]
		payload = payload[len(part):]
		ports, hosts := [2]uint16{40_000, 2775}, [2]byte{1, 2}
		from, to := direction, 1-direction
		ip := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, hosts[from], 10, 0, 0, hosts[to]}
		be.PutUint16(ip[2:], uint16(40+len(part)))
		packet := be.AppendUint16(ip, ports[from])
		packet = be.AppendUint16(packet, ports[to])
		packet = be.AppendUint32(packet, 1+c.sent[from])
		packet = be.AppendUint32(packet, 1+c.sent[to])
		packet = append(append(packet, 0x50, 0x18, 0xFF, 0xFF, 0, 0, 0, 0), part...)
		c.sent[from] += uint32(len(part))
		c.pcap = append(c.pcap, 0, 0, 0, 0, 0, 0, 0, 0) // at no time
		c.pcap = le.AppendUint32(c.pcap, uint32(len(packet)))
		c.pcap = le.AppendUint32(c.pcap, uint32(len(packet)))
		c.pcap = append(c.pcap, packet...)
	}
}

// save writes what there is until now.
func (c *capture) save(t *testing.T) (path string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	path = filepath.Join(t.TempDir(), "session.pcap")
	if err := os.WriteFile(path, c.pcap, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestInterop_Tshark_ReadsAWholeSession holds what the gateway has on the wire
// against Wireshark's dissector.
func TestInterop_Tshark_ReadsAWholeSession(t *testing.T) {
	a := air(t, "--listen", "smpp://127.0.0.1:0")
	wire, got := &capture{}, newPile[*smpp.DeliverSM]()
	s, err := esme.Dial(t.Context(), esme.Config{
		Address: a.g.smpp, SystemID: "interop", Password: "secret",
		OnDeliver: func(d *smpp.DeliverSM) smpp.CommandStatus { got.add(d); return smpp.StatusOK },
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			wire.Conn, err = new(net.Dialer).DialContext(ctx, network, address)
			return wire, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	const texts = 60
	for n := range texts {
		answered := func(_ string, _ smpp.CommandStatus, err error) {
			if err != nil {
				t.Errorf("submit_sm: %v", err)
			}
		}
		if err := s.SubmitAsync(t.Context(), loadMessage(n), answered); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range answers() {
		if err := a.bank.Network().Handset("+"+a.number()).Send(a.bank.Modem(0).Number(), text); err != nil {
			t.Fatal(err)
		}
	}
	all := texts + len(answers())
	if n := len(got.wait(all, patience, func(*smpp.DeliverSM) bool { return true })); n != all {
		t.Errorf("%d deliver_sm, want %d", n, all)
	}
	s.Close(t.Context())
	count := dissected(t, wire.save(t))
	for id, want := range map[smpp.CommandID]int{
		smpp.IDBindTransceiver: 1, smpp.IDBindTransceiverResp: 1, smpp.IDSubmitSM: texts, smpp.IDSubmitSMResp: texts,
		smpp.IDDeliverSM: all, smpp.IDDeliverSMResp: all, smpp.IDUnbind: 1, smpp.IDUnbindResp: 1,
	} {
		if count[id] != want {
			t.Errorf("tshark counts %d of %s, there were %d", count[id], id, want)
		}
	}
}
