package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/router"
	"gsmgate/storage"
)

// Names inside a data directory.
const (
	storeFile  = "gsmgate.db"
	socketFile = "admin.sock"
	tokenFile  = "admin.token"
	refusedDir = "refused-pins"
)

// dataDir is the flag that all commands but version share.
type dataDir struct {
	Data string `name:"data" required:"" placeholder:"DIR" env:"GSMGATE_DATA" help:"data directory"`
}

func (d dataDir) path(name string) string { return filepath.Join(d.Data, name) }

// access says what a command does when no gateway runs.
type access int

const (
	needsGateway access = iota // nothing without one
	reads                      // looks into the file
	writes                     // changes the file
	creates                    // changes the file, and makes it when there is none
)

// call hands do a client of the running gateway or, without one and where
// access allows, of an API over the file in this process.
func (d dataDir) call(e *env, a access, do func(ctx context.Context, c *client.Client) error) error {
	c := client.Unix(d.path(socketFile))
	defer c.Close()
	if err := d.probe(e.ctx, c); err == nil {
		return do(e.ctx, c)
	} else if !errors.Is(err, client.ErrNoGateway) {
		return err
	}
	if a == needsGateway {
		return fail("start it with gsmgate serve --data "+d.Data, "no gateway runs on %s", d.Data)
	}
	db, err := d.open(a)
	if err != nil {
		return err
	}
	api := provisioning.New(provisioning.Config{Router: router.New(db, router.Options{}), Version: programVersion(), Conformance: statement, CheckChannel: checkChannel, Presets: presets, TryChannel: tryChannel})
	return errors.Join(do(e.ctx, client.Local(api)), db.Close())
}

// probePatience is how long a gateway may take to say that it is there.
const probePatience = 15 * time.Second

// probe asks whether a gateway runs: nil, client.ErrNoGateway, or why it
// cannot be used.
func (d dataDir) probe(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, probePatience)
	defer cancel()
	_, err := c.Version(ctx)
	switch {
	case err == nil, errors.Is(err, client.ErrNoGateway), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fail("only the user who runs the gateway, or root, may use its socket", "%s: permission denied", d.path(socketFile))
	}
	return fail("look into its log, or restart it", "%s: %w", d.path(socketFile), err)
}

// open opens the file that no gateway has open.
func (d dataDir) open(a access) (*storage.DB, error) {
	path := d.path(storeFile)
	_, err := os.Stat(path)
	switch {
	case err == nil && a == reads:
		return storage.OpenReadOnly(path)
	case err == nil:
		return storage.Open(path, storage.Options{})
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case a != creates:
		return nil, fail("check --data; gsmgate serve makes a new directory", "no gsmgate data in %s", d.Data)
	}
	if err := makeDir(d.Data); err != nil {
		return nil, err
	}
	return storage.Open(path, storage.Options{})
}

// makeDir makes the data directory for its owner only: it holds messages.
func makeDir(dir string) error {
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fail("choose a directory that may be written with --data", "cannot make %s: %w", dir, err)
}
