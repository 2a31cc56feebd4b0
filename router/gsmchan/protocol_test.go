package gsmchan

import (
	"testing"
	"time"

	"gsmgate/storage"
)

// protocol_id is TP-PID, and stays as it is [SMPP34 5.2.13].
func TestOptions_ProtocolIDIsKept(t *testing.T) {
	for _, id := range []uint8{0, 0x24, 0x41, 0x7F, 0xFF} {
		m := &storage.Message{ProtocolID: id, Text: "Hello", Dest: storage.Address{TON: 1, Addr: "31612345678"}}
		subs, err := segments(m, 1, time.Time{})
		if err != nil || len(subs) != 1 || subs[0].PID != id {
			t.Errorf("protocol_id %#02x: %+v, %v", id, subs, err)
		}
	}
}
