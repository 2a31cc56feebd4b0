package smppd

import (
	"sync"
	"sync/atomic"
	"testing"
)

// newPlaces returns places of this size with so many taken.
func newPlaces(t *testing.T, size, taken int) *places {
	t.Helper()
	p := &places{}
	p.resize(size)
	for range taken {
		if !p.take() {
			t.Fatalf("no place among %d", size)
		}
	}
	return p
}

func TestPlaces_Full_NextWaitsInOrder(t *testing.T) {
	p := newPlaces(t, 2, 2)
	if p.take() {
		t.Fatal("a third of two was given")
	}
	first, second := p.join(), p.join()
	p.give()
	if !isDone(first) || isDone(second) {
		t.Errorf("first %v, second %v: the place belongs to the first", isDone(first), isDone(second))
	}
	p.give()
	if !isDone(second) {
		t.Error("the second got none")
	}
}

func TestPlaces_Smaller_TakesEffectAsPlacesComeBack(t *testing.T) {
	p := newPlaces(t, 4, 4)
	p.resize(2)
	c := p.join()
	for range 2 {
		if p.give(); isDone(c) {
			t.Fatal("a place beyond the new size was given")
		}
	}
	if p.give(); !isDone(c) {
		t.Error("no place though one is free")
	}
	if size, used := p.count(); size != 2 || used != 2 {
		t.Errorf("%d of %d taken, want 2 of 2", used, size)
	}
}

func TestPlaces_Larger_WaitersGetThem(t *testing.T) {
	p := newPlaces(t, 1, 1)
	a, b, c := p.join(), p.join(), p.join()
	if p.resize(3); !isDone(a) || !isDone(b) || isDone(c) {
		t.Errorf("given to %v %v %v, want the first two", isDone(a), isDone(b), isDone(c))
	}
	if p.resize(0); p.size != 1 {
		t.Errorf("size %d, want 1 at least", p.size)
	}
}

func TestPlaces_Leave_WaitOrPlaceGivenUp(t *testing.T) {
	p := newPlaces(t, 1, 1)
	a, b := p.join(), p.join()
	p.leave(a)
	if p.give(); !isDone(b) {
		t.Error("who left still stands before the second")
	}
	p.leave(b) // its place had come already
	if !p.take() {
		t.Error("the place of one who left is lost")
	}
}

func TestPlaces_Emptied_WhenTheLastComesBack(t *testing.T) {
	p := newPlaces(t, 2, 2)
	c := p.emptied()
	if p.give(); isDone(c) {
		t.Error("told with one taken")
	}
	if p.give(); !isDone(c) || !isDone(p.emptied()) {
		t.Error("not told with none taken")
	}
}

func TestPlaces_ManyGoroutinesAndSizes_NeverMoreThanTheLargest(t *testing.T) {
	p := newPlaces(t, 3, 0)
	var in, most atomic.Int64
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for range 200 {
				if !p.take() {
					c := p.join()
					if i%5 == 0 && !isDone(c) {
						p.leave(c)
						continue
					}
					<-c
				}
				n := in.Add(1)
				most.Store(max(most.Load(), n))
				in.Add(-1)
				p.give()
			}
		})
	}
	for i := range 500 {
		p.resize(1 + i%4)
	}
	p.resize(3)
	wg.Wait()
	if _, used := p.count(); used != 0 || most.Load() > 4 {
		t.Errorf("%d places lost, %d in use at once, want 4 at most", used, most.Load())
	}
}
