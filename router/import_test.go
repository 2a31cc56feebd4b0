package router

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"gsmgate/storage"
	"gsmgate/storage/storagetest"
)

func row(name string, ranges ...string) UserSpec {
	return UserSpec{SystemID: name, PasswordSHA1: "DC215545BA63D605FBCD647A9555270F566D918B", Credits: 5, AddressRanges: ranges}
}

func TestImportUsers_AllOrNone(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	if _, err := r.AddUser(t.Context(), UserSpec{SystemID: "there", Password: "x", AddressRanges: []string{"+3161*"}}); err != nil {
		t.Fatal(err)
	}
	bad := row("bad")
	bad.PasswordSHA1 = "12"
	for _, tc := range []struct {
		what  string
		rows  []UserSpec
		at    int
		field string
	}{
		{"name", []UserSpec{row("a"), row("much too long a name")}, 1, "system_id"},
		{"hash", []UserSpec{bad, row("a")}, 0, "password_sha1"},
		{"no password", []UserSpec{{SystemID: "a"}}, 0, "password"},
		{"exists", []UserSpec{row("a"), row("b"), row("there")}, 2, "system_id"},
		{"twice", []UserSpec{row("a"), row("b"), row("a")}, 2, "system_id"},
		{"range of one that is there", []UserSpec{row("a", "+3161*")}, 0, "address_range"},
		{"range of one before", []UserSpec{row("a", "+3162*"), row("b", "+31625-+31635")}, 1, "address_range"},
		{"negative credits", []UserSpec{{SystemID: "a", Password: "x", Credits: -1}}, 0, "credits"},
	} {
		var wrong ImportError
		if _, err := r.ImportUsers(t.Context(), tc.rows, ImportOptions{}); !errors.As(err, &wrong) || len(wrong) != 1 || wrong[0].Row != tc.at || wrong[0].Err.Field != tc.field {
			t.Errorf("%s: %+v", tc.what, wrong)
		}
	}
	var wrong ImportError
	if _, err := r.ImportUsers(t.Context(), []UserSpec{bad, {SystemID: "a"}, row("c")}, ImportOptions{}); !errors.As(err, &wrong) || len(wrong) != 2 {
		t.Errorf("not all mistakes are told: %v", err)
	}
	if n := len(r.db.Users()); n != 1 {
		t.Errorf("%d users after refused imports", n)
	}
}

func TestImportUsers_DryRunSkipAndApply(t *testing.T) {
	r := New(storagetest.Open(t), Options{})
	rows := []UserSpec{row("a", "+3162*"), row("b", "+31620*"), row("c")}
	if done, err := r.ImportUsers(t.Context(), rows, ImportOptions{DryRun: true}); err != nil || done != (Imported{Added: 3}) || len(r.db.Users()) != 0 {
		t.Errorf("dry run: %+v, %v, %d users", done, err, len(r.db.Users()))
	}
	if done, err := r.ImportUsers(t.Context(), rows[:2], ImportOptions{}); err != nil || done != (Imported{Added: 2}) {
		t.Errorf("import: %+v, %v", done, err)
	}
	if done, err := r.ImportUsers(t.Context(), rows, ImportOptions{SkipExisting: true}); err != nil || done != (Imported{Added: 1, Skipped: 2}) {
		t.Errorf("again: %+v, %v", done, err)
	}
	if v, err := r.User("b"); err != nil || v.Balance.Available != 5 || !v.Imported {
		t.Errorf("%+v, %v", v, err)
	}
	if user, _, ok := r.owners.Load().of(storage.Address{Addr: "31620999"}); !ok || user != "b" {
		t.Errorf("the range is %q's", user)
	}
	if _, err := r.ImportUsers(t.Context(), make([]UserSpec, MaxImport+1), ImportOptions{}); err == nil {
		t.Error("too many were taken")
	}
}

// The quick way to look for clashes finds what the plain one finds.
func TestClaims_SameAsComparingAll(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var users []storage.User
		quick := newClaims(nil)
		for i := range 20 {
			u := storage.User{SystemID: fmt.Sprint(i), AddressRanges: []string{randomRange(rnd)}}
			ranges, err := parseRanges(u.AddressRanges)
			if err != nil {
				t.Fatal(err)
			}
			slow := conflict(users, u.SystemID, ranges)
			if got := quick.add(u); (got == nil) != (slow == nil) {
				t.Fatalf("%v: %v, want %v, beside %v", u.AddressRanges, got, slow, users)
			}
			if slow == nil {
				users = append(users, u)
			}
		}
	}
}

func randomRange(rnd *rand.Rand) string {
	n := 1 + rnd.IntN(3)
	digits := func() string { return fmt.Sprintf("%0*d", n, rnd.IntN(int([]int{1, 10, 100, 1000}[n]))) }
	switch rnd.IntN(10) {
	case 0:
		return "*"
	case 1, 2, 3:
		return digits() + "*"
	case 4, 5, 6:
		return digits()
	}
	ends := []string{digits(), digits()}
	slices.Sort(ends)
	return ends[0] + "-" + ends[1]
}
