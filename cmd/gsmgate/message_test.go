package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gsmgate/provisioning"
	"gsmgate/storage"
)

// stored makes a data directory with messages of these kinds and returns their
// IDs, the newest first.
func stored(t *testing.T, kinds ...storage.Kind) (dir string, ids []string) {
	t.Helper()
	dir = t.TempDir()
	db, err := storage.Open(filepath.Join(dir, storeFile), storage.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.PutUser(t.Context(), storage.User{SystemID: "acme", Enabled: true}, true); err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds {
		id, err := db.AcceptSync(t.Context(), &storage.Message{Kind: k, User: "acme", State: storage.Enroute, Text: "x"})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id.String())
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(ids)
	return dir, ids
}

// listedIDs are the IDs that gsmgate messages --json prints.
func listedIDs(t *testing.T, c messagesCmd) []string {
	t.Helper()
	var out strings.Builder
	c.JSON = true
	if err := c.Run(&env{ctx: t.Context(), stdout: &out}); err != nil {
		t.Fatal(err)
	}
	var list []provisioning.Message
	if err := json.Unmarshal([]byte(out.String()), &list); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	ids := []string{}
	for _, m := range list {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestMessages_AllPagesNewestFirst(t *testing.T) {
	dir, ids := stored(t, slices.Repeat([]storage.Kind{storage.MT}, 2*page+1)...)
	for _, limit := range []int{0, 1, page - 1, page, page + 1, 2 * page, 2*page + 1, 3 * page} {
		want := ids
		if limit > 0 && limit < len(ids) {
			want = ids[:limit]
		}
		if got := listedIDs(t, messagesCmd{dataDir: dataDir{dir}, Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: %d messages, want %d", limit, len(got), len(want))
		}
	}
}

func TestMessages_ReceiptsOnlyWhenAsked(t *testing.T) {
	dir, ids := stored(t, storage.MT, storage.Receipt, storage.MO, storage.Receipt)
	for kind, want := range map[string][]string{
		"":        {ids[1], ids[3]},
		"all":     ids,
		"MT":      {ids[3]},
		"MO":      {ids[1]},
		"receipt": {ids[0], ids[2]},
	} {
		if got := listedIDs(t, messagesCmd{dataDir: dataDir{dir}, Kind: kind}); !slices.Equal(got, want) {
			t.Errorf("kind %q: %v, want %v", kind, got, want)
		}
	}
	if got := listedIDs(t, messagesCmd{dataDir: dataDir{dir}, Limit: 1}); !slices.Equal(got, ids[1:2]) {
		t.Errorf("a receipt counts in the limit: %v", got)
	}
}
