package router

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// other is a scripted channel of another name.
type other struct {
	scripted
	name string
}

func (c *other) Name() string { return c.name }

// laneIn is lane that drains another queue.
func laneIn(queue, id string) Lane {
	l := lane(id)
	l.Queue = queue
	return l
}

// bank is running with a second channel, "smpp:x", that answers what says.
func bank(t *testing.T, gsm *scripted, says func(context.Context, string, *storage.Message, int) (string, error)) (*bench, *other) {
	t.Helper()
	b := running(t, gsm, Options{})
	b.stop()
	x := &other{name: "smpp:x", scripted: scripted{lanes: []Lane{laneIn("smpp:x", "x:1")}, answer: says}}
	b.r.Add(x)
	b.start()
	t.Cleanup(func() { b.stop() })
	return b, x
}

func (b *bench) route(edit func(*storage.Route), channels ...string) storage.Route {
	b.t.Helper()
	var route storage.Route
	for _, c := range channels {
		route.Channels = append(route.Channels, storage.RouteChannel{Name: c})
	}
	if edit != nil {
		edit(&route)
	}
	made, err := b.r.AddRoute(b.t.Context(), route)
	if err != nil {
		b.t.Fatal(err)
	}
	return made
}

func (b *bench) prices(list, table string, channels ...string) {
	b.t.Helper()
	rep, err := b.r.ImportPrices(b.t.Context(), PriceImport{List: list, Table: []byte(table)})
	if err == nil && len(channels) > 0 {
		_, err = b.r.SetPriceList(b.t.Context(), list, PriceListChange{Channels: &channels})
	}
	if err != nil || !rep.Done {
		b.t.Fatalf("%+v: %v", rep, err)
	}
}

func (b *bench) pays(list string) {
	b.t.Helper()
	if _, err := b.r.SetUser(b.t.Context(), "acme", UserChange{UserSettings: UserSettings{PriceList: &list}}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) message(id storage.ID) *storage.Message {
	b.t.Helper()
	m, err := b.r.Message(id)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

// events are the texts of one kind in a message's timeline.
func events(m *storage.Message, what string) string {
	var all []string
	for _, e := range m.Events {
		if e.What == what {
			all = append(all, e.Text)
		}
	}
	return strings.Join(all, " | ")
}

func code(err error) Code {
	var re *Error
	if !errors.As(err, &re) {
		return Internal
	}
	return re.Code
}

func TestRoute_None_FirstChannelAtOneCreditAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, ok)
		m := b.message(b.send("a|b"))
		if m.Queue != "gsm" || m.Held != 2*storage.Credit || m.Ways != nil || events(m, "route") != "channel gsm, parts 2, credits held 2" {
			t.Errorf("%s, held %d, ways %v: %s", m.Queue, m.Held, m.Ways, events(m, "route"))
		}
		synctest.Wait()
		if x.log() != "" {
			t.Errorf("the other sent %s", x.log())
		}
	})
}

func TestRoute_LeastCost_PricedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, x := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, ok)
		b.prices("retail", "316,0.035\n", nil...)
		b.prices("gsm-cost", "31,0.03\n", "gsm")
		b.prices("x-cost", "316,0.02\n", "smpp:x")
		b.pays("retail")
		b.route(func(r *storage.Route) { r.Strategy = "least-cost" }, "gsm", "smpp:x", "http:none")
		m := b.message(b.send("a|b"))
		want := "channel smpp:x, parts 2, credits held 0.07; route 1, least-cost, cost 0.02; then gsm (dearer by 0.01); not http:none (is not there)"
		if got := events(m, "route"); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
		if m.Held != 70 || m.Cost != 40 || fmt.Sprint(m.Ways) != "[smpp:x gsm]" {
			t.Errorf("held %d, cost %d, ways %v", m.Held, m.Cost, m.Ways)
		}
		synctest.Wait()
		if got := x.log(); got != "x:1 a|b/1; x:1 a|b/2" {
			t.Errorf("sent %s", got)
		}
		for i := range 2 {
			b.report("x:1", fmt.Sprintf("a|b-%d", i+1), storage.Delivered)
		}
		if m := b.message(m.ID); m.State != storage.Delivered || m.Spent != 70 {
			t.Errorf("%s, spent %d", StateWord(m.State), m.Spent)
		}
	})
}

