package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/discover"
	"gsmgate/modem/modemsim"
)

// Other ports of a simulated stick, beside modemsim's.
const own modemsim.Side = -1 // the modem's own port

// bench is a bank that finds simulated sticks on a simulated USB bus.
type bench struct {
	*simulated
	t      testing.TB
	bus    *modemsim.Bus
	sides  map[string]*modemsim.SidePort
	finder *Finder
}

// onBus starts a bus without sticks, count modems that can be plugged in, and a bank that watches the bus.
func onBus(t testing.TB, sc modemsim.Config, fixed ...string) *bench {
	t.Helper()
	sc.Dir = t.TempDir()
	each := sc.Each
	sc.Each = func(i int, m *modemsim.ModemConfig) {
		m.Chatter = 40 * time.Millisecond
		if each != nil {
			each(i, m)
		}
	}
	sim, err := modemsim.New(sc)
	if err != nil {
		t.Skip("no simulator here:", err)
	}
	bus, err := modemsim.NewBus(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h := newMemory()
	h.modem = make(chan *Modem, 256)
	f := &Finder{Root: discover.Under(bus.Dir()), Every: 50 * time.Millisecond}
	for i := range fixed {
		fixed[i] = strings.ReplaceAll(fixed[i], "$DEV", bus.Node(""))
	}
	f.Fixed = fixed
	b := NewBank(Config{Ports: fixed, Source: f.Watch, Open: f.Open, Handler: h, AT: quick(), Resetter: &Resetter{Root: f.Root, Off: 300 * time.Millisecond}})
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { _ = sim.Run(ctx) })
	all.Go(func() { _ = b.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
		if t.Failed() {
			for i := range sc.Count {
				lines := slices.DeleteFunc(sim.Modem(i).Transcript(), func(l string) bool { return strings.HasPrefix(l, "<^RSSI") })
				t.Logf("modem %d:\n%s", i, strings.Join(lines, "\n"))
			}
			t.Logf("bank: %+v", b.Modems())
		}
	})
	return &bench{&simulated{Bank: b, sim: sim, h: h}, t, bus, map[string]*modemsim.SidePort{}, f}
}

// stickOf is a stick of modem i with these ports, its own among them; the others live as long as the test.
func (s *bench) stickOf(i int, sides ...modemsim.Side) modemsim.Stick {
	s.t.Helper()
	stick := modemsim.Stick{Vendor: "12d1", Product: "1506", Serial: fmt.Sprintf("S%d", i), Maker: "HUAWEI", Name: "HUAWEI Mobile"}
	for n, side := range sides {
		path := s.sim.Modem(i).Path()
		if side != own {
			ctx, cancel := context.WithCancel(context.Background())
			p, wait, err := s.sim.Modem(i).OpenSide(ctx, n, side)
			if err != nil {
				s.t.Fatal(err)
			}
			s.t.Cleanup(func() { cancel(); wait() })
			s.sides[fmt.Sprintf("%d.%d", i, n)] = p
			path = p.Path()
		}
		stick.Functions = append(stick.Functions, modemsim.Function{Driver: "option", TTY: path})
	}
	return stick
}

func (s *bench) plug(usb string, stick modemsim.Stick, first int) {
	s.t.Helper()
	stick.First = first
	if err := s.bus.Plug(usb, stick); err != nil {
		s.t.Fatal(err)
	}
}

// info finds a modem by its path.
func (s *bench) info(path string) (Info, bool) {
	all := s.Modems()
	i := slices.IndexFunc(all, func(i Info) bool { return i.Path == path })
	if i < 0 {
		return Info{}, false
	}
	return all[i], true
}

func (s *bench) until(path string, state State) Info {
	s.t.Helper()
	var i Info
	within(s.t, path+" "+state.String(), func() bool {
		var ok bool
		i, ok = s.info(path)
		return ok && i.State == state
	})
	return i
}

// modemAt is what Submit goes to.
func (s *bench) modemAt(path string) *Modem {
	for _, m := range s.list() {
		if m.path == path {
			return m
		}
	}
	return nil
}

func TestAuto_FivePorts_TheOneThatBringsURCs(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	s.plug("1-1.4", s.stickOf(0, own, modemsim.Mute, modemsim.Twin, modemsim.Bare, modemsim.NMEA), 7)
	i := s.until("usb:1-1.4", Ready)
	want := Place{Node: s.bus.Node("ttyUSB7"), USB: "1-1.4", Vendor: "12d1", Product: "1506", Serial: "S0", Driver: "option"}
	if i.Place != want || i.IMEI != s.sim.Modem(0).IMEI() {
		t.Errorf("got %+v", i)
	}
	if _, err := s.modemAt("usb:1-1.4").Submit(t.Context(), submitOf(t, "+31600000000", "by auto")); err != nil || s.arrived("by auto") != 1 {
		t.Errorf("%v, arrived %d times", err, s.arrived("by auto"))
	}
	if len(s.sides["0.1"].Seen()) == 0 {
		t.Error("the mute port was not asked")
	}
}

