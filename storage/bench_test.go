package storage

import (
	"bytes"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// benchMessage encodes to about 300 octets.
func benchMessage() *Message {
	now := TimeOf(time.Now())
	m := mt("bench", 1000)
	m.Data = bytes.Repeat([]byte("x"), 160)
	m.AcceptedAt, m.DueAt = now, now
	m.ExpiresAt, m.Deadline = now+86400000, now+86400000
	m.Session = "smpp:203.0.113.7:41234"
	m.Events = []Event{{now, "accepted", "smpp bench"}, {now, "route", "default to modems"}}
	return m
}

// BenchmarkAccept keeps 1600 messages in flight, as 16 sessions with a window
// of 100 do.
func BenchmarkAccept(b *testing.B) {
	db := openTest(b, Options{})
	addUser(b, db, "bench", 1e15)
	inFlight := make(chan struct{}, 1600)
	var all sync.WaitGroup
	all.Add(b.N)
	done := func(_ ID, err error) {
		if err != nil {
			b.Error(err)
		}
		<-inFlight
		all.Done()
	}
	b.ResetTimer()
	var callers sync.WaitGroup
	for c := range 16 {
		callers.Go(func() {
			for i := c; i < b.N; i += 16 {
				inFlight <- struct{}{}
				db.Accept(benchMessage(), done)
			}
		})
	}
	callers.Wait()
	all.Wait()
	b.StopTimer()
	report(b, db)
}

func report(b *testing.B, db *DB) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	if db != nil {
		s := db.Stats()
		b.ReportMetric(float64(s.Operations)/float64(s.Commits), "ops/commit")
		b.ReportMetric(float64(s.Bytes)/float64(s.Operations), "B-disk/op")
	}
}

// BenchmarkRawBolt puts the same octets into the same buckets with nothing
// around: groups of 1600, in the order of their keys.
func BenchmarkRawBolt(b *testing.B) {
	db := openTest(b, Options{})
	m := benchMessage()
	value, err := db.codec.encode(m)
	if err != nil {
		b.Fatal(err)
	}
	entry, err := db.codec.encode(&Entry{At: m.DueAt, User: m.User, Kind: Hold, Amount: 1000, Message: FirstID})
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("a message is %d octets, a ledger entry %d", len(value), len(entry))
	raw, err := bolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, &bolt.Options{
		FreelistType: bolt.FreelistMapType, PageSize: pageSize, InitialMmapSize: 1 << 30, NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	if err := raw.Update(createBuckets); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for n := 0; n < b.N; n += 1600 {
		if err := raw.Update(func(tx *bolt.Tx) error { return rawGroup(tx, m, n, min(1600, b.N-n), value, entry) }); err != nil {
			b.Fatal(err)
		}
	}
	b.StopTimer()
	report(b, nil)
}

func rawGroup(tx *bolt.Tx, m *Message, first, n int, value, entry []byte) error {
	var keys arena
	var puts [buckets][]put
	for i := first; i < first+n; i++ {
		id := FirstID + ID(i)
		puts[inMessages] = append(puts[inMessages], put{key: keys.be64(uint64(id)), value: value})
		puts[inLedger] = append(puts[inLedger], put{key: keys.be64(uint64(i)), value: entry})
		puts[inDue] = append(puts[inDue], put{key: keys.dueKey(m.Queue, m.Flow(), m.DueAt, id), value: keys.be64(uint64(m.Talk()))})
		puts[inDeadline] = append(puts[inDeadline], put{key: keys.deadlineKey(m.Deadline, id)})
	}
	for b := range buckets {
		bkt := tx.Bucket(b.name())
		bkt.FillPercent = b.fill()
		for _, p := range puts[b] {
			if err := bkt.Put(p.key, p.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// BenchmarkChange marks an attempt and its outcome: two changes a message.
func BenchmarkChange(b *testing.B) {
	db := openTest(b, Options{})
	addUser(b, db, "bench", 1e15)
	ids := make([]ID, 0, 5000)
	for range cap(ids) / 100 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		wg.Add(100)
		for range 100 {
			db.Accept(benchMessage(), func(id ID, err error) {
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
				wg.Done()
			})
		}
		wg.Wait()
	}
	slices.Sort(ids)
	inFlight := make(chan struct{}, 64)
	b.ResetTimer()
	for i := range b.N {
		inFlight <- struct{}{}
		state := PartTrying
		if i/len(ids)%2 == 1 {
			state = PartSent
		}
		db.Change(ids[i%len(ids)], func(m *Message, now Time) ([]*Message, error) {
			m.Parts[0].State, m.Parts[0].Lane, m.Parts[0].Match, m.Parts[0].Ref = state, "sim:8931", "31687654321", "17"
			return nil, nil
		}, func(_ *Message, err error) {
			if err != nil {
				b.Error(err)
			}
			<-inFlight
		})
	}
	for range cap(inFlight) {
		inFlight <- struct{}{}
	}
	b.StopTimer()
	report(b, db)
}
