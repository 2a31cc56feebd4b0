//go:build interop

package smpp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// TestInterop_Tshark_ReadsOurVectors holds Wireshark's dissector against our
// codec: every PDU has the same command, status, sequence_number and number of
// TLVs, and nothing is malformed but what is there to be.
func TestInterop_Tshark_ReadsOurVectors(t *testing.T) {
	vectors := readVectors(t, "testdata/pdu.txt")
	read := dissected(t, vectors)
	if len(read) != len(vectors) {
		t.Fatalf("tshark reads %d PDUs of %d", len(read), len(vectors))
	}
	for i, v := range vectors {
		name := v.head["name"]
		h, p, err := Parse(bytes.Clone(v.frame))
		if err != nil {
			t.Fatal(err)
		}
		got, tags := read[i], tagsOf(p)
		if got.id != uint64(h.ID) || got.status != uint64(h.Status) || got.sequence != uint64(h.Sequence) {
			t.Errorf("%s: tshark reads %+v, we %s %d %d", name, got, h.ID, uint32(h.Status), h.Sequence)
		}
		// It prints Submit_sm, and Submit_sm - resp for the response.
		if said := strings.ReplaceAll(strings.ToLower(got.info), " - ", "_"); !strings.Contains(said, h.ID.String()) {
			t.Errorf("%s: tshark says %q, we %s", name, got.info, h.ID)
		}
		if got.malformed && v.head["emit"] != "differs" {
			t.Errorf("%s: malformed for tshark: %s", name, got.info)
		}
		if got.tags != tags && !tsharkSeesNone(h) {
			t.Errorf("%s: tshark reads the TLVs %q, we %q", name, got.tags, tags)
		}
	}
}

// tsharkSeesNone names the PDUs in which Wireshark's dissector looks for no
// TLVs: those that have none in the specification, and responses of an error.
func tsharkSeesNone(h Header) bool {
	return h.ID == IDEnquireLinkResp || h.ID == IDQuerySM || h.Status != StatusOK
}

// tagsOf lists the tags of all TLVs as tshark does.
func tagsOf(p PDU) string {
	var all []string
	tlvs, _ := reflect.ValueOf(p).Elem().FieldByName("TLVs").Interface().(TLVs) // every PDU has them
	for tag := range tlvs.All() {
		all = append(all, fmt.Sprintf("0x%04x", uint16(tag)))
	}
	return strings.Join(all, ",")
}

// dissection is what tshark tells of a PDU.
type dissection struct {
	id, status, sequence uint64
	tags, info           string
	malformed            bool
}

// dissected has each PDU in a packet of a connection of its own.
func dissected(t *testing.T, vectors []vector) []dissection {
	t.Helper()
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark is not installed: run make interop, which installs it from Debian")
	}
	path := filepath.Join(t.TempDir(), "vectors.pcap")
	if err := os.WriteFile(path, pcapOf(vectors), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tshark, "-n", "-r", path, "-d", "tcp.port==2775,smpp", "-T", "fields", "-E", "occurrence=a", "-E", "separator=/t",
		"-e", "smpp.command_id", "-e", "smpp.command_status", "-e", "smpp.sequence_number", "-e", "smpp.opt_param_tag",
		"-e", "_ws.malformed", "-e", "_ws.col.Info")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	var all []dissection
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, dissection{
			id: numberOf(t, f[0]), status: numberOf(t, f[1]), sequence: numberOf(t, f[2]), tags: f[3],
			malformed: f[4] != "" || strings.Contains(f[5], "Malformed"), info: f[5],
		})
	}
	return all
}

// numberOf is decimal or hexadecimal; tshark shows no status of a request.
func numberOf(t *testing.T, word string) uint64 {
	t.Helper()
	if word == "" {
		return 0
	}
	n, err := strconv.ParseUint(word, 0, 32)
	if err != nil {
		t.Errorf("tshark prints %q for a number", word)
	}
	return n
}

// pcapOf writes classic pcap: packets of IPv4 and TCP without a link layer.
func pcapOf(vectors []vector) []byte {
	const linktypeRaw = 101
	le := binary.LittleEndian
	out := le.AppendUint32(nil, 0xA1B2C3D4)
	out = le.AppendUint16(out, 2)
	out = le.AppendUint16(out, 4)
	out = append(out, make([]byte, 8)...) // time zone, accuracy
	out = le.AppendUint32(out, 1<<16)     // the longest packet
	out = le.AppendUint32(out, linktypeRaw)
	for i, v := range vectors {
		packet := packetOf(uint16(10_000+i), v.frame)
		for _, field := range []int{i, 0, len(packet), len(packet)} { // seconds, microseconds, octets here, octets in all
			out = le.AppendUint32(out, uint32(field))
		}
		out = append(out, packet...)
	}
	return out
}

// packetOf is an IPv4 packet with the first octets of a TCP connection, to or
// from port 2775. Wireshark checks no checksums unless told to.
func packetOf(port uint16, payload []byte) []byte {
	be := binary.BigEndian
	ip := []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 127, 0, 0, 1, 127, 0, 0, 2}
	be.PutUint16(ip[2:], uint16(40+len(payload)))
	tcp := be.AppendUint16(nil, port)
	tcp = be.AppendUint16(tcp, 2775)
	tcp = be.AppendUint32(tcp, 1)             // sequence
	tcp = be.AppendUint32(tcp, 1)             // acknowledged
	tcp = append(tcp, 0x50, 0x18, 0xFF, 0xFF) // header of 20 octets, PSH and ACK, window
	tcp = append(tcp, 0, 0, 0, 0)             // checksum, urgent
	return append(append(ip, tcp...), payload...)
}