func TestRoute_PriceListWithoutTheDestination_RefusedByName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.prices("retail", "44,0.035\n49,blocked\n")
		b.pays("retail")
		for dest, want := range map[string]string{"31612345678": "price list retail has no price for the destination", "4912345678": "price list retail does not serve the destination"} {
			_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MT, User: "acme", Text: "x", Dest: storage.Address{TON: 1, Addr: dest}})
			if code(err) != NoRoute || err.Error() != want {
				t.Errorf("to %s: %v", dest, err)
			}
		}
		u, _ := b.r.User("acme")
		if u.Balance.Held != 0 || u.Balance.Available != 10*storage.Credit {
			t.Errorf("balance %+v", u.Balance)
		}
	})
}

func TestRoute_NoRouteMatches_RefusedWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		b.route(func(r *storage.Route) { r.Dests = []string{"44"} }, "gsm")
		b.route(func(r *storage.Route) { r.Dests, r.Reject, r.Channels = []string{"319"}, true, nil })
		b.route(func(r *storage.Route) { r.Dests = []string{"33"} }, "smpp:gone")
		for dest, want := range map[string]string{
			"31612345678": "no route is for it", "31912345678": "route 2 rejects it", "33612345678": "no channel of a route can take it: smpp:gone is not there", "447700900123": "",
		} {
			_, err := b.r.SubmitSync(t.Context(), &storage.Message{Kind: storage.MT, User: "acme", Text: "x", Dest: storage.Address{TON: 1, Addr: dest}})
			if want == "" && err != nil || want != "" && (code(err) != NoRoute || err.Error() != want) {
				t.Errorf("to %s: %v", dest, err)
			}
		}
	})
}

func TestRoute_Region_NationalNumberBecomesInternational(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{Region: "DE"})
		dest := func(addr string) storage.Address {
			return b.message(b.send("x", func(m *storage.Message) { m.Dest = storage.Address{Addr: addr} })).Dest
		}
		if got := dest("015112345678"); got.Addr != "4915112345678" || got.TON != 1 {
			t.Errorf("by the server's region: %+v", got)
		}
		nl := "NL"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Region: &nl}}); err != nil {
			t.Fatal(err)
		}
		if got := dest("0612345678"); got.Addr != "31612345678" || got.TON != 1 {
			t.Errorf("by the user's region: %+v", got)
		}
		if got := dest("1234"); got.Addr != "1234" || got.TON != 0 {
			t.Errorf("a short code: %+v", got)
		}
		bad := "Nowhere"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Region: &bad}}); code(err) != Invalid {
			t.Errorf("no such region: %v", err)
		}
	})
}

// Some clients keep the prefix that the type stands for: what holds for the country
// holds for that form too.
func TestRoute_InternationalByItsType_WithoutARegion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{})
		for addr, want := range map[storage.Address]storage.Address{
			{TON: 1, Addr: "0031612345678"}: {TON: 1, NPI: 1, Addr: "31612345678"},
			{Addr: "+0031612345678"}:        {TON: 1, NPI: 1, Addr: "31612345678"},
			{TON: 1, Addr: "31612345678"}:   {TON: 1, Addr: "31612345678"},
			{Addr: "+31612345678"}:          {Addr: "+31612345678"},
			{Addr: "0031612345678"}:         {Addr: "0031612345678"}, // nobody says so
			{TON: 2, Addr: "0612345678"}:    {TON: 2, Addr: "0612345678"},
			{TON: 1, Addr: "1234"}:          {TON: 1, Addr: "1234"},
		} {
			if got := b.message(b.send("x", func(m *storage.Message) { m.Dest = addr })).Dest; got != want {
				t.Errorf("%+v becomes %+v, want %+v", addr, got, want)
			}
		}
		b.set("acme", UserSettings{Destinations: &[]string{"!+31900*"}})
		if _, err := b.try("acme", func(m *storage.Message) { m.Dest = storage.Address{TON: 1, Addr: "0031900123456"} }); code(err) != Invalid {
			t.Errorf("a number that is forbidden, in another form: %v", err)
		}
	})
}

