package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestOwnedBelow_RootForAnotherUser_TheirDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	parent := t.TempDir()
	if err := os.Chown(parent, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for range 2 { // made, and there already
		if err := ownedBelow(parent, "below"); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(parent, "below"))
	if err != nil {
		t.Fatal(err)
	}
	if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 12345 || info.Mode().Perm() != 0o700 {
		t.Errorf("owner %d, mode %v", owner.Uid, info.Mode())
	}
}
