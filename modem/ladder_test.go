package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/discover"
)

func TestClimb_EachRungInTurnWithGrowingGaps(t *testing.T) {
	l := ladder{first: time.Minute}
	now := time.Unix(1e9, 0)
	var got []string
	for range 8 {
		rung, ok := l.climb(now, ResetAT, ResetPower, func(r Rung) bool { return r != ResetUSB })
		if !ok {
			t.Fatal("nothing")
		}
		got = append(got, rung.String()+" "+l.gap.String())
		if _, ok := l.climb(now.Add(l.gap-time.Second), ResetAT, ResetPower, func(Rung) bool { return true }); ok {
			t.Error("hammered")
		}
		now = now.Add(l.gap)
	}
	want := []string{"at 1m0s", "radio 2m0s", "modem 4m0s", "port 8m0s", "power 16m0s", "at 32m0s", "radio 1h0m0s", "modem 1h0m0s"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, ok := l.climb(now.Add(time.Hour), ResetUSB, ResetPower, func(Rung) bool { return false }); ok {
		t.Error("took what is not there")
	}
	l.well(now.Add(time.Second), Info{Sent: 1, Since: now})
	if rung, ok := l.climb(now.Add(time.Second), ResetAT, ResetPower, func(Rung) bool { return true }); !ok || rung != ResetAT || l.gap != time.Minute {
		t.Errorf("after a message: %v, %v, gap %v", rung, ok, l.gap)
	}
}

func TestRung_Words(t *testing.T) {
	for r := ResetAT; r < rungs; r++ {
		if got, ok := ParseRung(r.String()); !ok || got != r {
			t.Errorf("%v: %v, %v", r, got, ok)
		}
	}
	if _, ok := ParseRung("hammer"); ok {
		t.Error("hammer")
	}
}

// tree is a sysfs with a device that can be authorized.
func tree(t *testing.T, usb string) (root discover.Root, file string) {
	t.Helper()
	dir := t.TempDir()
	device := filepath.Join(dir, "sys/bus/usb/devices", usb)
	if err := os.MkdirAll(device, 0o755); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(device, "authorized")
	if err := os.WriteFile(file, []byte("1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return discover.Under(dir), file
}

// placed is a port with a place.
type placed struct {
	io.ReadWriteCloser
	place Place
}

func (p placed) Place() Place { return p.place }

// onUSB is a bank of one stick at 1-1.4.
func onUSB(t *testing.T, cfg Config, k *stick, fn func(t *testing.T, b *Bank, h *memory)) {
	t.Helper()
	bankOpen(t, cfg, func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
		port, err := k.open(ctx, path)
		return placed{port, Place{Node: path, USB: "1-1.4", Interface: -1}}, err
	}, fn, k)
}

func TestHang_PortReopenedThenTheSocketReset_NotHammered(t *testing.T) {
	k := newStick()
	root, file := tree(t, "1-1.4")
	onUSB(t, Config{Resetter: &Resetter{Root: root}}, k, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.deaf = true })
		from := time.Now()
		until(t, 10*time.Minute, "socket reset", func() bool { return b.Modems()[0].ResetCounts[ResetUSB] == 1 })
		t.Logf("deaf at 0, its socket reset after %v", time.Since(from))
		if word, _ := os.ReadFile(file); string(word) != "1\n" && string(word) != "1" {
			t.Errorf("the device is left with %q", word)
		}
		time.Sleep(24 * time.Hour)
		i := b.Modems()[0]
		if n := i.ResetCounts[ResetUSB]; n < 20 || n > 40 {
			t.Errorf("%d resets of the socket in a day", n)
		}
		if len(i.Resets) > maxResets || i.State != Failed || i.Resets[len(i.Resets)-1].Why != "the modem does not answer" {
			t.Errorf("%s: %+v", i.State, i.Resets)
		}
		k.set(func() { k.deaf = false })
		until(t, time.Minute, "back", func() bool { return b.Modems()[0].State == Ready })
	})
}

// A modem that says something all the time and answers nothing is as dead as one that is still.
func TestHang_FloodOfURCs_DoesNotPutItOff(t *testing.T) {
	k := newStick()
	root, _ := tree(t, "1-1.4")
	onUSB(t, Config{Resetter: &Resetter{Root: root}}, k, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.deaf = true })
		over := make(chan struct{})
		go func() {
			defer close(over)
			for b.Modems()[0].ResetCounts[ResetUSB] == 0 {
				k.say("^BOOT:35323129,0,0,0,26", "^RSSI:14")
				time.Sleep(200 * time.Millisecond)
			}
		}()
		until(t, 3*time.Minute, "socket reset", func() bool { return b.Modems()[0].ResetCounts[ResetUSB] == 1 })
		<-over
	})
}

func TestHang_SocketCannotBeReset_SaidWithWordsToMendIt(t *testing.T) {
	k := newStick()
	k.deaf = true
	root, file := tree(t, "1-1.4")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	onUSB(t, Config{Resetter: &Resetter{Root: root}}, k, func(t *testing.T, b *Bank, h *memory) {
		until(t, 10*time.Minute, "said", func() bool {
			i := b.Modems()[0]
			return i.State == Failed && strings.Contains(i.Reason, "does not answer; reset (usb)")
		})
		if n := b.Modems()[0].ResetCounts; n[ResetUSB] != 0 || n[ResetPort] == 0 {
			t.Errorf("%v", n)
		}
	})
}

