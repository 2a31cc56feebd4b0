package modem

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
)

func TestFixed_SocketIMEIAndByID_EachFoundAndNotTwice(t *testing.T) {
	t.Parallel()
	imei := ""
	sc := modemsim.Config{Count: 4, Each: func(i int, m *modemsim.ModemConfig) {
		if i == 1 {
			imei = m.IMEI
		}
	}}
	probe, err := modemsim.New(modemsim.Config{Count: 2, Dir: t.TempDir(), Each: sc.Each}) // to know the IMEI before
	if err != nil {
		t.Skip(err)
	}
	probe.Close()
	byID := "$DEV/serial/by-id/usb-HUAWEI_HUAWEI_Mobile_S2-if01-port0"
	s := onBus(t, sc, "usb:1-1", "imei:"+imei, byID)
	for i, usb := range []string{"1-1", "1-2", "1-3"} {
		s.plug(usb, s.stickOf(i, modemsim.Mute, own), 2*i)
		s.until(s.Modems()[i].Path, Ready)
	}
	s.plug("1-4", s.stickOf(3, modemsim.Mute, own), 6)
	s.until("usb:1-4", Ready)
	within(t, "four modems", func() bool { return len(s.Modems()) == 4 })
	for i, info := range s.Modems() {
		if info.State != Ready || info.IMEI != s.sim.Modem(i).IMEI() || info.Place.USB != fmt.Sprintf("1-%d", i+1) {
			t.Errorf("modem %d: %+v", i, info)
		}
	}
	// The one that is known by its IMEI goes elsewhere.
	s.bus.Unplug("1-2")
	s.sim.Modem(1).Unplug()
	s.until("imei:"+imei, Absent)
	if err := s.sim.Modem(1).Replug(); err != nil {
		t.Fatal(err)
	}
	s.plug("1-2", modemsim.Stick{Vendor: "12d1", Product: "1446", Functions: []modemsim.Function{{Class: "08"}}}, 0)
	s.plug("3-1", s.stickOf(1, modemsim.Mute, own), 9)
	within(t, "found by its IMEI", func() bool {
		return slices.ContainsFunc(s.Modems(), func(i Info) bool { return i.IMEI == imei && i.State == Ready && i.Place.USB == "3-1" })
	})
}

func TestBank_TwoPathsToOneModem_OneIsUsed(t *testing.T) {
	one, other := newStick(), newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		until(t, time.Minute, "one ready, one failed", func() bool {
			all := b.Modems()
			states := []State{all[0].State, all[1].State}
			slices.Sort(states)
			return slices.Equal(states, []State{Ready, Failed})
		})
		for _, i := range b.Modems() {
			if i.State == Failed && (!strings.Contains(i.Reason, "the same modem as /dev/stick") || i.Hint == "") {
				t.Errorf("got %+v", i)
			}
		}
	}, one, other)
}

func TestBank_OneIMEITwoSIMs_TwoModems(t *testing.T) {
	one, other := newStick(), newStick()
	other.answers["AT+CCID"] = "+CCID: 8931084600000000002"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		untilState(t, b, 1, Ready)
	}, one, other)
}

// Until its PIN was given many a modem tells nothing of its SIM.
func TestBank_OneIMEISIMsLocked_ToldApartByTheirSockets(t *testing.T) {
	for _, socket := range []string{"1-2", "1-1"} {
		one, other := newStick(), newStick()
		other.answers["AT+CCID"] = "+CCID: 8931084600000000002"
		for _, k := range []*stick{one, other} {
			locked := true
			k.hook = func(c string) (string, bool) {
				switch {
				case strings.HasPrefix(c, "AT+CPIN="):
					locked = false
				case locked && c == "AT+CPIN?":
					return "+CPIN: SIM PIN", true
				case locked && c == "AT+CCID":
					return "+CME ERROR: 11", true
				}
				return "", false
			}
		}
		open := func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
			k, usb := one, "1-1"
			if path == "/dev/stick1" {
				k, usb = other, socket
			}
			port, err := k.open(ctx, path)
			return &placedPort{ReadWriteCloser: port, place: Place{USB: usb}}, err
		}
		bankOpen(t, Config{PIN: "1234", Stagger: time.Second}, open, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			time.Sleep(time.Minute)
			if i, want := b.Modems()[1], map[string]State{"1-1": Failed, "1-2": Ready}[socket]; i.State != want {
				t.Errorf("in socket %s: %v, %s", socket, i.State, i.Reason)
			}
		}, one, other)
	}
}

func TestCheckPlace(t *testing.T) {
	t.Parallel()
	for place, good := range map[string]bool{
		"/dev/ttyUSB0": true, "/dev/serial/by-id/usb-x": true, "modem0": true, "usb:1-1.4": true, "imei:356938035643809": true,
		"tcp://10.0.0.1:4001": true, "tcp://[::1]:4001": true, "rfc2217://box:4001": true, "rfc2217://box:4001?baud=9600": true,
		"": false, "usb:": false, "usb:ttyUSB0": false, "imei:123": false, "imei:35693803564380x": false, "tcp://box": false, "tcp://:1": false,
		"tcp://box:0": false, "tcp://box:70000": false, "tcp://box:1/x": false, "tcp://u:p@box:1": false, "tcp://box:1?baud=9600": false,
		"rfc2217://box:1?baud=9": false, "rfc2217://box:1?speed=9600": false, "udp://box:1": false,
	} {
		if err := CheckPlace(place); (err == nil) != good {
			t.Errorf("%q: %v", place, err)
		}
	}
}

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
	for range 2 {
		if live().wrongPort() {
			t.Error("all ports are wrong, and yet another is promised")
		}
	}
}
