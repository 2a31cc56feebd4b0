package pdu

import "testing"

func TestStatusReport_OutcomeOfAll256(t *testing.T) {
	for st := range 256 {
		final, delivered := (&StatusReport{ST: uint8(st)}).Outcome()
		wantFinal, wantDelivered := true, false
		switch {
		case st <= 0x1F:
			wantDelivered = true
		case st <= 0x3F:
			wantFinal = false
		}
		if final != wantFinal || delivered != wantDelivered {
			t.Errorf("%02X: final %v, delivered %v", st, final, delivered)
		}
	}
}

func TestStatusText(t *testing.T) {
	for st, want := range map[uint8]string{
		0x00: "delivered",
		0x02: "replaced by a later message",
		0x10: "delivered, in a way of the SMSC's own",
		0x21: "recipient busy, still trying",
		0x30: "unnamed reason, still trying",
		0x46: "validity period expired",
		0x50: "failed, unnamed reason",
		0x62: "no response from the recipient, given up",
		0x63: "service rejected, given up",
		0x70: "unnamed reason, given up",
		0x80: "service rejected, given up",
		0xFF: "service rejected, given up",
	} {
		if got := StatusText(st); got != want {
			t.Errorf("%02X: got %q, want %q", st, got, want)
		}
	}
}
