package router

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

// channels are those that are registered: some before Run, others come and go
// while it lasts.
type channels struct {
	list atomic.Pointer[[]Channel] // replaced, never changed

	mu      sync.Mutex // over what follows, and changes of list
	start   func(Channel) *channelRun
	running map[string]*channelRun
}

// channelRun is a channel that runs.
type channelRun struct {
	stop  context.CancelFunc
	ended chan struct{}
}

// all gives the channels in the order in which they were added.
func (c *channels) all() []Channel {
	if list := c.list.Load(); list != nil {
		return *list
	}
	return nil
}

// Add registers a channel. While the router runs the channel is started, too.
// Among the channels that carry MT the first is the route. An *Error of code
// Conflict says that the name is taken.
func (r *Router) Add(ch Channel) error {
	if err := r.channels.add(ch); err != nil {
		return err
	}
	r.redraw()
	return nil
}

func (c *channels) add(ch Channel) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all()
	if slices.ContainsFunc(all, func(o Channel) bool { return o.Name() == ch.Name() }) {
		return &Error{Code: Conflict, Field: "name", Message: fmt.Sprintf("there is a channel %s already", ch.Name())}
	}
	all = append(all[:len(all):len(all)], ch)
	c.list.Store(&all)
	if c.start != nil {
		c.running[ch.Name()] = c.start(ch)
	}
	return nil
}

// Remove takes a channel away, and returns when it has stopped. What waits in its
// queue stays there.
func (r *Router) Remove(name string) {
	c := &r.channels
	c.mu.Lock()
	all := slices.DeleteFunc(slices.Clone(c.all()), func(o Channel) bool { return o.Name() == name })
	c.list.Store(&all)
	run := c.running[name]
	delete(c.running, name)
	c.mu.Unlock()
	r.redraw()
	if run != nil {
		run.stop()
		<-run.ended
	}
}

// open starts all channels, and lets others be started until closed is called. A
// channel that fails while ctx lives ends the router: fail.
func (r *Router) openChannels(ctx context.Context, fail func(error)) {
	c := &r.channels
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running = map[string]*channelRun{}
	c.start = func(ch Channel) *channelRun {
		own, stop := context.WithCancel(ctx)
		run := &channelRun{stop, make(chan struct{})}
		go func() {
			defer close(run.ended)
			if err := ch.Run(own, r); err != nil && own.Err() == nil {
				fail(fmt.Errorf("channel %s: %w", ch.Name(), err))
			}
		}()
		return run
	}
	for _, ch := range c.all() {
		c.running[ch.Name()] = c.start(ch)
	}
}

// closeChannels waits for all of them; their context has ended.
func (r *Router) closeChannels() {
	c := &r.channels
	c.mu.Lock()
	all := c.running
	c.start, c.running = nil, nil
	c.mu.Unlock()
	for _, run := range all {
		run.stop()
		<-run.ended
	}
}
