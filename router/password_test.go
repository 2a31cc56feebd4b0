package router

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

// The form that users are imported in [the seed's: SHA-1 over UTF-16LE].
func TestImportedPassword_Vector(t *testing.T) {
	for _, digits := range []string{"DC215545BA63D605FBCD647A9555270F566D918B", "dc215545ba63d605fbcd647a9555270f566d918b"} {
		encoded, err := importedHash(digits)
		if err != nil {
			t.Fatal(err)
		}
		for password, want := range map[string]bool{"Pwd1": true, "pwd1": false, "": false, "P\x00w\x00d\x001\x00": false} {
			if got, better, err := matchPassword(encoded, password); err != nil || got != want {
				t.Errorf("%q: %v, %v", password, got, err)
			} else if again, err := checkPassword(better, password); !again || err != nil {
				t.Errorf("%q: the better hash does not match: %v", password, err)
			}
		}
	}
	for _, digits := range []string{"", "DC21", strings.Repeat("g", 40), strings.Repeat("a", 42)} {
		var re *Error
		if _, err := importedHash(digits); !errors.As(err, &re) || re.Field != "password_sha1" {
			t.Errorf("%q: %v", digits, err)
		}
	}
	if string(utf16LE("é")) != "\xe9\x00" || string(utf16LE("\xe9")) != "\xe9\x00" {
		t.Error("Latin-1 octets and UTF-8 differ")
	}
}

func imported() UserSpec {
	return UserSpec{SystemID: "old", PasswordSHA1: "DC215545BA63D605FBCD647A9555270F566D918B"}
}

// The first successful bind replaces an imported password, a wrong one does not.
func TestAdmit_ImportedPassword_ReplacedAtTheFirstSuccess(t *testing.T) {
	e := newEntrance(t, imported())
	e.want("wrong", Claim{SystemID: "old", Password: "pwd1"}, "password")
	if v, err := e.r.User("old"); err != nil || !v.Imported {
		t.Errorf("%+v, %v", v, err)
	}
	var together sync.WaitGroup
	for range 8 {
		together.Go(func() {
			if _, err := e.r.Admit(t.Context(), Claim{SystemID: "old", Password: "Pwd1"}); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	u, _ := e.r.db.User("old")
	if v, err := e.r.User("old"); err != nil || v.Imported || !strings.HasPrefix(u.Password, "$argon2id$") {
		t.Errorf("%+v, %v", v, err)
	}
	e.want("known", Claim{SystemID: "old", Password: "Pwd1"}, "")
	e.r.known.Clear()
	e.want("after a restart", Claim{SystemID: "old", Password: "Pwd1"}, "")
	e.want("wrong after it", Claim{SystemID: "old", Password: "pwd1"}, "password")
}

// A password that was changed while the old one was verified stays.
func TestRenew_PasswordChangedMeanwhile_Stays(t *testing.T) {
	e := newEntrance(t, imported())
	before, _ := e.r.db.User("old")
	if _, err := e.r.SetUser(t.Context(), "old", UserChange{Password: ptr("fresh"), UserSettings: UserSettings{Rate: ptr(7)}}); err != nil {
		t.Fatal(err)
	}
	e.r.renew(before, hashPassword("Pwd1"))
	e.want("the old one", Claim{SystemID: "old", Password: "Pwd1"}, "password")
	e.want("the fresh one", Claim{SystemID: "old", Password: "fresh"}, "")
	if v, _ := e.r.User("old"); v.Rate != 7 {
		t.Errorf("settings went with it: %+v", v)
	}
}

func FuzzImportedHash(f *testing.F) {
	f.Add("DC215545BA63D605FBCD647A9555270F566D918B", "Pwd1")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, digits, password string) {
		encoded, err := importedHash(digits)
		if err != nil {
			return
		}
		if _, err := checkImported(encoded, password); err != nil {
			t.Errorf("%q is taken, and cannot be read: %v", digits, err)
		}
	})
}

func FuzzParseNetwork(f *testing.F) {
	for _, s := range []string{"192.0.2.0/24", "::ffff:1.2.3.4/120", "fe80::1%eth0", "2001:db8::/32", "::ffff:0:0/95"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParseNetwork(text)
		if err != nil {
			return
		}
		if again, err := ParseNetwork(p.String()); err != nil || again != p || p != p.Masked() || p.Addr().Is4In6() {
			t.Errorf("%q gives %v, which gives %v, %v", text, p, again, err)
		}
	})
}
