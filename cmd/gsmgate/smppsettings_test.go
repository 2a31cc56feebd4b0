package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"gsmgate/smppd"
)

// parseServe reads the flags of serve.
func parseServe(t *testing.T, args ...string) *serveCmd {
	t.Helper()
	var c struct{ Serve serveCmd }
	c.Serve = serveCmd{}
	parser, err := kong.New(&c.Serve, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"--data", "d"}, args...)); err != nil {
		t.Fatal(err)
	}
	return &c.Serve
}

// Every flag, and every key of the file, reaches its place; a flag wins.
func TestSMPPSettings_FlagsAndFile_ReachTheServer(t *testing.T) {
	want := smppOptions{
		Config: smppd.Config{
			SystemID: "shop", SessionInit: 3 * time.Second, EnquireLink: -1, Inactivity: 2 * time.Minute, Response: 4 * time.Second, PDURead: 9 * time.Second,
			Window: 11, DeliverWindow: 12, MaxPDU: 4096, MaxSessions: 13, MaxUnbound: 14, MaxUnboundPerAddress: 15, MaxWaiting: 16, Trace: 1024, KeptTraces: 17,
			Allow: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.1/32")},
		},
		Retry: 7 * time.Second,
	}
	values := [][2]string{
		{"smpp-system-id", "shop"}, {"smpp-session-init", "3s"}, {"smpp-enquire-link", "off"}, {"smpp-inactivity", "2m"}, {"smpp-response", "4s"},
		{"smpp-pdu-read", "9s"}, {"smpp-retry", "7s"}, {"smpp-window", "11"}, {"smpp-deliver-window", "12"}, {"smpp-max-pdu", "4096"},
		{"smpp-max-sessions", "13"}, {"smpp-max-unbound", "14"}, {"smpp-max-unbound-per-address", "15"}, {"smpp-max-waiting", "16"},
		{"smpp-trace", "1024"}, {"smpp-kept-traces", "17"},
	}
	var flags, keys []string
	for _, v := range values {
		flags = append(flags, "--"+v[0]+"="+v[1])
		value := v[1]
		if value[0] == '-' || strings.Trim(value, "0123456789") != "" {
			value = `"` + value + `"`
		}
		keys = append(keys, `"`+strings.ReplaceAll(v[0], "-", "_")+`": `+value)
	}
	flags = append(flags, "--smpp-allow=192.0.2.7/24", "--smpp-allow", "10.0.0.1", "--smpp-allow", "10.0.0.1/32")
	keys = append(keys, `"smpp_allow": ["192.0.2.7/24", "10.0.0.1"]`)
	if len(values) != len(new(smppSettings).all(new(smppOptions))) {
		t.Error("the test does not know all settings")
	}

	byFlag, err := parseServe(t, flags...).smppSettings.options()
	if err != nil || !reflect.DeepEqual(byFlag, want) {
		t.Errorf("flags: %v\n%+v, want\n%+v", err, byFlag, want)
	}
	path := filepath.Join(t.TempDir(), "c.json")
	if err := os.WriteFile(path, []byte("{"+strings.Join(keys, ", ")+"}"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := readSettings(path)
	if err != nil {
		t.Fatal(err)
	}
	both := parseServe(t, "--smpp-window=99", "--smpp-inactivity=0", "--smpp-trace=0", "--smpp-kept-traces=0").settings.over(file)
	got, err := both.smppSettings.options()
	want.Window, want.Inactivity, want.Trace, want.KeptTraces = 99, -1, -1, -1
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("file and flags: %v\n%+v, want\n%+v", err, got, want)
	}
}

func TestSMPPSettings_NothingGiven_DefaultsOfTheServer(t *testing.T) {
	c := parseServe(t)
	o, err := c.smppSettings.options()
	if err != nil || !reflect.DeepEqual(o, smppOptions{}) {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestSMPPSettings_ClientCert_AskedWhenThereIsACA(t *testing.T) {
	for _, tc := range []struct {
		flags []string
		want  string
	}{
		{nil, certOff}, {[]string{"--client-ca=x"}, certAsk}, {[]string{"--client-ca=x", "--client-cert=require"}, certRequire},
		{[]string{"--client-ca=x", "--client-cert=off"}, certOff}, {[]string{"--client-cert=off"}, certOff},
	} {
		c := parseServe(t, tc.flags...)
		if _, err := c.smppSettings.options(); err != nil || c.ClientCert != tc.want {
			t.Errorf("%v: %q, %v", tc.flags, c.ClientCert, err)
		}
	}
}

func TestRetention_DaysAndBounds(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"": 0, "30d": 30 * day, "12h": 12 * time.Hour, "10s": 10 * time.Second, "3650d": 3650 * day,
	} {
		if got, err := retention(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"9s", "3651d", "1.5d", "-3d", "d", "30", "soon", "99999999999999d"} {
		if got, err := retention(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
