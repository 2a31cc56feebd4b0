package router

import "sync"

// crew are the goroutines that carry the messages of a lane. They stay while the lane
// is served: a new one for each message would have to grow its stack each time.
type crew struct {
	idle chan func() // who has nothing to do waits at it
	most int
	all  sync.WaitGroup

	n int // touched by do only
}

func newCrew(most int) *crew { return &crew{idle: make(chan func()), most: most} }

// do has the job done. It is called by one goroutine, which knows that fewer than most
// jobs are being done: then it waits for no longer than it takes to come back for one.
func (c *crew) do(job func()) {
	select {
	case c.idle <- job:
		return
	default:
	}
	if c.n == c.most {
		c.idle <- job
		return
	}
	c.n++
	c.all.Go(func() {
		for ok := true; ok; job, ok = <-c.idle {
			job()
		}
	})
}

// end returns when all are done, and gone.
func (c *crew) end() {
	close(c.idle)
	c.all.Wait()
}