func TestAuto_NoneBringsURCs_TheOneThatMostlyIs(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1, Each: func(_ int, m *modemsim.ModemConfig) { m.Chatter = 0 }})
	s.finder.Listen = 300 * time.Millisecond
	s.plug("1-1", s.stickOf(0, modemsim.Twin, modemsim.Twin, own), 0)
	if i := s.until("usb:1-1", Ready); i.Place.Interface != 2 {
		t.Errorf("got %+v", i.Place)
	}
}

func TestAuto_SecondOfItsKind_NotAskedAgain(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 2})
	s.plug("1-1", s.stickOf(0, modemsim.Twin, own, modemsim.Mute), 0)
	s.until("usb:1-1", Ready)
	s.plug("1-2", s.stickOf(1, modemsim.Twin, own, modemsim.Mute), 3)
	if i := s.until("usb:1-2", Ready); i.Place.Interface != 1 {
		t.Errorf("got %+v", i.Place)
	}
	for _, side := range []string{"1.0", "1.2"} {
		if seen := s.sides[side].Seen(); len(seen) > 0 {
			t.Errorf("port %s was asked: %q", side, seen)
		}
	}
}

// traffic sends numbered texts through whatever modem is ready until stop; a text that was refused for now is tried again, one whose fate
// is unknown is not.
func (s *bench) traffic(ctx context.Context) (sent, unknown map[string]bool) {
	sent, unknown = map[string]bool{}, map[string]bool{}
	for n := 0; ctx.Err() == nil; {
		text := fmt.Sprintf("under way %d", n)
		m := s.readyOne()
		if m == nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		_, err := m.Submit(ctx, submitOf(s.t, "+31600000000", text))
		var se *SubmitError
		switch {
		case err == nil:
			sent[text] = true
			n++
		case errors.As(err, &se) && se.Outcome == Unknown, ctx.Err() != nil:
			unknown[text] = true
			n++
		case errors.As(err, &se) && se.Outcome == RefusedForGood:
			s.t.Errorf("%s: %v", text, err)
			n++
		}
	}
	return sent, unknown
}

func (s *bench) readyOne() *Modem {
	for _, m := range s.list() {
		if m.Info().State == Ready {
			return m
		}
	}
	return nil
}

func TestAuto_ReplugElsewhere_BackWithItsCountsNothingLostOrDoubled(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1, Latency: 20 * time.Millisecond})
	stick := s.stickOf(0, modemsim.Mute, own, modemsim.Twin)
	places := []struct {
		usb   string
		first int
	}{{"1-1.4", 0}, {"1-1.4", 5}, {"1-1.2", 0}, {"2-3", 11}}
	s.plug(places[0].usb, stick, places[0].first)
	s.until("usb:1-1.4", Ready)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan [2]map[string]bool, 1)
	go func() {
		sent, unknown := s.traffic(ctx)
		done <- [2]map[string]bool{sent, unknown}
	}()
	for i, p := range places[1:] {
		before := len(s.sim.Network().Submissions())
		within(t, "messages under way", func() bool { return len(s.sim.Network().Submissions()) >= before+5 })
		s.bus.Unplug(places[i].usb)
		s.sim.Modem(0).Unplug()
		within(t, "absent", func() bool { return s.readyOne() == nil })
		if err := s.sim.Modem(0).Replug(); err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		s.plug(p.usb, stick, p.first)
		got := s.until("usb:"+p.usb, Ready)
		t.Logf("back at %s after %v", p.usb, time.Since(from).Round(time.Millisecond))
		if d := time.Since(from); d > 20*time.Second { // 5 s on an idle machine
			t.Errorf("back after %v", d)
		}
		if got.Place.Node != s.bus.Node(fmt.Sprintf("ttyUSB%d", p.first+1)) || got.Sent < 5 {
			t.Errorf("got %+v", got)
		}
		if all := s.Modems(); len(all) != 1 {
			t.Errorf("%d modems: %+v", len(all), all)
		}
	}
	stop()
	fates := <-done
	for text := range fates[0] {
		if n := s.arrived(text); n != 1 {
			t.Errorf("%s: sent, arrived %d times", text, n)
		}
	}
	for text := range fates[1] {
		if n := s.arrived(text); n > 1 {
			t.Errorf("%s: unknown, arrived %d times", text, n)
		}
	}
	if len(fates[1]) > len(places) {
		t.Errorf("%d unknown of %d", len(fates[1]), len(fates[0]))
	}
	for _, c := range s.sim.Network().Counts() {
		if !fates[0][c.Text] && !fates[1][c.Text] {
			t.Errorf("%s arrived %d times, and nobody knows", c.Text, c.Times)
		}
	}
}

