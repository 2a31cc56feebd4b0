//go:build unix

package storage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func child(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	cmd.Stderr = os.Stderr
	return cmd
}

// childAccept accepts and changes messages until it is killed and prints the
// ID of each that was answered.
func childAccept(path string) {
	db, err := Open(path, Options{})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if _, ok := db.User("alice"); !ok {
		if err := db.PutUser(context.Background(), User{SystemID: "alice"}, true); err != nil {
			fmt.Println("error:", err)
			return
		}
		if _, err := db.Grant(context.Background(), "alice", maxMoney, ""); err != nil {
			fmt.Println("error:", err)
			return
		}
	}
	window := make(chan struct{}, 50)
	for {
		window <- struct{}{}
		db.Accept(mt("alice", 7), func(id ID, err error) {
			<-window
			if err != nil {
				fmt.Println("error:", err)
				return
			}
			fmt.Println(id)
			db.Change(id, func(m *Message, now Time) ([]*Message, error) {
				m.Held, m.Spent, m.Queue = 0, m.Held, ""
				return []*Message{{Kind: Receipt, User: "alice", Queue: "esme", DueAt: now}}, nil
			}, func(*Message, error) {})
		})
	}
}

func TestKill_AnsweredMessagesAreThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	answered := map[ID]bool{}
	for range 5 {
		killedRun(t, path, answered)
		checkFile(t, path)
	}
	if len(answered) == 0 {
		t.Fatal("nothing was answered before the kills")
	}
	db, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for id := range answered {
		if _, err := db.Message(id); err != nil {
			t.Fatalf("message %s was answered and is lost: %v", id, err)
		}
	}
}

func killedRun(t *testing.T, path string, answered map[ID]bool) {
	t.Helper()
	cmd := child(t, "accept", path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if n == 0 {
			time.AfterFunc(time.Duration(rand.IntN(80))*time.Millisecond, func() { cmd.Process.Kill() })
		}
		// A line that the kill has cut is not an answer.
		if len(lines.Text()) != 8 {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
			}
			continue
		}
		id, err := ParseID(lines.Text())
		if err != nil {
			t.Error(err)
		}
		if answered[id] {
			t.Errorf("ID %s was given twice", id)
		}
		answered[id] = true
	}
	cmd.Wait()
}

// childFullDisk fills the file up to a limit of the system's, and sees that
// the store says so, stands, and goes on when there is room again.
func childFullDisk(path string) {
	if err := fullDisk(path); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("passed")
}

func fullDisk(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	db, err := Open(path, Options{MaxSize: 1 << 24}) // a small map, so that the file grows in small steps
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.PutUser(ctx, User{SystemID: "alice"}, true); err != nil {
		return err
	}
	if _, err := db.Grant(ctx, "alice", maxMoney, ""); err != nil {
		return err
	}
	if err := limitFile(256 << 10); err != nil {
		return err
	}
	stored := 0
	for err == nil && stored < 1e5 {
		if _, err = db.AcceptSync(ctx, mt("alice", 1)); err == nil {
			stored++
		}
	}
	if !errors.Is(err, ErrFull) {
		return fmt.Errorf("after %d messages: %w, want ErrFull", stored, err)
	}
	if b, _ := db.Balance("alice"); b.Held != Millicredits(stored) || db.Queued("modems") != stored {
		return fmt.Errorf("%d stored, but %+v and %d queued", stored, b, db.Queued("modems"))
	}
	if err := limitFile(1 << 30); err != nil {
		return err
	}
	if _, err := db.AcceptSync(ctx, mt("alice", 1)); err != nil {
		return fmt.Errorf("with room again: %w", err)
	}
	return db.Check(ctx)
}

func limitFile(size uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = size
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
}

func TestFullDisk_RefusedAndUndone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	out, err := child(t, "full disk", path).Output()
	if err != nil || strings.TrimSpace(string(out)) != "passed" {
		t.Fatalf("%v: %s", err, out)
	}
	checkFile(t, path)
}
