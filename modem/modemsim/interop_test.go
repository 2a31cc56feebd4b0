//go:build interop

package modemsim

import (
	"fmt"
	"testing"
	"time"
)

// TestInterop_TheirClient_AllLengths: warthog618/modem sends texts at every border; the handset shows exactly them, in the least number of segments.
func TestInterop_TheirClient_AllLengths(t *testing.T) {
	b := startBank(t, Config{Latency: time.Millisecond})
	g := theirModem(t, b, 0) // without national languages, which the client gets wrong
	sent := 0
	for name, kind := range map[string]struct {
		pattern      string
		single, part int // characters
	}{
		"ascii": {"The quick brown fox ", 160, 153}, "extension": {"€", 80, 76}, "arabic": {"السلام عليكم ", 70, 67}, "chinese": {"中文短信测试", 70, 67}, "emoji": {"😀🎉", 35, 33},
	} {
		for _, n := range []int{1, 70, 71, 160, 161, 459, 1000} {
			text := longText(n, kind.pattern)
			number := fmt.Sprintf("+3160%07d", sent)
			sent++
			if _, err := g.SendLongMessage(number, text); err != nil {
				t.Fatalf("%s of %d: %v", name, n, err)
			}
			got := waitInbox(t, b, number, 1)[0]
			least := 1
			if n > kind.single {
				least = (n + kind.part - 1) / kind.part
			}
			if got.Text != text || len(got.Segments) != least {
				t.Errorf("%s of %d characters: %d segments, want %d; text right: %v", name, n, len(got.Segments), least, got.Text == text)
			}
		}
	}
}