func TestSends_RefusedForTheModemsOwnFault_UpTheLadder(t *testing.T) {
	k := newStick()
	ill := true
	k.hook = func(c string) (string, bool) { return "+CMS ERROR: 300", ill && strings.HasSuffix(c, "^Z") }
	root, _ := tree(t, "1-1.4")
	onUSB(t, Config{Resetter: &Resetter{Root: root}}, k, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		send := func(limit time.Duration, done func(i Info) bool) {
			t.Helper()
			to := 0
			for from := time.Now(); !done(b.Modems()[0]); time.Sleep(10 * time.Second) {
				if time.Since(from) > limit {
					t.Fatalf("not within %v: %+v", limit, b.Modems()[0].Resets)
				}
				if i := b.Modems()[0]; i.State == Ready {
					to++
					_, _ = b.list()[0].Submit(t.Context(), toOther(to))
				}
			}
		}
		send(2*time.Hour, func(i Info) bool { return i.ResetCounts[ResetUSB] > 0 })
		var rungs []Rung
		for _, r := range b.Modems()[0].Resets {
			rungs = append(rungs, r.Rung)
		}
		if !slices.Equal(rungs, []Rung{ResetAT, ResetRadio, ResetModem, ResetPort, ResetUSB}) || k.count("AT+CFUN=4") != 1 || k.count("AT+CFUN=1,1") != 1 {
			t.Errorf("%v; %+v", rungs, b.Modems()[0].Resets)
		}
		k.set(func() { ill = false })
		before := b.Modems()[0]
		send(time.Hour, func(i Info) bool { return i.Sent > 10 })
		if after := b.Modems()[0]; after.ResetCounts != before.ResetCounts {
			t.Errorf("reset although it is well: %+v", after.Resets)
		}
	})
}

func TestSends_RefusedForTheSIM_NoReset(t *testing.T) {
	for _, code := range []int{8, 28, 50, 69, 193, 330} {
		k := newStick()
		k.hook = func(c string) (string, bool) { return fmt.Sprintf("+CMS ERROR: %d", code), strings.HasSuffix(c, "^Z") }
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			untilState(t, b, 0, Ready)
			for range 50 {
				_, _ = b.list()[0].Submit(t.Context(), aTPDU)
				time.Sleep(30 * time.Second)
			}
			if i := b.Modems()[0]; len(i.Resets) != 0 || i.State != Ready {
				t.Errorf("%d: %+v", code, i.Resets)
			}
		}, k)
	}
}

func TestReset_ByCommand_EachRung(t *testing.T) {
	k := newStick()
	root, _ := tree(t, "1-1.4")
	onUSB(t, Config{Resetter: &Resetter{Root: root}}, k, func(t *testing.T, b *Bank, h *memory) {
		m := b.list()[0]
		for rung := ResetAT; rung <= ResetUSB; rung++ {
			untilState(t, b, 0, Ready)
			before := k.openings()
			if err := m.Reset(rung); err != nil {
				t.Fatal(err)
			}
			until(t, time.Minute, rung.String(), func() bool { i := m.Info(); return i.ResetCounts[rung] == 1 && i.State == Ready })
			i := m.Info()
			if last := i.Resets[len(i.Resets)-1]; last.Rung != rung || last.Why != byCommand || last.Outcome != "done" || last.At.IsZero() {
				t.Errorf("%+v", last)
			}
			if closed := k.openings() > before; closed != (rung >= ResetModem) {
				t.Errorf("%v: port closed %v", rung, closed)
			}
		}
		var re *ResetError
		if err := m.Reset(ResetPower); !errors.As(err, &re) || !strings.Contains(re.Hint(), "--modem-reset-command") {
			t.Errorf("power: %v", err)
		}
		if err := m.Reset(rungs); err == nil {
			t.Error("a rung that there is not")
		}
		k.set(func() { k.gone = true; k.conn.Close() })
		untilState(t, b, 0, Absent)
		if err := m.Reset(ResetRadio); !errors.As(err, &re) || re.Hint() == "" {
			t.Errorf("the radio of nothing: %v", err)
		}
		if err := m.Reset(ResetUSB); err != nil {
			t.Error(err)
		}
		until(t, time.Minute, "reset", func() bool { return m.Info().ResetCounts[ResetUSB] == 2 })
	})
}

func TestReset_WhileTheSIMWantsItsPIN_Done(t *testing.T) {
	k := locked("7391", "ERROR")
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, PIN)
		if err := b.list()[0].Reset(ResetModem); err != nil {
			t.Fatal(err)
		}
		until(t, 10*time.Second, "restarted", func() bool { return k.count("AT+CFUN=1,1") == 1 && k.openings() == 2 })
		untilState(t, b, 0, PIN)
	}, k)
}

func TestReset_ModemKnowsNoCommand_SaidAndGoesOn(t *testing.T) {
	k := newStick()
	k.answers["AT+CFUN=1,1"] = "ERROR"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		if err := b.list()[0].Reset(ResetModem); err != nil {
			t.Fatal(err)
		}
		until(t, time.Minute, "tried", func() bool { return len(b.Modems()[0].Resets) == 1 })
		if i := b.Modems()[0]; i.Resets[0].Outcome != errNoCommand.Error() || i.State != Ready || k.openings() != 1 {
			t.Errorf("%+v", i)
		}
	}, k)
}
