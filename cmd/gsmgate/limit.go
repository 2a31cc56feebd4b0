package main

import (
	"net"
	"sync"
)

// limitListener hands out at most so many connections at once; the next ones
// wait in the kernel's queue until one is closed.
type limitListener struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	close  func() error
}

func limited(ln net.Listener, most int) *limitListener {
	l := &limitListener{Listener: ln, places: make(chan struct{}, most), closed: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closed)
		return ln.Close()
	})
	return l
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &limitedConn{conn, sync.OnceFunc(func() { <-l.places })}, nil
}

func (l *limitListener) Close() error { return l.close() }

// limitedConn gives its place back when it is closed.
type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.leave()
	return err
}
