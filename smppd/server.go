package smppd

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Server serves SMPP to ESMEs, on any number of listeners.
type Server struct {
	cfg     Config
	backend Backend
	log     *slog.Logger
	prefix  string // of session ids, another one with each start
	door    *door
	lobby   *lobby
	stats   totals
	traces  traces
	strange *strangers

	mu       sync.Mutex
	lastID   uint64                // under mu
	sessions map[*Session]struct{} // under mu: every connection, bound or not
	binds    int                   // under mu: bound sessions and binds under way
}

// totals are counts over the life of a server.
type totals struct {
	connections, handshakes, panics atomic.Uint64
	forbidden, crowded              atomic.Uint64
}

// New returns a server; nothing runs before Serve.
func New(cfg Config, b Backend, log *slog.Logger) *Server {
	cfg = cfg.withDefaults()
	var id [4]byte
	_, _ = rand.Read(id[:]) // it never fails
	return &Server{
		cfg: cfg, backend: b, log: log,
		prefix:   hex.EncodeToString(id[:]),
		door:     newDoor(cfg, log),
		lobby:    newLobby(cfg),
		strange:  newStrangers(),
		sessions: make(map[*Session]struct{}),
	}
}

// Serve accepts connections from l until ctx ends, and may run for several listeners at once. A
// connection that is a *tls.Conn, such as those of ListenTLS, makes its handshake first.
//
// When ctx ends the listener is closed, every session of it is closed in order (see
// Session.Close), and Serve returns nil after the last goroutine is gone. It returns an error when
// the listener fails; the sessions are closed then, too.
func (srv *Server) Serve(ctx context.Context, l net.Listener) error {
	g := &serving{srv: srv, ctx: ctx, sessions: make(map[*Session]struct{})}
	listening, stop := context.WithCancel(ctx)
	g.conns.Go(func() {
		<-listening.Done()
		l.Close()
	})
	g.conns.Go(func() { srv.strange.run(listening, srv.log) })
	err := g.accept(l)
	stop()
	srv.lobby.clear(func(n *newcomer) bool { return n.of == g })
	g.closeAll("the server stops")
	g.conns.Wait()
	srv.strange.tell(srv.log)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("accept: %w", err)
}

// serving is one run of Serve.
type serving struct {
	srv   *Server
	ctx   context.Context
	conns sync.WaitGroup

	mu       sync.Mutex
	sessions map[*Session]struct{} // under mu
	stopped  bool                  // under mu: no session is added any more
}

// accept takes connections until the listener is closed or fails for good.
func (g *serving) accept(l net.Listener) error {
	var pause time.Duration
	for {
		conn, err := l.Accept()
		if err != nil {
			if g.ctx.Err() != nil || !temporary(err) {
				return err
			}
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			g.srv.log.Warn("accept fails, will try again", "err", err, "in", pause)
			sleep(g.ctx, pause)
			continue
		}
		pause = 0
		g.welcome(conn)
	}
}

// welcome lets a connection in, now or in its turn, or closes it at once. It does not block.
func (g *serving) welcome(conn net.Conn) {
	srv, from := g.srv, addressOf(conn.RemoteAddr())
	if !srv.door.allowed(from) {
		srv.stats.forbidden.Add(1)
		srv.door.complain("the address is not among the allowed ones", conn.RemoteAddr())
		closeRaw(conn)
		return
	}
	g.conns.Add(1)
	srv.lobby.enter(&newcomer{
		from: from, since: time.Now(), of: g,
		start: func() { g.start(conn, from) },
		leave: func() {
			defer g.conns.Done()
			srv.stats.crowded.Add(1)
			srv.door.complain("too many connections have not bound", conn.RemoteAddr())
			closeRaw(conn)
		},
	})
}

// start begins the session of a connection that has its place.
func (g *serving) start(conn net.Conn, from netip.Addr) {
	g.srv.stats.connections.Add(1)
	s := g.srv.newSession(conn, from)
	if !g.add(s) { // the server stops
		defer g.conns.Done()
		closeRaw(conn)
		g.srv.remove(s)
		return
	}
	go func() {
		defer g.conns.Done()
		defer g.remove(s)
		g.srv.serve(g.ctx, s)
	}()
}

