package router

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"gsmgate/storage"
)

// BenchmarkLane_Receipts drains receipts to one client that answers at once, or
// after a while: each in a conversation of its own, or a hundred in each.
//
//	go test -run xxx -bench Lane_Receipts -benchtime 100000x ./router
func BenchmarkLane_Receipts(b *testing.B) {
	for _, window := range []int{10, 100} {
		for _, rtt := range []time.Duration{0, 5 * time.Millisecond} {
			lane := Lane{ID: "user:acme", Queue: "user:acme", Window: window, Order: conversation}
			for _, each := range []int{1, 100} { // messages of one conversation
				b.Run(fmt.Sprintf("window=%d/rtt=%v/each=%d", window, rtt, each), func(b *testing.B) { benchLane(b, lane, rtt, each) })
			}
		}
	}
}

func benchLane(b *testing.B, l Lane, rtt time.Duration, each int) {
	db, err := storage.Open(b.TempDir()+"/db", storage.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	r := New(db, Options{})
	if _, err := r.AddUser(b.Context(), UserSpec{SystemID: "acme", Password: "secret"}); err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		for {
			if err := keepReceipt(db, fmt.Sprint(31600000000+i%max(1, b.N/each))); err == nil {
				break
			}
			time.Sleep(time.Millisecond) // too many at once
		}
	}
	for db.Queued("user:acme") < b.N {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	_ = r.Serve(ctx, l, SenderFunc(func(context.Context, *storage.Message, int) (string, error) {
		if rtt > 0 {
			time.Sleep(rtt)
		}
		if left.Add(-1) == 0 {
			cancel()
		}
		return "", nil
	}))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
}

// keepReceipt hands a receipt about a message to the number to the store.
func keepReceipt(db *storage.DB, number string) error {
	now := storage.TimeOf(time.Now())
	failed := make(chan error, 1)
	db.Accept(receiptOf(number, now), func(_ storage.ID, err error) {
		if err != nil {
			failed <- err
		}
	})
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

func receiptOf(number string, now storage.Time) *storage.Message {
	return &storage.Message{
		Kind: storage.Receipt, User: "acme", Source: storage.Address{Addr: number}, Dest: storage.Address{Addr: "100"},
		State: storage.Enroute, AcceptedAt: now, ExpiresAt: now + 1e9, Deadline: now + 1e9,
		Queue: "user:acme", DueAt: now, Parts: []storage.Part{{}},
		About: &storage.About{ID: 1, State: storage.Delivered, Submitted: 1, Delivered: 1},
	}
}

// conversation is one of two addresses.
func conversation(m *storage.Message) string { return m.Source.Addr + "\x00" + m.Dest.Addr }
