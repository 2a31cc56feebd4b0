package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// refusedPINs remembers on disk which PIN a SIM has refused, one file each, so
// that no restart burns another of the three tries. It is a modem.PINMemory.
type refusedPINs struct{ dir string }

func (r refusedPINs) file(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(r.dir, hex.EncodeToString(sum[:16]))
}

// Refused is true too when nobody can tell: a try not made can be made later.
func (r refusedPINs) Refused(key string) bool {
	_, err := os.Stat(r.file(key))
	return !errors.Is(err, fs.ErrNotExist)
}

// Refuse is on disk when it returns nil.
func (r refusedPINs) Refuse(key string) error {
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(r.file(key), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close(), syncDir(r.dir))
}

func (r refusedPINs) Accept(key string) error {
	err := os.Remove(r.file(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// syncDir puts the names in a directory on disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
