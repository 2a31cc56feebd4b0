package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"gsmgate/modem/at"
)

// Player is a modem that says what was recorded. Connections may follow each other, one at a time.
type Player struct {
	scale float64

	mu       sync.Mutex
	sessions [][]*turn
	next     int // session of the next connection
	problems []string
}

// maxProblems bounds the complaints that are kept.
const maxProblems = 100

// New makes a player. With scale 1 all takes as long as it did, with 0.1 a tenth, with 0 no time. Error: nothing was recorded.
func New(t at.Transcript, scale float64) (*Player, error) {
	all := sessions(t)
	if len(all) == 0 {
		return nil, errors.New("replay: nothing is said in the transcript")
	}
	return &Player{scale: max(0, scale), sessions: all}, nil
}

// Problems are the commands that were never recorded, in words, oldest first; the first hundred are kept.
func (p *Player) Problems() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.problems...)
}

// Open gives the driver's end of a new connection, as an opener of ports would; its other end is served until one of them closes or ctx
// ends.
func (p *Player) Open(ctx context.Context, _ string) (io.ReadWriteCloser, error) {
	ours, theirs := net.Pipe()
	go func() {
		_ = p.Serve(ctx, theirs)
		theirs.Close()
	}()
	return ours, nil
}

// Serve plays on one connection until it ends or ctx does; the error is that of reading, io.EOF when the other side has closed.
func (p *Player) Serve(ctx context.Context, conn io.ReadWriter) error {
	c := &connection{player: p, conn: conn, turns: p.session(), heard: make(chan string), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	reading.Go(func() { c.ended <- c.read(ctx) })
	err := c.play(ctx)
	cancel()
	if closer, ok := conn.(io.Closer); ok {
		closer.Close()
	}
	reading.Wait()
	return err
}

// session gives the turns of the next connection, none of them used.
func (p *Player) session() []*turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []*turn
	for _, t := range p.sessions[p.next] {
		fresh = append(fresh, &turn{key: t.key, lines: t.lines})
	}
	p.next = min(p.next+1, len(p.sessions)-1)
	return fresh
}

func (p *Player) complain(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) < maxProblems {
		p.problems = append(p.problems, fmt.Sprintf(format, args...))
	}
}

// connection is the play on one connection.
type connection struct {
	player *Player
	conn   io.ReadWriter
	turns  []*turn
	heard  chan string // commands, and data with its Ctrl-Z
	ended  chan error

	// Touched by play.
	at      int // the first turn that has not been played
	pending []line

	dataMu sync.Mutex
	data   bool // a prompt is out
}

// play answers until the connection ends.
func (c *connection) play(ctx context.Context) error {
	c.say(c.turns[0].lines)
	c.at = 1
	for {
		timer := time.NewTimer(c.untilNext())
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case err := <-c.ended:
			timer.Stop()
			return err
		case <-timer.C:
			c.write(c.pending[0].text)
			c.pending = c.pending[1:]
		case command := <-c.heard:
			timer.Stop()
			for _, l := range c.pending { // they were there before the next command
				c.write(l.text)
			}
			c.pending = nil
			c.answer(command)
		}
	}
}

// quiet is long enough when nothing is to be said.
const quiet = time.Hour

func (c *connection) untilNext() time.Duration {
	if len(c.pending) == 0 {
		return quiet
	}
	return time.Duration(float64(c.pending[0].after) * c.player.scale)
}

func (c *connection) say(lines []line) { c.pending = append([]line(nil), lines...) }

// write sends a line, or the prompt, which is none. What cannot be written is lost, as on a wire.
func (c *connection) write(text string) {
	out := "\r\n" + text + "\r\n"
	if text == ">" {
		c.setData(true)
		out = "\r\n> "
	}
	_, _ = io.WriteString(c.conn, out)
}

func (c *connection) setData(on bool) {
	c.dataMu.Lock()
	defer c.dataMu.Unlock()
	c.data = on
}

func (c *connection) inData() bool {
	c.dataMu.Lock()
	defer c.dataMu.Unlock()
	return c.data
}

// answer finds what was recorded for a command.
func (c *connection) answer(command string) {
	key := keyOf(command)
	for _, find := range []func(string) []line{c.inOrder, c.repeated, c.elsewhere, c.again} {
		if lines := find(key); lines != nil {
			c.say(lines)
			return
		}
	}
	c.player.complain("%q was never recorded in this session; it gets ERROR", at.RedactCommand(command))
	c.say([]line{{0, "ERROR"}})
}

// inOrder takes the next turn with that command, past queries only.
func (c *connection) inOrder(key string) []line {
	for i := c.at; i < len(c.turns); i++ {
		if c.turns[i].key == key && !c.turns[i].used {
			c.at = i + 1
			return c.turns[i].use()
		}
		if !isQuery(c.turns[i].key) && !c.turns[i].used {
			break
		}
	}
	return nil
}

// repeated answers a query as it was answered last.
func (c *connection) repeated(key string) []line {
	if !isQuery(key) {
		return nil
	}
	return c.again(key)
}

// elsewhere takes an unused turn with that command, ahead or behind.
func (c *connection) elsewhere(key string) []line {
	for i := range c.turns {
		j := (c.at + i) % len(c.turns)
		if t := c.turns[j]; t.key == key && !t.used && j > 0 {
			return t.use()
		}
	}
	return nil
}

// again gives the answer that was played last for that command, without what came after it.
func (c *connection) again(key string) []line {
	for i := len(c.turns) - 1; i > 0; i-- {
		if t := c.turns[i]; t.key == key && (t.used || i < c.at) {
			return t.result()
		}
	}
	return nil
}

// use plays a turn; a command that was not answered gets silence.
func (t *turn) use() []line {
	t.used = true
	return append([]line{}, t.lines...)
}

// result is the answer up to its final result.
func (t *turn) result() []line {
	for i, l := range t.lines {
		if isFinal(l.text) {
			return append([]line{}, t.lines[:i+1]...)
		}
	}
	return append([]line{}, t.lines...)
}

// isFinal knows the lines that end an answer, and the prompt.                                            [V.250 5.7.1] [27.005 3.2.5]
func isFinal(text string) bool {
	switch text {
	case "OK", "ERROR", ">", "NO CARRIER", "COMMAND NOT SUPPORT":
		return true
	}
	return strings.HasPrefix(text, "+CMS ERROR") || strings.HasPrefix(text, "+CME ERROR")
}

// maxHeard bounds a command or PDU, in octets.
const maxHeard = 4096

// read takes the driver's octets apart.
func (c *connection) read(ctx context.Context) error {
	buf, now := make([]byte, 512), []byte(nil)
	for {
		n, err := c.conn.Read(buf)
		for _, b := range buf[:n] {
			whole := ""
			switch data := c.inData(); {
			case b == 0x1b:
				c.setData(false)
				now = now[:0]
				continue
			case data && b == 0x1a, !data && b == '\r':
				c.setData(false)
				whole, now = strings.TrimSpace(string(now)), now[:0]
				if b == 0x1a {
					whole += "\x1a"
				}
			case len(now) < maxHeard:
				now = append(now, b)
			}
			if whole == "" {
				continue
			}
			select {
			case c.heard <- whole:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err != nil {
			return err
		}
	}
}
