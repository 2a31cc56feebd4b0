package router

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func TestAddressOf_TypeOfNumber(t *testing.T) {
	for s, ton := range map[string]uint8{"+31612345678": 1, "7000": 0, "*100#": 0, "Shop": 5, "+Shop": 5, "": 0} {
		if a := addressOf(s); a.TON != ton || ton == 5 && a.Addr != s {
			t.Errorf("addressOf(%q) = %+v, want TON %d", s, a, ton)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// Every setting has its bounds, and the refusal names it.
func TestUserSettings_Checked(t *testing.T) {
	long := strings.Repeat("x", 256)
	for field, cases := range map[string]struct{ good, bad []UserSettings }{
		"alphabet": {
			good: []UserSettings{{Alphabet: ptr("")}, {Alphabet: ptr("gsm")}, {Alphabet: ptr("latin1")}, {Alphabet: ptr("ascii")}, {Alphabet: ptr("gsm-packed")}},
			bad:  []UserSettings{{Alphabet: ptr("utf8")}, {Alphabet: ptr("GSM")}},
		},
		"long_form": {
			good: []UserSettings{{LongForm: ptr("")}, {LongForm: ptr("payload")}, {LongForm: ptr("udh")}, {LongForm: ptr("sar")}},
			bad:  []UserSettings{{LongForm: ptr("tlv")}},
		},
		"max_sessions": {good: []UserSettings{{MaxSessions: ptr(0)}, {MaxSessions: ptr(10_000)}}, bad: []UserSettings{{MaxSessions: ptr(-1)}, {MaxSessions: ptr(10_001)}}},
		"window":       {good: []UserSettings{{Window: ptr(1)}}, bad: []UserSettings{{Window: ptr(-1)}, {Window: ptr(10_001)}}},
		"rate":         {good: []UserSettings{{Rate: ptr(100_000)}}, bad: []UserSettings{{Rate: ptr(-1)}, {Rate: ptr(100_001)}}},
		"keep_count":   {good: []UserSettings{{KeepCount: ptr(1000)}}, bad: []UserSettings{{KeepCount: ptr(-1)}}},
		"keep_hours":   {good: []UserSettings{{KeepHours: ptr(72)}}, bad: []UserSettings{{KeepHours: ptr(-1)}, {KeepHours: ptr(1 << 30)}}},
		"allowed_from": {
			good: []UserSettings{{AllowedFrom: &[]string{}}, {AllowedFrom: &[]string{"192.0.2.7", "2001:db8::/32", "0.0.0.0/0"}}},
			bad:  []UserSettings{{AllowedFrom: &[]string{"192.0.2.0/33"}}, {AllowedFrom: &[]string{"example.com"}}, {AllowedFrom: &[]string{""}}, {AllowedFrom: &[]string{"fe80::1%eth0"}}, {AllowedFrom: ptr(slices.Repeat([]string{"192.0.2.1"}, 101))}},
		},
		"cert_names": {good: []UserSettings{{CertNames: &[]string{"acme.example"}}}, bad: []UserSettings{{CertNames: &[]string{""}}, {CertNames: &[]string{long}}, {CertNames: &[]string{"a\x00b"}}}},
		"cert_auth": {
			good: []UserSettings{{CertAuth: ptr("either"), CertNames: &[]string{"a"}}, {CertAuth: ptr("both"), CertNames: &[]string{"a"}}, {CertAuth: ptr("")}},
			bad:  []UserSettings{{CertAuth: ptr("either")}, {CertAuth: ptr("any"), CertNames: &[]string{"a"}}},
		},
		"credit_limit": {good: []UserSettings{{CreditLimit: ptr(int64(0))}, {CreditLimit: ptr(int64(1e12))}}, bad: []UserSettings{{CreditLimit: ptr(int64(-1))}, {CreditLimit: ptr(int64(1e12 + 1))}}},
		"sources":      {good: []UserSettings{{Sources: &[]string{"Acme", "!+31900*"}}}, bad: []UserSettings{{Sources: &[]string{"*x"}}}},
		"destinations": {good: []UserSettings{{Destinations: &[]string{"+31*"}}}, bad: []UserSettings{{Destinations: &[]string{""}}}},
		"default_source": {good: []UserSettings{{DefaultSource: ptr("Acme")}, {DefaultSource: ptr("")}, {DefaultSource: ptr("7000")}},
			bad: []UserSettings{{DefaultSource: ptr("+31*")}, {DefaultSource: ptr("Acme*")}, {DefaultSource: ptr("316-317")}, {DefaultSource: ptr(strings.Repeat("x", 21))}}},
		"callback": {
			good: []UserSettings{{Callback: ptr("")}, {Callback: ptr("http://127.0.0.1:8080")}, {Callback: ptr("https://example.com/sms?token=x"), Deliver: ptr("both"), CallbackWindow: ptr(64)},
				{Callback: ptr("https://[2001:db8::1]:8443/"), CallbackFor: &[]string{"mo", "receipts"}, CallbackSecret: ptr(storage.Secret("s3cret"))}},
			bad: []UserSettings{{Callback: ptr("example.com/sms")}, {Callback: ptr("ftp://example.com")}, {Callback: ptr("https://")}, {Callback: ptr("https:///x")}, {Callback: ptr("https:x")}, {Callback: ptr("https://me:p@example.com")},
				{Callback: ptr("https://me@example.com")}, {Callback: ptr("https://example.com/#x")}, {Callback: ptr("https://example.com:0/")}, {Callback: ptr("https://example.com:/")}, {Callback: ptr("https://example.com:65536/")},
				{Callback: ptr("https://exa mple.com")}, {Callback: ptr("https://example.com/\n")}, {Callback: ptr("https://example.com/é")}, {Callback: ptr("https://" + strings.Repeat("x", 2048))}, {Deliver: ptr("both")}, {Deliver: ptr("callback")},
				{CallbackSecret: ptr(storage.Secret("x"))}, {CallbackWindow: ptr(1)}, {CallbackFor: &[]string{"mo"}}},
		},
		"callback_for":    {good: []UserSettings{{CallbackFor: &[]string{}}}, bad: []UserSettings{{CallbackFor: &[]string{"mt"}}, {CallbackFor: &[]string{"mo", ""}}}},
		"callback_window": {bad: []UserSettings{{CallbackWindow: ptr(-1)}, {CallbackWindow: ptr(65)}}},
		"callback_secret": {bad: []UserSettings{{CallbackSecret: ptr(storage.Secret("a\nb"))}, {CallbackSecret: ptr(storage.Secret(strings.Repeat("x", 257)))}}},
		"deliver":         {good: []UserSettings{{Deliver: ptr("smpp")}}, bad: []UserSettings{{Deliver: ptr("mail")}}},
		"forced_source":   {good: []UserSettings{{ForcedSource: ptr("+31612345678")}}, bad: []UserSettings{{ForcedSource: ptr("a\nb")}}},
	} {
		for i, s := range cases.good {
			if err := s.apply(&storage.User{}); err != nil {
				t.Errorf("%s, good %d: %v", field, i, err)
			}
		}
		for i, s := range cases.bad {
			var re *Error
			if err := s.apply(&storage.User{}); !errors.As(err, &re) || re.Code != Invalid || re.Field != field || re.Hint == "" {
				t.Errorf("%s, bad %d: %+v", field, i, err)
			}
		}
	}
}

func TestUserSettings_Networks_Canonical(t *testing.T) {
	var u storage.User
	in := []string{"192.0.2.77/24", "2001:DB8::1", "::ffff:198.51.100.7", "192.0.2.0/24", "10.1.2.3"}
	if err := (UserSettings{AllowedFrom: &in}).apply(&u); err != nil {
		t.Fatal(err)
	}
	if want := []string{"10.1.2.3/32", "192.0.2.0/24", "198.51.100.7/32", "2001:db8::1/128"}; !slices.Equal(u.AllowedFrom, want) {
		t.Errorf("%v, want %v", u.AllowedFrom, want)
	}
}

// What is not named stays, and the last cert_name cannot be taken from a user
// who needs one.
func TestSetUser_OnlyWhatIsNamed(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	_, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret", UserSettings: UserSettings{
		Rate: ptr(50), Window: ptr(20), Alphabet: ptr("latin1"), CertNames: &[]string{"acme"}, CertAuth: ptr("both"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{Rate: ptr(0)}})
	if err != nil || v.Rate != 0 || v.Window != 20 || v.Alphabet != "latin1" || v.CertAuth != "both" || !v.Enabled || v.Password != "" {
		t.Errorf("%+v, %v", v, err)
	}
	var re *Error
	if _, err := r.SetUser(t.Context(), "acme", UserChange{UserSettings: UserSettings{CertNames: &[]string{}}}); !errors.As(err, &re) || re.Field != "cert_auth" {
		t.Errorf("the last name went: %v", err)
	}
}

// Two changes at once of different settings both hold.
func TestSetUser_AtOnce_NoneIsLost(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	var last storage.User
	r.OnUserChange(func(u storage.User) { last = u })
	done := make(chan error)
	changes := []UserSettings{{Rate: ptr(1)}, {Window: ptr(2)}, {MaxSessions: ptr(3)}, {KeepCount: ptr(4)}, {KeepHours: ptr(5)}}
	for _, c := range changes {
		go func() {
			_, err := r.SetUser(t.Context(), "acme", UserChange{UserSettings: c})
			done <- err
		}()
	}
	for range changes {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	v, err := r.User("acme")
	if err != nil || v.Rate != 1 || v.Window != 2 || v.MaxSessions != 3 || v.KeepCount != 4 || v.KeepHours != 5 {
		t.Errorf("%+v, %v", v, err)
	}
	if last.Rate != 1 || last.Window != 2 || last.MaxSessions != 3 || last.KeepCount != 4 || last.KeepHours != 5 {
		t.Errorf("the last that a watcher heard is not the newest: %+v", last)
	}
}
