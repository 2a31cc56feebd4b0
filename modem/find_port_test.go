package modem

import (
	"testing"

	"gsmgate/modem/modemsim"
)

// The second of its kind has its ports the other way round, as after an update of its firmware: what was right for the first is given up.
func TestAuto_RememberedPortIsDeaf_ForgottenAndChosenAnew(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 2})
	s.plug("1-1", s.stickOf(0, own, modemsim.Twin), 0)
	s.until("usb:1-1", Ready)
	s.plug("1-2", s.stickOf(1, modemsim.Twin, own), 2)
	if i := s.until("usb:1-2", Ready); i.Place.Interface != 0 {
		t.Fatalf("got %+v", i.Place)
	}
	live := func() *session {
		m := s.modemAt("usb:1-2")
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.live
	}
	first := live()
	if !first.wrongPort() {
		t.Fatal("no other port")
	}
	first.end(errDeafPort)
	within(t, "the other port", func() bool { i, _ := s.info("usb:1-2"); return i.State == Ready && i.Place.Interface == 1 })
	if i, _ := s.info("usb:1-1"); i.State != Ready || i.Sessions != 1 {
		t.Errorf("the first: %+v", i)
	}
	if live().wrongPort() {
		t.Error("all ports are wrong, and yet another is promised")
	}
}
