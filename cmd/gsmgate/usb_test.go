//go:build usbtest

package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smppsim"
)

// usbBank is a bank of simulated modems on the USB of a guest.
type usbBank struct {
	*guest
	bank    *modemsim.Bank
	ports   map[int]int // of the guest's bus, by modem
	unplugs int
}

// reattach is how soon a modem is to be ready again, from when the guest's
// kernel has its port.
const reattach = 5 * time.Second

func newUSBBank(t *testing.T, modems int) *usbBank {
	t.Helper()
	bank := simulate(t, modemsim.Config{Count: modems, Latency: 300 * time.Millisecond})
	t.Cleanup(func() {
		for i := 0; t.Failed() && i < modems; i++ {
			lines := bank.Modem(i).Transcript()
			t.Logf("modem %d:\n%s", i, strings.Join(lines[max(0, len(lines)-30):], "\n"))
		}
	})
	return &usbBank{guest: newGuest(t), bank: bank, ports: map[int]int{}}
}

func stickID(i int) string { return fmt.Sprintf("stick%d", i) }

// plug puts a modem into a port of the guest.
func (u *usbBank) plug(i, port int) {
	u.t.Helper()
	pty, err := os.Readlink(u.bank.Paths()[i])
	if err != nil {
		u.t.Fatal(err)
	}
	u.ports[i] = port
	u.qmp.plug(stickID(i), pty, port)
}

// unplug takes a modem out, which thereby has no power.
func (u *usbBank) unplug(i int) {
	u.t.Helper()
	u.unplugs++
	u.qmp.unplug(stickID(i))
	u.bank.Modem(i).Unplug()
}

// power puts a modem that was taken out into a port.
func (u *usbBank) power(i, port int) {
	u.t.Helper()
	if err := u.bank.Modem(i).Replug(); err != nil {
		u.t.Fatal(err)
	}
	u.plug(i, port)
}

// find is what the gateway says of a modem, by its IMEI.
func (u *usbBank) find(ctx context.Context, i int) (provisioning.Modem, error) {
	list, err := u.api.Modems(ctx)
	if err != nil {
		return provisioning.Modem{}, err
	}
	for _, m := range list {
		if m.IMEI == u.bank.Modem(i).IMEI() && m.Path != "" {
			return m, nil
		}
	}
	return provisioning.Modem{}, fmt.Errorf("modem %d is in no list", i)
}

// is waits until the gateway says of a modem that it is in that state.
func (u *usbBank) is(i int, state string) (m provisioning.Modem) {
	u.t.Helper()
	u.until(fmt.Sprintf("modem %d is %s", i, state), func(ctx context.Context) (err error) {
		if m, err = u.find(ctx, i); err == nil && m.State != state {
			err = fmt.Errorf("it is %s: %s", m.State, m.Reason)
		}
		return err
	})
	return m
}

// readyAt waits until a modem is ready in its port, and wants it soon after
// the guest has seen it. It gives its node.
func (u *usbBank) readyAt(what string, i int, since time.Time) (node string) {
	u.t.Helper()
	seen, node := u.attached(since, u.ports[i])
	m := u.is(i, "ready")
	var took time.Duration
	u.until("the gateway's log has the modem ready", func(context.Context) error {
		ready, _, told := u.said(seen, `msg="modem ready".*usb:1-`+fmt.Sprint(u.ports[i])+`\b`)
		if took = ready.Sub(seen); !told {
			return fmt.Errorf("it has not")
		}
		return nil
	})
	if took > reattach {
		load, _ := os.ReadFile("/proc/loadavg")
		u.t.Errorf("%s: modem %d ready %v after the guest saw it, want less than %v (load of this machine: %.14s)", what, i, took, reattach, load)
	}
	if m.Node != node || m.USB == nil || m.USB.Path != fmt.Sprintf("1-%d", u.ports[i]) {
		u.t.Errorf("%s: modem %d is at %+v as %q, want port %d as %s", what, i, m.USB, m.Node, u.ports[i], node)
	}
	u.t.Logf("%s: modem %d ready at 1-%d as %s, %v after the guest saw it", what, i, u.ports[i], node, took.Round(time.Millisecond))
	return node
}

