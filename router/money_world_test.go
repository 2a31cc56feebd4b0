package router

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// world is users, price lists, routes, channels and what was told to clients, as
// a reader of the rules would keep them.
type world struct {
	*testing.T
	rng   *rand.Rand
	dir   string
	files int
	o     Options

	// One life of the gateway.
	db       *storage.DB
	r        *Router
	gsm      *scripted
	channels []*scripted
	stop     func()

	net       *network
	books     *books
	lists     map[string][]storage.Price
	pays      map[string]string // user → price list
	serial    int
	offers    map[string]offer      // text and recipient → what it costs
	claims    map[storage.ID]*claim // messages that clients were told of
	cancelled map[string]bool       // recipients of messages that a client wanted to cancel
	maybe     map[string]bool       // offers of which nobody knows whether they were taken, since the gateway died
	prices    map[string]bool       // that are imported
	seen      map[string]int        // what happened, by name
}

// offer is a text for a recipient at a price.
type offer struct {
	user  string
	price storage.Millicredits
	parts int
}

// claim is a message that was accepted.
type claim struct {
	text, dest string
	sure       bool // that this text is in the file: no replacement was on its way when the gateway died
}

func names() []string { return []string{"alice", "bob", "carol"} }

// refundOf is what a user gets back: each of the three words is somebody's.
func refundOf(user string) string { return refunds[slices.Index(names(), user)] }

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		T: t, rng: rand.New(rand.NewPCG(seed, 1)), dir: t.TempDir(), net: newNetwork(seed), books: newBooks(),
		lists: map[string][]storage.Price{}, pays: map[string]string{}, offers: map[string]offer{},
		claims: map[storage.ID]*claim{}, cancelled: map[string]bool{}, maybe: map[string]bool{}, prices: map[string]bool{}, seen: map[string]int{},
	}
	w.o = Options{Validity: 2 * time.Hour, ReportTimeout: 3 * time.Hour, Retention: 30 * 24 * time.Hour}
	if w.rng.IntN(3) == 0 {
		w.o.Retention = 30 * time.Minute
	}
	w.open(w.file())
	for i, name := range names() {
		u := storage.User{SystemID: name, Enabled: true, AddressRanges: []string{fmt.Sprintf("+3160%d*", i)}, Refund: refundOf(name)}
		w.must(w.db.PutUser(t.Context(), u, true))
	}
	w.start()
	w.importPrices()
	w.addRoute()
	for range 2 * len(names()) {
		w.grant()
		w.limit()
		w.payBy()
	}
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) file() string {
	w.files++
	return filepath.Join(w.dir, fmt.Sprintf("%d.db", w.files))
}

func (w *world) open(path string) {
	db, err := storage.Open(path, storage.Options{NoSync: true})
	w.must(err)
	w.db = db
}

