package router

import (
	"sync"
	"sync/atomic"
	"testing"
)

// As many jobs as there are slots are done at once, by no more goroutines than that,
// and none is left when it ends.
func TestCrew_ManyJobs_GoroutinesAreUsedAgain(t *testing.T) {
	const most, jobs = 4, 1000
	c := newCrew(most)
	slots := make(chan struct{}, most)
	var done, now, top atomic.Int32
	var together sync.WaitGroup
	together.Add(most)
	for i := range jobs {
		slots <- struct{}{}
		c.do(func() {
			top.Store(max(top.Load(), now.Add(1)))
			if i < most { // the first ones meet
				together.Done()
				together.Wait()
			}
			now.Add(-1)
			done.Add(1)
			<-slots
		})
	}
	c.end()
	if done.Load() != jobs || top.Load() != most || c.n != most {
		t.Errorf("%d of %d jobs done, %d at once by %d goroutines, want %d", done.Load(), jobs, top.Load(), c.n, most)
	}
}
