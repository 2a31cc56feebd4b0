package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A reservation says that only some rooms may import a package.
type reservation struct {
	what   []string // import paths, each with everything below it
	only   []string // rooms, each with everything below it
	tests  bool     // any test may too
	reason string
}

var reservations = []reservation{
	{[]string{"go.etcd.io/bbolt"}, []string{"storage"}, false,
		"a second, shared engine must be able to stand behind storage's operations"},
	{[]string{"go.starlark.net"}, []string{"router/trigger"}, false,
		"scripts are bounded in one place"},
	{[]string{"github.com/labstack/echo", "github.com/danielgtaylor/huma/v2/adapters"}, []string{"provisioning"}, false,
		"echo v4 ends in 2027: its successor must touch one room"},
	{[]string{"github.com/danielgtaylor/huma"}, []string{"provisioning"}, false,
		"the REST API is described in one room"},
	{[]string{"go.bug.st/serial"}, []string{"modem"}, false,
		"a write after Close can hit a descriptor that was reused: one wrapper guards it"},
	{[]string{"github.com/warthog618/sms"}, []string{"modem/pdu", "modem/modemsim"}, true,
		"its defects are kept outside by one wrapper; tests and simulators may hold our tables against its"},
	{[]string{"github.com/warthog618/modem", "github.com/linxGnu/gosmpp"}, nil, true,
		"peers to test against, unfit to build upon"},
	{[]string{"gsmgate/modem/modemsim", "gsmgate/smppd/smppsim"}, []string{"cmd", "modem/modemsim", "smppd/smppsim"}, true,
		"the product does not lean on its simulators"},
	{[]string{"github.com/creack/pty"}, []string{"modem/modemsim"}, true,
		"ptys are for simulated modems"},
	{[]string{"os/signal", "github.com/alecthomas/kong", "github.com/coreos/go-systemd"}, []string{"cmd"}, true,
		"signals, flags and the service manager are the process's business, not a component's"},
	{[]string{"github.com/nyaruka/phonenumbers"}, nil, true,
		"it reads all of its data when a program starts, each command too: router/numbers has the rules, and its test holds them against it"},
	{[]string{"testing", "testing/synctest", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/rogpeppe/go-internal"},
		[]string{"storage/storagetest", "router/routertest"}, true,
		"test tools stay out of the product"},
	{[]string{"gsmgate/provisioning"}, []string{"cmd", "provisioning"}, false,
		"cmd → provisioning → router → storage: nothing below the API knows the API"},
}

// A direction says which of our own packages a room may import.
type direction struct {
	room   string
	below  bool     // the rule holds for everything below the room too
	may    []string // rooms of ours, each with everything below it
	tests  bool     // the rule holds for tests too
	reason string
}

var directions = []direction{
	{"storage", true, []string{"storage"}, true,
		"a leaf: it knows records, not who asks for them"},
	{"modem", true, []string{"modem"}, true,
		"a leaf: it knows modems, not messages, users or credits"},
	{"smppd", true, []string{"smppd"}, true,
		"a leaf: it knows SMPP, not where a message goes"},
	{"smppd/smpp", true, []string{"smppd/smpp"}, true,
		"the codec knows no server"},
	{"modem/pdu", true, []string{"modem/pdu"}, true,
		"the codec knows no modem"},
	{"modem/at", true, []string{"modem/at"}, true,
		"the AT engine knows no modem"},
	{"router/trigger", true, []string{"router/trigger"}, true,
		"a leaf: scripts see events, not the router"},
	{"router/prefix", true, []string{"router/prefix"}, true,
		"a leaf: it knows digits"},
	{"router/numbers", true, []string{"router/numbers", "storage"}, true,
		"pure: it knows how addresses are written, and no message"},
	{"router/price", true, []string{"router/price", "router/prefix", "storage"}, true,
		"pure: it knows records of prices, not who pays"},
	{"router/plan", true, []string{"router/plan", "router/price", "router/prefix", "storage"}, true,
		"pure: a choice follows from records and facts, and can be held against a naive one"},
	{"router", false, []string{"router/trigger", "router/plan", "router/price", "router/prefix", "router/numbers", "storage"}, false,
		"the router never imports its channels: cmd hands them to it"},
	{"router/gsmchan", true, []string{"router/gsmchan", "router", "storage", "modem"}, false,
		"a channel knows the router and its own leaf"},
	{"router/smppchan", true, []string{"router/smppchan", "router", "storage", "smppd"}, false,
		"a channel knows the router and its own leaf"},
	{"router/loopchan", true, []string{"router/loopchan", "router", "storage", "smppd/smpp"}, false,
		"it counts parts as a handset would, and has no leaf to speak to"},
	{"router/httpchan", true, []string{"router/httpchan", "router", "storage"}, false,
		"a channel knows the router and its own leaf"},
	{"router/httpback", true, []string{"router/httpback", "router", "storage"}, false,
		"a channel knows the router and its own leaf"},
	{"router/routertest", true, []string{"router/routertest", "router", "storage"}, true,
		"it serves the tests of every channel, and knows none"},
	{"provisioning", true, []string{"provisioning", "router", "storage"}, false,
		"cmd → provisioning → router → storage; what only channels know, cmd hands in"},
	{"cmd/gsmgate-sim", true, []string{"cmd/gsmgate-sim", "modem", "smppd"}, false,
		"simulators stand on the leaves alone, as a far end would"},
}

// siblings are rooms that "router" in a list does not stand for.
var siblings = []string{"router/gsmchan", "router/smppchan", "router/httpchan", "router/loopchan", "router/httpback"}

const ours = "gsmgate/"

// within says whether the import path or room p is one of rooms or below it.
func within(p string, rooms []string) bool {
	return slices.ContainsFunc(rooms, func(r string) bool {
		return p == r || strings.HasPrefix(p, r+"/")
	})
}

// reaches is within, but "router" does not open the channels beside it.
func reaches(p string, rooms []string) bool {
	return within(p, rooms) && (!within(p, siblings) || slices.ContainsFunc(siblings, func(s string) bool {
		return within(p, []string{s}) && slices.Contains(rooms, s)
	}))
}

// breach names the rule that the import breaks, or "".
func breach(room, imported string, test bool) string {
	for _, r := range reservations {
		if within(imported, r.what) && !within(room, r.only) && (!test || !r.tests) {
			return "only " + strings.Join(append(slices.Clone(r.only), testWord(r.tests)...), ", ") + " may: " + r.reason
		}
	}
	target, isOurs := strings.CutPrefix(imported, ours)
	if !isOurs {
		return ""
	}
	for _, d := range directions {
		holds := room == d.room || d.below && within(room, []string{d.room})
		if holds && (!test || d.tests) && target != room && !reaches(target, d.may) {
			return d.room + " may import of ours " + strings.Join(d.may, ", ") + ": " + d.reason
		}
	}
	return ""
}

func testWord(tests bool) []string {
	if tests {
		return []string{"tests"}
	}
	return nil
}

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func list(t *testing.T) []listed {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-e", "-tags", "interop", "-json=ImportPath,Imports,TestImports,XTestImports", ours+"...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

func TestImports_RunOneWay(t *testing.T) {
	packages := list(t)
	if len(packages) < 3 {
		t.Fatalf("go list found %d packages: the test looks at the wrong tree", len(packages))
	}
	for _, p := range packages {
		room := strings.TrimPrefix(p.ImportPath, ours)
		for _, imported := range p.Imports {
			if why := breach(room, imported, false); why != "" {
				t.Errorf("%s imports %s: %s", room, imported, why)
			}
		}
		for _, imported := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := breach(room, imported, true); why != "" {
				t.Errorf("a test of %s imports %s: %s", room, imported, why)
			}
		}
	}
}

// The table itself: each rule refuses what it is there for, and only that.
func TestImports_TableSaysNo(t *testing.T) {
	for _, c := range []struct {
		room, imported string
		test, refused  bool
	}{
		{"storage", "go.etcd.io/bbolt", false, false},
		{"router", "go.etcd.io/bbolt", false, true},
		{"router", "go.etcd.io/bbolt/errors", true, true},
		{"provisioning", "github.com/labstack/echo/v4", false, false},
		{"cmd/gsmgate", "github.com/labstack/echo/v4", false, true},
		{"router/trigger", "go.starlark.net/starlark", false, false},
		{"router", "go.starlark.net/starlark", false, true},
		{"router", "gsmgate/router/gsmchan", false, true},
		{"router", "gsmgate/router/trigger", false, false},
		{"router", "gsmgate/router/smppchan", true, false},
		{"router", "gsmgate/router/plan", false, false},
		{"router/plan", "gsmgate/router", true, true},
		{"router/plan", "gsmgate/router/price", false, false},
		{"router/prefix", "gsmgate/storage", false, true},
		{"router/numbers", "github.com/nyaruka/phonenumbers", false, true},
		{"router/numbers", "github.com/nyaruka/phonenumbers", true, false},
		{"router/gsmchan", "gsmgate/router", false, false},
		{"router/gsmchan", "gsmgate/router/smppchan", false, true},
		{"router/httpback", "gsmgate/router", false, false},
		{"router", "gsmgate/router/httpback", false, true},
		{"router/gsmchan", "gsmgate/smppd", false, true},
		{"router/smppchan", "gsmgate/smppd/smpp", false, false},
		{"modem", "gsmgate/modem/at", false, false},
		{"modem/at", "gsmgate/modem", false, true},
		{"modem", "gsmgate/storage", true, true},
		{"modem", "gsmgate/modem/modemsim", false, true},
		{"modem", "gsmgate/modem/modemsim", true, false},
		{"router/gsmchan", "gsmgate/modem/modemsim", false, true},
		{"cmd/gsmgate", "gsmgate/modem/modemsim", false, false},
		{"smppd", "github.com/linxGnu/gosmpp", false, true},
		{"smppd", "github.com/linxGnu/gosmpp/pdu", true, false},
		{"smppd", "os/signal", false, true},
		{"provisioning", "gsmgate/router/gsmchan", false, true},
		{"provisioning/client", "gsmgate/provisioning", false, false},
		{"router", "gsmgate/provisioning", true, true},
		{"storage", "testing", false, true},
		{"storage", "testing", true, false},
	} {
		if got := breach(c.room, c.imported, c.test); (got != "") != c.refused {
			t.Errorf("%s imports %s (test %v): %q, want refused %v", c.room, c.imported, c.test, got, c.refused)
		}
	}
}