// start begins a life of the gateway on the open store.
func (w *world) start() {
	w.r = New(w.db, w.o)
	w.gsm = &scripted{lanes: []Lane{lane("sim:1"), lane("sim:2")}, answer: w.net.send}
	x := &other{name: "smpp:x", scripted: scripted{lanes: []Lane{laneIn("smpp:x", "x:1")}, answer: w.net.send}}
	y := &lumped{other{name: "smpp:y", scripted: scripted{lanes: []Lane{laneIn("smpp:y", "y:1")}, answer: w.net.send}}}
	w.channels = []*scripted{w.gsm, &x.scripted, &y.scripted}
	for _, ch := range []Channel{w.gsm, x, y, newMailbox(w.net.seed, names()[:2])} {
		w.must(w.r.Add(ch))
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	r := w.r
	go func() { done <- r.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
}

func (w *world) restart() {
	w.stop()
	w.must(w.db.Close())
	w.open(w.db2())
	w.start()
	w.seen["restart"]++
}

func (w *world) db2() string { return filepath.Join(w.dir, fmt.Sprintf("%d.db", w.files)) }

// crash kills the gateway while some operations are under way: what is in the
// file at one moment is all that is left. A client was told what it was told
// before.
func (w *world) crash() {
	all := w.begin(w.rng.IntN(6))
	if w.rng.IntN(2) == 0 {
		time.Sleep(time.Duration(w.rng.IntN(2000)) * time.Millisecond)
	}
	path := w.file()
	f, err := os.Create(path)
	w.must(err)
	w.net.set(&w.net.dying, true)
	w.must(w.db.Backup(f))
	w.must(f.Close())
	w.stop()
	w.must(w.db.Close())
	all.Wait()
	synctest.Wait()
	w.open(path)
	w.interrupted()
	w.net.set(&w.net.dying, false)
	w.start()
	w.seen["crash"]++
}

// interrupted notes what may have gone out when the gateway died.
func (w *world) interrupted() {
	for _, m := range w.messages() {
		for i := range m.Parts {
			if m.Kind == storage.MT && m.Parts[i].State == storage.PartTrying {
				w.net.mu.Lock()
				w.net.note(nameOf(m), i, true)
				w.net.mu.Unlock()
				w.seen["interrupted"]++
			}
		}
	}
}

func (w *world) messages() []*storage.Message {
	all, err := w.db.Messages(storage.Filter{Limit: 1 << 20})
	w.must(err)
	return all
}

// price is what a reader of the user's price list says: the longest prefix that
// has a price now.
func (w *world) price(user, dest string, parts int) (storage.Millicredits, bool) {
	list := w.pays[user]
	if list == "" {
		return storage.Credit * storage.Millicredits(parts), true
	}
	now, best := w.r.now(), -1
	var chosen storage.Price
	for _, p := range w.lists[list] {
		started := p.Start <= now
		newer := len(p.Prefix) == best && p.Start > chosen.Start
		if started && strings.HasPrefix(dest, p.Prefix) && (len(p.Prefix) > best || newer) {
			best, chosen = len(p.Prefix), p
		}
	}
	return chosen.Amount * storage.Millicredits(parts), best >= 0 && !chosen.Blocked
}

// importPrices makes a list anew, or changes one. All of its prices last forever
// once they have begun.
func (w *world) importPrices() {
	name := []string{"retail", "partner"}[w.rng.IntN(2)]
	var table strings.Builder
	var made []storage.Price
	table.WriteString("prefix,price,start\n")
	for _, prefix := range []string{"31", "316", "3161", "44", "4477", "49"} {
		if w.rng.IntN(3) == 0 && prefix != "31" {
			continue
		}
		p := storage.Price{Prefix: prefix, Amount: storage.Millicredits(w.rng.IntN(1500)), Blocked: w.rng.IntN(12) == 0}
		if w.rng.IntN(2) == 0 {
			p.Start = storage.TimeOf(time.Now().Add(time.Duration(w.rng.IntN(7200)) * time.Second).Truncate(time.Second))
		}
		made = append(made, p)
		amount := fmt.Sprintf("%d.%03d", p.Amount/1000, p.Amount%1000)
		if p.Blocked {
			amount = "blocked"
		}
		start := ""
		if p.Start != 0 {
			start = p.Start.Time().UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(&table, "%s,%s,%s\n", prefix, amount, start)
	}
	report, err := w.r.ImportPrices(w.Context(), PriceImport{List: name, Table: []byte(table.String()), Replace: true})
	if err != nil || !report.Done && len(report.Problems) > 0 {
		w.Fatalf("%+v: %v\n%s", report, err, table.String())
	}
	w.lists[name], w.prices[name] = made, true
}

func (w *world) addRoute() {
	for _, route := range w.r.Routes() {
		if w.rng.IntN(2) == 0 {
			w.must(w.r.RemoveRoute(w.Context(), route.ID))
		}
	}
	route := storage.Route{Strategy: []string{"", "least-cost", "round-robin"}[w.rng.IntN(3)]}
	for _, name := range []string{"gsm", "smpp:x", "smpp:y"} {
		if w.rng.IntN(4) > 0 || len(route.Channels) == 0 {
			route.Channels = append(route.Channels, storage.RouteChannel{Name: name})
		}
	}
	w.rng.Shuffle(len(route.Channels), func(i, j int) { route.Channels[i], route.Channels[j] = route.Channels[j], route.Channels[i] })
	if w.rng.IntN(4) == 0 {
		route.Dests = []string{"31"}
	}
	_, err := w.r.AddRoute(w.Context(), route)
	w.must(err)
}

func (w *world) user() string { return names()[w.rng.IntN(len(names()))] }

func (w *world) grant() {
	user, amount := w.user(), storage.Millicredits(w.rng.IntN(40000)-4000)
	if amount == 0 {
		return
	}
	w.quiet()
	_, err := w.r.Credit(w.Context(), user, amount, "")
	if fits := amount > 0 || w.books.available(user)+amount >= -w.books.limits[user]; fits != (err == nil) {
		w.Fatalf("%d for %s, which has %d and may owe %d: %v", amount, user, w.books.available(user), w.books.limits[user], err)
	}
}

// limit changes how much a user may owe: 0 is prepaid.
func (w *world) limit() {
	user := w.user()
	limit := int64(max(0, w.rng.IntN(12000)-6000))
	w.quiet()
	_, err := w.r.SetUser(w.Context(), user, UserChange{UserSettings: UserSettings{CreditLimit: &limit}})
	if fits := w.books.available(user) >= -storage.Millicredits(limit); fits != (err == nil) {
		w.Fatalf("a limit of %d for %s, which has %d: %v", limit, user, w.books.available(user), err)
	}
	if err == nil {
		w.books.limits[user] = storage.Millicredits(limit)
	}
}

func (w *world) payBy() {
	user, list := w.user(), []string{"", "retail", "partner"}[w.rng.IntN(3)]
	if list != "" && !w.prices[list] {
		return
	}
	_, err := w.r.SetUser(w.Context(), user, UserChange{UserSettings: UserSettings{PriceList: &list}})
	w.must(err)
	w.pays[user] = list
}

// quiet waits until nothing happens at this moment, and reads the books.
func (w *world) quiet() {
	w.Helper()
	synctest.Wait()
	w.must(w.books.read(w.db))
}
