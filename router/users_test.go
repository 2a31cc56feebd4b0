package router

import (
	"errors"
	"testing"

	"gsmgate/storage/storagetest"
)

func TestAuthenticate_RightPasswordOnly_AlsoOnceItIsKnown(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	check := func(when, password string, want bool) {
		t.Helper()
		for range 2 { // the second time it may be known
			_, err := r.Authenticate(t.Context(), "acme", password)
			var re *Error
			if (err == nil) != want || err != nil && (!errors.As(err, &re) || re.Code != Denied) {
				t.Errorf("%s: %q gives %v", when, password, err)
			}
		}
	}
	check("at first", "secret", true)
	check("after the right one", "Secret", false)
	check("after the right one", "", false)
	if _, err := r.Authenticate(t.Context(), "nobody", "secret"); err == nil {
		t.Error("nobody was let in")
	}
	changed, off, on := "other", false, true
	r.SetUser(t.Context(), "acme", UserChange{Password: &changed})
	check("changed", "secret", false)
	check("changed", "other", true)
	r.SetUser(t.Context(), "acme", UserChange{Enabled: &off})
	check("disabled", "other", false)
	r.SetUser(t.Context(), "acme", UserChange{Enabled: &on})
	check("enabled again", "other", true)
}

// A flood of wrong binds holds every slot for hashing.
func TestAuthenticate_KnownPassword_WaitsForNobody(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "acme", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Authenticate(t.Context(), "acme", "secret"); err != nil {
		t.Fatal(err)
	}
	for range cap(r.hashes) {
		r.hashes <- struct{}{}
	}
	if _, err := r.Authenticate(t.Context(), "acme", "secret"); err != nil {
		t.Error(err)
	}
}

func TestAddressOf_TypeOfNumber(t *testing.T) {
	for s, ton := range map[string]uint8{"+31612345678": 1, "7000": 0, "*100#": 0, "Shop": 5, "+Shop": 5, "": 0} {
		if a := addressOf(s); a.TON != ton || ton == 5 && a.Addr != s {
			t.Errorf("addressOf(%q) = %+v, want TON %d", s, a, ton)
		}
	}
}
