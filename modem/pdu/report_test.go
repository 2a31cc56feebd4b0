package pdu

import "testing"

// outcomes is the table of 23.040 9.2.3.15, by the last value of each row.
var outcomes = []struct {
	last             uint8
	final, delivered bool
	text             string // of the last value
}{
	{0x02, true, true, "replaced by a later message"},
	{0x0F, true, false, "reserved, read as service rejected, given up"},
	{0x1F, true, true, "delivered, in a way of the SMSC's own"},
	{0x25, false, false, "error in the recipient, still trying"},
	{0x2F, true, false, "reserved, read as service rejected, given up"},
	{0x3F, false, false, "reason of the SMSC's own, still trying"},
	{0x49, true, false, "message does not exist"},
	{0x4F, true, false, "reserved, read as service rejected, given up"},
	{0x5F, true, false, "failed, reason of the SMSC's own"},
	{0x65, true, false, "error in the recipient, given up"},
	{0x6F, true, false, "reserved, read as service rejected, given up"},
	{0x7F, true, false, "reason of the SMSC's own, given up"},
	{0xFF, true, false, "reserved, read as service rejected, given up"},
}

func TestOutcome_EveryTPST_ByTheTable(t *testing.T) {
	row := 0
	for st := range 256 {
		if uint8(st) > outcomes[row].last {
			row++
		}
		want := outcomes[row]
		r := StatusReport{ST: uint8(st)}
		if final, delivered := r.Outcome(); final != want.final || delivered != want.delivered {
			t.Errorf("%02X: final %v, delivered %v", st, final, delivered)
		}
		if text := StatusText(uint8(st)); uint8(st) == want.last && text != want.text {
			t.Errorf("%02X: %q, want %q", st, text, want.text)
		}
	}
}

func TestStatusText_NamedValues(t *testing.T) {
	for st, want := range map[uint8]string{
		0x00: "delivered", 0x01: "forwarded, delivery cannot be confirmed", 0x20: "congestion, still trying", 0x22: "no response from the recipient, still trying",
		0x46: "validity period expired", 0x62: "no response from the recipient, given up", 0x63: "service rejected, given up",
	} {
		if got := StatusText(st); got != want {
			t.Errorf("%02X: got %q, want %q", st, got, want)
		}
	}
}