// A number of the region may also be read as one of another country: only its type
// tells. German numbers are of many lengths.
func TestRegion_CancelByTheNumberAsItWasSent(t *testing.T) {
	for _, c := range []struct {
		region, dest string
		ton          uint8
	}{{"NL", "0612345678", 0}, {"NL", "612345678", 2}, {"DE", "491701234567", 1}, {"DE", "00491701234567", 0}, {"DE", "1701234567", 2}, {"DE", "+491701234567", 1}} {
		for _, byID := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s %s %d, by ID %v", c.region, c.dest, c.ton, byID), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := running(t, &scripted{}, Options{Region: c.region})
					id := b.send("x", func(m *storage.Message) { m.Dest = storage.Address{TON: c.ton, Addr: c.dest} })
					p := Pick{User: "acme", Source: new("100"), Dest: &c.dest, DestTON: c.ton}
					if byID {
						p.ID = id
					}
					if _, err := b.cancel(p); err != nil || b.message(id).State != storage.Deleted {
						t.Errorf("%v, %s, sent to %+v", err, StateWord(b.message(id).State), b.message(id).Dest)
					}
				})
			})
		}
	}
}

// The time of the week is that at which a message leaves; it is paid for as it is
// accepted.
func TestRoute_Scheduled_ByTheTimeAtWhichItLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is Saturday, 2000-01-01 00:00 UTC
		b, _ := bank(t, &scripted{}, ok)
		b.prices("retail", "31,0.5\n31,2,2000-01-01T06:00:00Z\n")
		b.set("acme", UserSettings{PriceList: ptr("retail")})
		b.route(func(r *storage.Route) { r.When, r.Zone = []string{"sat 08:00-18:00"}, "UTC" }, "smpp:x")
		b.route(func(r *storage.Route) { r.Order = 10 }, "gsm")
		at := func(d time.Duration) func(*storage.Message) {
			return func(m *storage.Message) { m.DueAt, m.ExpiresAt = storage.TimeOf(time.Now().Add(d)), 0 }
		}
		for d, want := range map[time.Duration]string{0: "gsm", 9 * time.Hour: "smpp:x", 20 * time.Hour: "gsm"} {
			if m := b.message(b.send("x", at(d))); m.Queue != want || m.Held != 500 {
				t.Errorf("in %v: by %s for %d, want %s for 500: %+v", d, m.Queue, m.Held, want, m.Events)
			}
		}
		id := b.send("x", at(20*time.Hour))
		if err := b.replace(Pick{User: "acme", ID: id}, "y", func(r *Replacement) { r.DueAt = storage.TimeOf(time.Now().Add(9 * time.Hour)) }); err != nil {
			t.Fatal(err)
		}
		if m := b.message(id); m.Queue != "smpp:x" {
			t.Errorf("put forward: by %s", m.Queue)
		}
	})
}

