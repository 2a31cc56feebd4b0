package router

import (
	"sync"
	"time"
)

// restOfHands is for how long goroutines are kept for which there was nothing to do.
const restOfHands = 10 * time.Second

// crew are the goroutines that carry the messages of a lane. They stay for a while: a
// new one for each message would have to grow its stack each time.
type crew struct {
	all sync.WaitGroup

	mu     sync.Mutex
	idle   []chan func() // of each that has nothing to do, the one that had last at the end
	fewest int           // were idle at any time since the last look
	looks  *time.Timer   // nil: there are none
	over   bool
}

// do has the job done at once.
func (c *crew) do(job func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := len(c.idle) - 1
	if last < 0 {
		c.hire(job)
		return
	}
	c.idle[last] <- job
	c.idle = c.idle[:last]
	c.fewest = min(c.fewest, last)
}

func (c *crew) hire(job func()) {
	if c.looks == nil {
		c.looks = time.AfterFunc(restOfHands, c.look)
	}
	jobs := make(chan func(), 1)
	jobs <- job
	c.all.Go(func() {
		for job := range jobs {
			job()
			c.back(jobs)
		}
	})
}

// back says that one has nothing to do any more.
func (c *crew) back(jobs chan func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		close(jobs)
		return
	}
	c.idle = append(c.idle, jobs)
}

// look lets those go that were not needed since the last time.
func (c *crew) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	for _, jobs := range c.idle[:c.fewest] {
		close(jobs)
	}
	c.idle = append(c.idle[:0:0], c.idle[c.fewest:]...)
	c.fewest = len(c.idle)
	c.looks.Reset(restOfHands)
}

// end returns when all are done, and gone.
func (c *crew) end() {
	c.mu.Lock()
	c.over = true
	if c.looks != nil {
		c.looks.Stop()
	}
	for _, jobs := range c.idle {
		close(jobs)
	}
	c.idle = nil
	c.mu.Unlock()
	c.all.Wait()
}