// boots plugs all modems in, starts the guest, and waits for its gateway.
func (u *usbBank) boots() (nodes map[int]string) {
	u.t.Helper()
	began := time.Now()
	for i := range u.bank.Len() {
		u.plug(i, i+1)
	}
	u.qmp.do("cont", nil)
	nodes = map[int]string{}
	for i := range u.bank.Len() {
		nodes[i] = u.is(i, "ready").Node
	}
	u.t.Logf("booted, and all modems ready, after %v", time.Since(began).Round(time.Millisecond))
	return nodes
}

// fewest are the messages that show something: a quick machine is through with its sticks after some seconds.
const fewest = 60

func TestUSB_PluggedAndUnpluggedWhileItSends_EveryMessageAccountedFor(t *testing.T) {
	u := newUSBBank(t, 4)
	nodes := u.boots()
	credits := 100_000.0
	if _, err := u.api.AddUser(t.Context(), provisioning.NewUser{Name: "usb", Password: "secret", Amount: provisioning.Amount{Credits: &credits}}); err != nil {
		t.Fatal(err)
	}
	stop, result := u.load()

	u.moves()
	u.swaps(nodes)
	u.jumps()
	u.held()

	u.until("enough was sent", func(ctx context.Context) error {
		all, err := u.messages(ctx)
		if err == nil && len(all) < fewest {
			err = fmt.Errorf("%d messages", len(all))
		}
		return err
	})
	stop()
	u.accounts(<-result)
}

// load submits until it is stopped.
func (u *usbBank) load() (stop func(), result <-chan smppsim.LoadResult) {
	ctx, cancel := context.WithCancel(context.Background())
	u.t.Cleanup(cancel)
	done := make(chan smppsim.LoadResult, 1)
	go func() {
		r, err := smppsim.Load(ctx, smppsim.LoadConfig{
			Config: esme.Config{Address: u.smpp, SystemID: "usb", Password: "secret", ResponseTimeout: 2 * time.Minute, EnquireLink: -1},
			Rate:   3, Duration: 9 * time.Minute, Dest: "3167#######", Texts: []string{"sent while sticks come and go"}, ReceiptWait: time.Second,
			RegisteredDelivery: 1,
		})
		if err != nil && ctx.Err() == nil {
			u.t.Errorf("the client: %v", err)
		}
		done <- r
	}()
	return cancel, done
}

// moves takes a stick out and, once that is seen, puts it into another port.
func (u *usbBank) moves() {
	u.t.Helper()
	u.unplug(0)
	u.is(0, "absent")
	began := time.Now()
	u.power(0, 5)
	u.readyAt("moved", 0, began)
}

// swaps takes two out and brings them back the other way round: each gets the
// number that the other had.
func (u *usbBank) swaps(nodes map[int]string) {
	u.t.Helper()
	u.unplug(1)
	u.unplug(2)
	u.is(1, "absent")
	u.is(2, "absent")
	began := time.Now()
	u.power(2, 6)
	u.attached(began, 6)
	u.power(1, 7)
	second, first := u.readyAt("renumbered", 2, began), u.readyAt("renumbered", 1, began)
	if first != nodes[2] || second != nodes[1] {
		u.t.Errorf("modems 1 and 2 were %s and %s, and are %s and %s: nothing was renumbered", nodes[1], nodes[2], first, second)
	}
}

// jumps puts a stick into another port at once, before anybody has missed it.
func (u *usbBank) jumps() {
	u.t.Helper()
	began := time.Now()
	u.unplug(3)
	u.power(3, 8)
	u.readyAt("at once elsewhere", 3, began)
}