func TestAddRoute_IDsAndConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		if r := b.route(nil, "gsm"); r.ID != "1" {
			t.Errorf("the first is %s", r.ID)
		}
		if r := b.route(func(r *storage.Route) { r.ID = "7" }, "gsm"); r.ID != "7" {
			t.Errorf("named %s", r.ID)
		}
		if r := b.route(nil, "gsm"); r.ID != "8" {
			t.Errorf("the next is %s", r.ID)
		}
		for name, c := range map[string]struct {
			route storage.Route
			want  Code
		}{
			"again":   {storage.Route{ID: "7", Channels: []storage.RouteChannel{{Name: "gsm"}}}, Conflict},
			"user":    {storage.Route{Users: []string{"nobody"}, Channels: []storage.RouteChannel{{Name: "gsm"}}}, NotFound},
			"name":    {storage.Route{ID: "a/b", Channels: []storage.RouteChannel{{Name: "gsm"}}}, Invalid},
			"nothing": {storage.Route{}, Invalid},
		} {
			if _, err := b.r.AddRoute(t.Context(), c.route); code(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := b.r.RemoveRoute(t.Context(), "7"); err != nil || len(b.r.Routes()) != 2 {
			t.Errorf("%v, %d left", err, len(b.r.Routes()))
		}
		if err := b.r.RemoveRoute(t.Context(), "7"); code(err) != NotFound {
			t.Errorf("again: %v", err)
		}
	})
}

func TestImportPrices_DryRunErrorsReplace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		try := func(in PriceImport) string {
			in.List = "retail"
			r, err := b.r.ImportPrices(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			_, prices, _ := b.r.PriceList("retail")
			return fmt.Sprintf("%d added, %d changed, %d removed, %d unchanged, %d wrong, %v; %d there", r.Added, r.Changed, r.Removed, r.Unchanged, len(r.Problems), r.Done, len(prices))
		}
		for i, c := range []struct {
			in   PriceImport
			want string
		}{
			{PriceImport{Table: []byte("31,1\n32,2\n"), DryRun: true}, "2 added, 0 changed, 0 removed, 0 unchanged, 0 wrong, false; 0 there"},
			{PriceImport{Table: []byte("31,1\n32,2\n")}, "2 added, 0 changed, 0 removed, 0 unchanged, 0 wrong, true; 2 there"},
			{PriceImport{Table: []byte("31,1\n33,x\n")}, "0 added, 0 changed, 0 removed, 1 unchanged, 1 wrong, false; 2 there"},
			{PriceImport{Table: []byte("31,1.5\n33,x\n"), SkipErrors: true}, "0 added, 1 changed, 0 removed, 0 unchanged, 1 wrong, true; 2 there"},
			{PriceImport{Table: []byte("31,1.5\n34,1\n"), Replace: true}, "1 added, 0 changed, 1 removed, 1 unchanged, 0 wrong, true; 2 there"},
		} {
			if got := try(c.in); got != c.want {
				t.Errorf("%d: %s\nwant %s", i, got, c.want)
			}
		}
	})
}

func TestPriceList_InUse_NotRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{}, Options{})
		b.prices("retail", "31,1\n")
		b.prices("cost", "31,1\n", "gsm")
		b.pays("retail")
		if err := b.r.RemovePriceList(t.Context(), "retail"); code(err) != Conflict {
			t.Errorf("in use: %v", err)
		}
		channels := []string{"gsm"}
		if _, err := b.r.SetPriceList(t.Context(), "retail", PriceListChange{Channels: &channels}); code(err) != Conflict {
			t.Errorf("a channel of another list: %v", err)
		}
		b.pays("")
		if err := b.r.RemovePriceList(t.Context(), "retail"); err != nil {
			t.Error(err)
		}
		gone := "retail"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{PriceList: &gone}}); code(err) != NotFound {
			t.Errorf("a list that is gone: %v", err)
		}
	})
}