func TestAuto_TwoSwapSocketsAndNumbers_CountsFollow(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 2})
	sticks := []modemsim.Stick{s.stickOf(0, modemsim.Mute, own), s.stickOf(1, modemsim.Mute, own)}
	s.plug("1-1", sticks[0], 0)
	s.plug("1-2", sticks[1], 2)
	s.until("usb:1-1", Ready)
	s.until("usb:1-2", Ready)
	for range 3 {
		if _, err := s.modemAt("usb:1-1").Submit(t.Context(), submitOf(t, "+31600000000", "before")); err != nil {
			t.Fatal(err)
		}
	}
	for i, usb := range []string{"1-1", "1-2"} {
		s.bus.Unplug(usb)
		s.sim.Modem(i).Unplug()
	}
	s.until("usb:1-1", Absent)
	s.until("usb:1-2", Absent)
	for i, usb := range []string{"1-2", "1-1"} {
		if err := s.sim.Modem(i).Replug(); err != nil {
			t.Fatal(err)
		}
		s.plug(usb, sticks[i], 2-2*i)
	}
	one, two := s.until("usb:1-1", Ready), s.until("usb:1-2", Ready)
	if one.IMEI != s.sim.Modem(1).IMEI() || one.Sent != 0 || one.SIM.ICCID != s.sim.Modem(1).ICCID() {
		t.Errorf("at 1-1: %+v", one)
	}
	if two.IMEI != s.sim.Modem(0).IMEI() || two.Sent != 3 || two.SIM.ICCID != s.sim.Modem(0).ICCID() {
		t.Errorf("at 1-2: %+v", two)
	}
	if len(s.Modems()) != 2 {
		t.Errorf("%d modems", len(s.Modems()))
	}
}

func TestAuto_StorageMode_ToldThenSwitched(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	disk := modemsim.Stick{Vendor: "12d1", Product: "1446", Functions: []modemsim.Function{{Class: "08", Driver: "usb-storage"}}}
	s.plug("1-1", disk, 0)
	i := s.until("usb:1-1", Failed)
	if !strings.Contains(i.Reason, "storage mode") || !strings.Contains(i.Hint, "usb_modeswitch -v 12d1 -p 1446") || i.Place.Product != "1446" {
		t.Errorf("got %+v", i)
	}
	s.bus.Unplug("1-1")
	s.plug("1-1", s.stickOf(0, own, modemsim.Mute), 0)
	if i := s.until("usb:1-1", Ready); i.Hint != "" || i.Place.Product != "1506" {
		t.Errorf("got %+v", i)
	}
	// One that nobody has ever spoken with is forgotten when it goes, one that was a modem is absent.
	s.plug("1-2", disk, 0)
	s.until("usb:1-2", Failed)
	s.bus.Unplug("1-2")
	s.bus.Unplug("1-1")
	s.sim.Modem(0).Unplug()
	s.until("usb:1-1", Absent)
	within(t, "forgotten", func() bool { return len(s.Modems()) == 1 })
}

func TestAuto_PortsInUse_TheHolderToldAndTakenOnceFree(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	held, err := OpenSerial(t.Context(), s.sim.Modem(0).Path())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	s.plug("1-1", s.stickOf(0, modemsim.Mute, own), 0)
	i := s.until("usb:1-1", Failed)
	if !strings.Contains(i.Reason, "in use by") || i.Hint == "" {
		t.Errorf("got %+v", i)
	}
	held.Close()
	s.until("usb:1-1", Ready)
}

func TestAuto_NoPortAnswers_SaidSo(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	s.finder.AT.Sync = 300 * time.Millisecond
	s.plug("1-1", s.stickOf(0, modemsim.Mute, modemsim.NMEA), 0)
	within(t, "told", func() bool {
		i, ok := s.info("usb:1-1")
		return ok && strings.Contains(i.Reason, "none of its 2 ports answers AT") && i.Hint != ""
	})
}

func TestAuto_PlainAdapter_LeftAloneUnlessAskedFor(t *testing.T) {
	t.Parallel()
	s := onBus(t, modemsim.Config{Count: 1})
	adapter := modemsim.Stick{Vendor: "0403", Product: "6001", Functions: []modemsim.Function{{Driver: "ftdi_sio", TTY: s.sim.Modem(0).Path()}}}
	s.plug("1-1", adapter, 0)
	f := &Finder{Root: s.finder.Root}
	if places, err := f.places(); err != nil || len(places) != 0 {
		t.Errorf("got %v, %v", places, err)
	}
	f.Adapters = true
	if places, err := f.places(); err != nil || !slices.Equal(places, []string{"usb:1-1"}) {
		t.Errorf("got %v, %v", places, err)
	}
}
