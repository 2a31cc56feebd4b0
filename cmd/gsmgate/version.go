package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is what git says; only the linker writes it (-X main.version=…).
var version string

// programVersion falls back on what the go command knows of the build.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

type versionCmd struct {
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *versionCmd) Run(e *env) error {
	if c.JSON {
		return e.json(map[string]string{"version": programVersion(), "go": runtime.Version()})
	}
	fmt.Fprintf(e.stdout, "gsmgate %s %s %s/%s\n", programVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
