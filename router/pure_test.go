package router

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gsmgate/storage"
)

func TestBackoff_DoublesToAMost_SpreadByAFifth(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: time.Second, 0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second,
		8: 128 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1000: 5 * time.Minute,
	} {
		for unit, factor := range map[float64]float64{0: 0.8, 0.5: 1, 0.999999: 1.2} {
			got, w := backoff(n, unit), time.Duration(float64(want)*factor)
			if d := got - w; d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("backoff(%d, %v) = %v, want %v", n, unit, got, w)
			}
		}
	}
}

// The table is printed so that a change of it is seen in review.
func TestMoves_TheTable(t *testing.T) {
	const want = `
SCHEDULED      ENROUTE EXPIRED DELETED
ENROUTE        SCHEDULED DELIVERED EXPIRED DELETED UNDELIVERABLE UNKNOWN REJECTED
DELIVERED
EXPIRED
DELETED
UNDELIVERABLE
ACCEPTED
UNKNOWN        ENROUTE DELIVERED UNDELIVERABLE EXPIRED DELETED REJECTED
REJECTED
`
	var b strings.Builder
	b.WriteByte('\n')
	for s := storage.Scheduled; s <= storage.Rejected; s++ {
		line := fmt.Sprintf("%-14s", StateWord(s))
		for _, to := range moves[s] {
			line += " " + StateWord(to)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if b.String() != want {
		t.Errorf("the table is now%s", b.String())
	}
}

func TestCandidates_ReferenceFirst_ThenLostOnes_ThenOthers(t *testing.T) {
	refs := []storage.PartRef{{ID: 5, Ref: ""}, {ID: 4, Ref: "7"}, {ID: 3, Ref: "8"}, {ID: 2, Ref: ""}, {ID: 1, Ref: "7"}}
	var got []storage.ID
	known, lost, other := sortOut(refs, "7")
	for _, c := range append(append(known, lost...), other...) {
		got = append(got, c.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint([]storage.ID{4, 1, 2, 5, 3}) {
		t.Errorf("candidates = %v", got)
	}
}

func TestPassword_HashAndCheck(t *testing.T) {
	h := hashPassword("s3cret")
	if ok, err := checkPassword(h, "s3cret"); !ok || err != nil {
		t.Errorf("right password: %v, %v", ok, err)
	}
	if ok, err := checkPassword(h, "s3creT"); ok || err != nil {
		t.Errorf("wrong password: %v, %v", ok, err)
	}
	if h == hashPassword("s3cret") {
		t.Error("two hashes of one password are the same: no salt")
	}
	for _, bad := range []string{"", "s3cret", "$argon2id$v=19$m=9$x", "$argon2i$v=19$m=7168,t=5,p=1$AA$AA", "$argon2id$v=19$m=7168,t=0,p=1$AA$AA", "$argon2id$v=19$m=999999999,t=1,p=1$AA$AA"} {
		if ok, err := checkPassword(bad, "s3cret"); ok || err == nil {
			t.Errorf("checkPassword(%q) = %v, %v; want an error", bad, ok, err)
		}
	}
	if ok, err := checkPassword(dummyHash, "x"); ok || err != nil {
		t.Errorf("the dummy hash: %v, %v; want no match and no error", ok, err)
	}
}
