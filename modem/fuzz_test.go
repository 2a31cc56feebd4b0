package modem

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzSession lets a modem answer each query with something that has the right name and any parameters, and say the same by itself:
// nothing panics, and the bank stops when it is told to.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{"1,1", "\"0,1", "READY", "SIM PIN\n0,1\n,", "(\"SM\"\n\"SM\",7\n1,1,,4\n00FF", "0,0,\"x\n(0-2),(0-3)\n-1", "\"\"\n99999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		synctest.Test(t, func(t *testing.T) { babble(t, strings.Split(data, "\n")) })
	})
}

func babble(t *testing.T, words []string) {
	k, turn := newStick(), 0
	next := func() string { turn++; return words[turn%len(words)] }
	k.hook = func(c string) (string, bool) {
		name, _, query := strings.Cut(strings.TrimPrefix(c, "AT"), "?")
		if command, _, set := strings.Cut(name, "="); set {
			name, query = command, true
		}
		if c == "AT+CMGF?" || c == "AT+CMEE?" || !query && !strings.HasPrefix(name, "+") {
			return "", false
		}
		return name + ": " + next() + "\n" + next(), true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, name := range []string{"+CMTI: ", "+CREG: ", "+CPIN: ", "+CMT: ", "+CDS: ", "+CDSI: ", "+CUSD: ", "+CLIP: "} {
			time.Sleep(5 * time.Second)
			k.mu.Lock()
			open, word := k.conn != nil, next()
			k.mu.Unlock()
			if open {
				k.say(name+word, word)
			}
		}
	}()
	var conns []io.Closer
	b := NewBank(Config{Ports: []string{"/dev/stick0"}, PIN: "7391", Handler: newMemory(), Sweep: 10 * time.Second, Idle: 5 * time.Second,
		Open: func(ctx context.Context, path string) (io.ReadWriteCloser, error) {
			port, err := k.open(ctx, path)
			conns = append(conns, k.conn)
			return port, err
		}})
	_ = b.Run(ctx)
	for _, c := range conns {
		c.Close()
	}
	<-done
}