// temporary tells errors of one connection, or of a moment, from those of the listener: running
// out of descriptors or memory, or a peer that gave up.
func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// add is false when all sessions were told to close: there is to be no other one.
func (g *serving) add(s *Session) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.stopped {
		g.sessions[s] = struct{}{}
	}
	return !g.stopped
}

func (g *serving) remove(s *Session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sessions, s)
}

// closeAll begins the end of every session; none is added any more.
func (g *serving) closeAll(reason string) {
	g.mu.Lock()
	g.stopped = true
	all := make([]*Session, 0, len(g.sessions))
	for s := range g.sessions {
		all = append(all, s)
	}
	g.mu.Unlock()
	for _, s := range all {
		s.Close(reason)
	}
}

// newSession makes the session of a connection that holds a place among the unbound.
func (srv *Server) newSession(conn net.Conn, from netip.Addr) *Session {
	srv.mu.Lock()
	srv.lastID++
	id := fmt.Sprintf("%s-%d", srv.prefix, srv.lastID)
	srv.mu.Unlock()
	release := sync.OnceFunc(func() { srv.lobby.left(from) })
	s := newSession(srv, id, conn, rawOf(conn), release)
	srv.mu.Lock()
	srv.sessions[s] = struct{}{}
	srv.mu.Unlock()
	return s
}

// serve is the life of one connection.
func (srv *Server) serve(ctx context.Context, s *Session) {
	defer srv.remove(s)
	defer s.raw.Close()
	if err := s.handshake(ctx); err != nil {
		srv.stats.handshakes.Add(1)
		s.die()
		srv.strange.handshakes.say(s.log, "err", err)
		return
	}
	go func() {
		defer close(s.writerDone)
		s.writeLoop()
	}()
	end := s.readLoop(ctx)
	s.finish(end)
	s.keepTrace()
	srv.remove(s)
	s.logEnd()
	if s.binding.Load() != nil {
		srv.unreserve()
		s.faults.close()
		srv.backend.Closed(s)
	}
	if end.orderly {
		s.linger()
	}
}

// handshake makes the TLS handshake, when there is one to make, and sets the session-init timer,
// which also covers it: the read deadline that a bind takes away. [SMPP34 7.2]
func (s *Session) handshake(ctx context.Context) error {
	if limit := s.srv.cfg.SessionInit; limit > 0 {
		if err := s.raw.SetDeadline(s.started.Add(limit)); err != nil {
			return err
		}
	}
	if t, ok := s.conn.(*tls.Conn); ok {
		return t.HandshakeContext(ctx)
	}
	return nil
}

func (s *Session) logEnd() {
	why := s.ending.Load()
	args := []any{"reason", why.reason}
	if why.cause != nil {
		args = append(args, "err", why.cause)
	}
	b := s.binding.Load()
	if b == nil {
		s.srv.strange.ended.say(s.log, args...)
		return
	}
	args = append(args, "system_id", b.systemID, "submits", s.counts.in.total.Load(), "delivers", s.counts.out.total.Load())
	s.log.Info("session ended", args...)
}

// remove takes s off the lists. It may be called again.
func (srv *Server) remove(s *Session) {
	s.unbound()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	delete(srv.sessions, s)
}

// reserve takes a place among the bound sessions; false when there is none.
func (srv *Server) reserve() bool {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if srv.binds >= srv.cfg.MaxSessions {
		return false
	}
	srv.binds++
	return true
}

func (srv *Server) unreserve() {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	srv.binds--
}

// rawOf is the connection under a TLS one, or conn itself.
func rawOf(conn net.Conn) net.Conn {
	if t, ok := conn.(*tls.Conn); ok {
		return t.NetConn()
	}
	return conn
}

// closeRaw closes without a close_notify, which could block.
func closeRaw(conn net.Conn) { rawOf(conn).Close() }
