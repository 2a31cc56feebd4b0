package storage

import (
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
)

func TestSums_MoneyThatDoesNotAddUp_Found(t *testing.T) {
	c, err := newCodec()
	if err != nil {
		t.Fatal(err)
	}
	balance := func(b Balance) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			return tx.Bucket(inBalances.name()).Put([]byte("alice"), mustEncode(t, c, &b))
		}
	}
	entry := func(seq uint64) func(tx *bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			return tx.Bucket(inLedger.name()).Put(be64(seq), mustEncode(t, c, &Entry{User: "alice", Kind: TopUp, Amount: 1}))
		}
	}
	for name, damage := range map[string]struct {
		do   func(tx *bolt.Tx) error
		want string // "": nothing is found
	}{
		"none":                  {func(*bolt.Tx) error { return nil }, ""},
		"sum of a balance":      {balance(Balance{100, 95, 10, 0}), "granted 100 is not"},
		"below its limit":       {balance(Balance{0, -10, 10, 0}), "below its limit"},
		"spent without a cause": {balance(Balance{100, 85, 10, 5}), "its ledger says"},
		"entry lost":            {func(tx *bolt.Tx) error { return tx.Bucket(inLedger.name()).Delete(be64(1)) }, "entry 1 expected"},
		"entry too many":        {entry(3), "its ledger says"},
		"too long to be summed": {entry(mostSummed + 1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			db := damagedDB(t, damage.do)
			if err := db.Sums(); (err == nil) != (damage.want == "") || err != nil && !strings.Contains(err.Error(), damage.want) {
				t.Errorf("got %v, want %q in it", err, damage.want)
			}
		})
	}
}
