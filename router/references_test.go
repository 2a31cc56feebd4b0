package router

import "testing"

func TestReferences_DifferForOneRecipient(t *testing.T) {
	var r References
	first := r.Next("31612345678")
	for i := 1; i < 256; i++ {
		if got := r.Next("31612345678"); got != first+uint8(i) {
			t.Fatalf("reference %d is %d, want %d", i, got, first+uint8(i))
		}
	}
	for i := range 3 * mostReferences {
		r.Next(string(rune(i)))
	}
	if len(r.last) > mostReferences {
		t.Errorf("%d references are remembered", len(r.last))
	}
}