// held has another program, a gateway of its own, hold the port of a stick that
// comes back. The gateway sleeps until that has it.
func (u *usbBank) held() {
	u.t.Helper()
	u.unplug(0)
	u.is(0, "absent")
	u.sh("kill -STOP $(cat /tmp/gateway.pid)")
	began := time.Now()
	u.power(0, 1)
	_, node := u.attached(began, 1)
	u.sh("gsmgate serve --data /tmp/other --listen unix:/tmp/other.sock --modem " + node + " & echo $! > /tmp/other.pid")
	u.sh("until gsmgate status --data /tmp/other | grep ready; do sleep 1; done; kill -CONT $(cat /tmp/gateway.pid)")
	u.until("the gateway tells who has the port", func(ctx context.Context) error {
		list, err := u.api.Modems(ctx)
		if err == nil {
			err = fmt.Errorf("it knows nothing in port 1")
		}
		for _, m := range list {
			if m.Path == "usb:1-1" && strings.Contains(m.Reason, node+": in use by gsmgate") && m.Hint != "" {
				u.t.Logf("held: modem is %s: %s; %s", m.State, m.Reason, m.Hint)
				return nil
			}
			if m.Path == "usb:1-1" {
				err = fmt.Errorf("it is %s: %s", m.State, m.Reason)
			}
		}
		return err
	})
	u.sh("kill $(cat /tmp/other.pid)")
	u.is(0, "ready")
}

// accounts holds what the client was told against what the gateway has and
// what is on the handsets.
func (u *usbBank) accounts(r smppsim.LoadResult) {
	u.t.Helper()
	var all []provisioning.Message
	u.until("every message has come to its end", func(ctx context.Context) (err error) {
		all, err = u.messages(ctx)
		open := map[string]int{}
		for _, m := range all {
			if m.State != "DELIVERED" && m.State != "UNKNOWN" {
				open[m.State+" "+m.Reason]++
			}
		}
		if err == nil && len(open) > 0 {
			err = fmt.Errorf("%v", open)
		}
		return err
	})
	states := map[string]int{}
	for _, m := range all {
		states[m.State]++
		shown := len(u.bank.Network().Handset("+" + strings.TrimPrefix(m.Dest, "+")).Inbox())
		switch {
		case m.State == "DELIVERED" && shown != 1:
			u.t.Errorf("message %s is DELIVERED, and %d times on its handset", m.ID, shown)
		case m.State == "UNKNOWN" && (shown > 1 || m.Reason == ""):
			u.t.Errorf("message %s is UNKNOWN for %q, and %d times on its handset", m.ID, m.Reason, shown)
		}
	}
	u.t.Logf("%d accepted, %d refused, %d without an answer; %v after %d unplugs", r.Accepted, r.Refused, r.Unknown, states, u.unplugs)
	if len(all) < r.Accepted || len(all) > r.Accepted+r.Unknown || r.Refused > 0 || r.Accepted < fewest-10 {
		u.t.Errorf("the gateway has %d messages, the client was told %+v", len(all), r)
	}
	if states["UNKNOWN"] > u.unplugs {
		u.t.Errorf("%d messages are UNKNOWN after %d unplugs", states["UNKNOWN"], u.unplugs)
	}
	if total := u.bank.Network().Total(); total < states["DELIVERED"] || total > len(all) {
		u.t.Errorf("the network took %d segments for %d messages", total, len(all))
	}
	u.spread()
}

// spread wants all sticks to have sent, wherever they were.
func (u *usbBank) spread() {
	u.t.Helper()
	by := map[int]int{}
	for _, s := range u.bank.Network().Submissions() {
		by[s.Modem]++
	}
	if got := slices.Sorted(maps.Keys(by)); len(got) != u.bank.Len() {
		u.t.Errorf("only the modems %v have sent", got)
	}
}

// messages are all that the client has sent.
func (u *usbBank) messages(ctx context.Context) (all []provisioning.Message, err error) {
	f := provisioning.MessageFilter{User: "usb", Kind: "MT", Limit: page}
	for {
		list, err := u.api.Messages(ctx, f)
		all = append(all, list...)
		if err != nil || len(list) < page {
			return all, err
		}
		f.Before = list[len(list)-1].ID
	}
}