func TestExplainRoute_SaysWhatSubmitWouldDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := bank(t, &scripted{}, nil)
		ask := func() RouteExplanation {
			e, err := b.r.ExplainRoute(RouteQuery{SendRequest: SendRequest{User: "acme", From: "100", To: "+31612345678", Text: "a|b"}})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		if e := ask(); !e.Default || e.Channel != "gsm" || e.Line != "channel gsm, parts 2, credits held 2" || e.Price != storage.Credit {
			t.Errorf("without routes: %+v", e)
		}
		b.prices("retail", "31,0.05\n")
		b.prices("gsm-cost", "31,0.01\n", "gsm")
		b.route(func(r *storage.Route) { r.Strategy = "round-robin" }, "gsm", "smpp:x")
		b.route(func(r *storage.Route) { r.MaxParts = 1 }, "smpp:x")
		b.pays("retail")
		e := ask()
		if e.Price != 50 || e.Parts != 2 || e.Cost != 10 || !e.CostKnown || e.PriceList != "retail" || fmt.Sprint(e.Skipped) != "[{2 for another number of parts}]" {
			t.Errorf("%+v", e)
		}
		for range 3 { // a question takes no turn
			if got := ask(); got.Line != e.Line {
				t.Errorf("%s, and then %s", e.Line, got.Line)
			}
		}
		if got := events(b.message(b.send("a|b")), "route"); got != e.Line {
			t.Errorf("sent: %s\nexplained: %s", got, e.Line)
		}
		b.prices("retail", "31,blocked\n")
		if e := ask(); e.Refused != "price list retail does not serve the destination" || e.Line != e.Refused {
			t.Errorf("%+v", e)
		}
	})
}

// A route that names the bank means the pool of the user; other channels have no
// pools.
func TestRoute_Pools_OfTheUserAndNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gsm := &scripted{lanes: []Lane{laneIn("gsm", "sim:1"), laneIn("gsm/vip", "sim:2"), laneIn("gsm/nl", "sim:3")}, answer: ok}
		b, x := bank(t, gsm, ok)
		for sim, pool := range map[string]string{"2": "vip", "3": "nl"} {
			if _, err := b.db.ChangeSIM(t.Context(), sim, func(s *storage.SIM) error { s.Pool = pool; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		b.route(func(r *storage.Route) { r.Dests = []string{"31"} }, "gsm", "smpp:x", "gsm/nl", "gsm/none")
		b.route(func(r *storage.Route) { r.Dests = []string{"33"} }, "smpp:x")
		pool := "vip"
		if _, err := b.r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Pool: &pool}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		m := b.message(b.send("a"))
		if m.Queue != "gsm/vip" || m.Pool != "vip" || fmt.Sprint(m.Ways) != "[gsm smpp:x gsm/nl]" {
			t.Errorf("%s, pool %s, ways %v: %s", m.Queue, m.Pool, m.Ways, events(m, "route"))
		}
		if m := b.message(b.send("b", func(m *storage.Message) { m.Dest.Addr = "33612345678" })); m.Queue != "smpp:x" || m.Pool != "" {
			t.Errorf("%s, pool %s", m.Queue, m.Pool)
		}
		synctest.Wait()
		if got := b.c.log() + "; " + x.log(); got != "sim:2 a/1; x:1 b/1" {
			t.Errorf("sent %s", got)
		}
	})
}

// Routes and prices change while messages come.
func TestRoute_ChangedWhileSubmitting_NoRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _ := bank(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, ok)
		var wg sync.WaitGroup
		wg.Go(func() {
			for i := range 20 {
				b.prices("x-cost", fmt.Sprintf("31,0.0%d\n", i+10), "smpp:x")
				r := b.route(func(r *storage.Route) { r.Strategy = "least-cost" }, "gsm", "smpp:x")
				if err := b.r.RemoveRoute(t.Context(), r.ID); err != nil {
					t.Error(err)
				}
			}
		})
		sent := 0
		for range 50 {
			m := &storage.Message{Kind: storage.MT, User: "acme", Text: "x", Dest: storage.Address{TON: 1, Addr: "31612345678"}}
			if _, err := b.r.SubmitSync(t.Context(), m); err == nil {
				sent++
			} else if code(err) != NoCredit {
				t.Error(err)
			}
		}
		wg.Wait()
		if sent != 10 {
			t.Errorf("%d were accepted of ten credits", sent)
		}
	})
}
