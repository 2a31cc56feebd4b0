package router

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// meets has so many jobs be done at once.
func (c *crew) meets(n int) {
	begun, end := make(chan struct{}), make(chan struct{})
	for range n {
		c.do(func() { begun <- struct{}{}; <-end })
	}
	for range n {
		<-begun
	}
	close(end)
}

func (c *crew) idlers() int {
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.idle)
}

func TestCrew_NotNeeded_Goes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c crew
		c.meets(100)
		if n := c.idlers(); n != 100 {
			t.Fatalf("%d are kept of 100", n)
		}
		for range 30 { // seconds in which three are needed
			c.meets(3)
			pass(time.Second)
		}
		if n := c.idlers(); n != 3 {
			t.Errorf("%d are kept of 3", n)
		}
		pass(3 * restOfHands)
		if n := c.idlers(); n != 0 {
			t.Errorf("%d are kept of none", n)
		}
		c.meets(2)
		c.end()
	})
}

// All jobs are done, and the ones who do them are gone, when it ends.
func TestCrew_End_WaitsForJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c crew
		var done atomic.Int32
		for range 50 {
			c.do(func() { time.Sleep(time.Second); done.Add(1) })
			c.do(func() { done.Add(1) })
		}
		c.end()
		if done.Load() != 100 {
			t.Errorf("%d of 100 jobs done", done.Load())
		}
	})
}
