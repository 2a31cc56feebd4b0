package main

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
)

const limitedCard, freeCard = "8931440000000000017", "8931440000000000025"

// slots is a gateway on two simulated modems with the given cards in them.
func slots(t *testing.T, dir string, cards ...string) (api *client.Client, network *modemsim.Network, stop func()) {
	t.Helper()
	bank, err := modemsim.New(modemsim.Config{Count: len(cards), Dir: t.TempDir(), Each: func(i int, m *modemsim.ModemConfig) { m.SIM.ICCID = cards[i] }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = bank.Run(ctx) })
	sock := filepath.Join(dir, socketFile)
	app, err := tryApp(t, Options{Dir: dir, Modems: bank.Paths(), Sticky: -1}, "unix:"+sock)
	if err != nil {
		t.Fatal(err)
	}
	api = client.Unix(sock)
	stop = sync.OnceFunc(func() {
		api.Close()
		if err := app.Stop(); err != nil {
			t.Error(err)
		}
		cancel()
		running.Wait()
	})
	t.Cleanup(stop)
	return api, bank.Network(), stop
}

// inAMinute looks until is says yes.
func inAMinute(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in 60 s: %s", what)
		}
	}
}

func setSIM(t *testing.T, api *client.Client, id string, p provisioning.SIMPatch) provisioning.SIM {
	t.Helper()
	s, err := api.SetSIM(t.Context(), id, p)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sendTexts(t *testing.T, api *client.Client, n int) (ids []string) {
	t.Helper()
	for range n {
		id, err := api.Send(t.Context(), provisioning.NewMessage{User: "acme", To: "+31612345678", Text: "hello"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// The count of a day is that of the card: it outlives the process, and follows
// the card into another modem. Another card, moved into its pool, goes on at once.
func TestApp_LimitOfASIM_OverRestartAndSlot(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	api, _, stop := slots(t, dir, limitedCard, freeCard)
	credits, zone, vip, three := int64(100_000), "UTC", "vip", 3
	_, err := api.AddUser(t.Context(), provisioning.NewUser{Name: "acme", Password: "secret", Amount: provisioning.Amount{Millicredits: &credits}})
	if err != nil {
		t.Fatal(err)
	}
	setSIM(t, api, freeCard, provisioning.SIMPatch{Pool: &vip})
	setSIM(t, api, limitedCard, provisioning.SIMPatch{PerDay: &three, Zone: &zone})
	first := sendTexts(t, api, 2)
	day := func(api *client.Client) (used int) {
		s, err := api.SIM(t.Context(), limitedCard)
		if err != nil {
			t.Fatal(err)
		}
		return s.Limits[2].Used
	}
	for _, id := range first { // counted at the attempt, and no more if a stop comes before the PDU is out
		inAMinute(t, "it is sent", func() bool {
			m, err := api.Message(t.Context(), id)
			return err == nil && m.State == "DELIVERED"
		})
	}
	if used := day(api); used != 2 {
		t.Errorf("%d used", used)
	}
	stop()

	api, _, _ = slots(t, dir, freeCard, limitedCard)
	if used := day(api); used != 2 {
		t.Errorf("%d used after the restart", used)
	}
	ids := sendTexts(t, api, 3)
	held := func() (last provisioning.Message, n int) {
		for _, id := range ids {
			m, err := api.Message(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if len(m.Parts) == 1 && m.Parts[0].State == "waiting" {
				last, n = m, n+1
			}
		}
		return last, n
	}
	inAMinute(t, "the third of the day sent", func() bool { return day(api) == 3 })
	inAMinute(t, "two are held", func() bool { _, n := held(); return n == 2 })
	m, _ := held()
	var reasons []string
	for _, w := range m.Waits {
		reasons = append(reasons, w.Reason)
	}
	if got := strings.Join(reasons, "; "); !strings.Contains(got, "no SIM of the default pool is ready; sim:"+limitedCard+": the limit of 3 parts a day is reached; next at ") {
		t.Errorf("waits: %s", got)
	}
	if s, err := api.SIM(t.Context(), "000017"); err != nil || s.State != "held" || !strings.HasSuffix(s.Modem, "modem01") || s.Until == nil || *s.Limits[2].Left != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	none := ""
	setSIM(t, api, freeCard, provisioning.SIMPatch{Pool: &none})
	inAMinute(t, "the other card sends them", func() bool { _, n := held(); return n == 0 })
	if used := day(api); used != 3 {
		t.Errorf("%d used", used)
	}
	if v, err := api.Verify(t.Context()); err != nil || !v.OK {
		t.Errorf("verify %+v, %v", v, err)
	}
}

// Disabled and enabled, it holds at once.
func TestApp_SIMDisabled_HoldsAtOnce_EnabledSends(t *testing.T) {
	api, _, _ := slots(t, filepath.Join(t.TempDir(), "data"), limitedCard)
	credits, yes, no := int64(100_000), true, false
	_, err := api.AddUser(t.Context(), provisioning.NewUser{Name: "acme", Password: "secret", Amount: provisioning.Amount{Millicredits: &credits}})
	if err != nil {
		t.Fatal(err)
	}
	setSIM(t, api, limitedCard, provisioning.SIMPatch{Disabled: &yes})
	inAMinute(t, "the SIM is held", func() bool {
		s, err := api.SIM(t.Context(), limitedCard)
		return err == nil && s.State == "held" && s.Reason == "the SIM is disabled"
	})
	id := sendTexts(t, api, 1)[0]
	if m, err := api.Message(t.Context(), id); err != nil || m.Parts[0].Attempts != 0 || len(m.Waits) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	setSIM(t, api, limitedCard, provisioning.SIMPatch{Disabled: &no})
	inAMinute(t, "it is sent", func() bool {
		m, err := api.Message(t.Context(), id)
		return err == nil && m.Parts[0].Attempts == 1
	})
}
