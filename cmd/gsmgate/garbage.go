package main

import (
	"os"
	"runtime/debug"
	"syscall"
)

// collectLess lets garbage grow to twice what is alive before it is collected, where
// Go's own rule is once: a busy gateway carries some 10 % more messages for it. As its
// memory comes near half of the machine's, it collects as often as it has to. GOGC and
// GOMEMLIMIT in the environment win.
func collectLess() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	var machine syscall.Sysinfo_t
	if os.Getenv("GOMEMLIMIT") == "" && syscall.Sysinfo(&machine) == nil {
		debug.SetMemoryLimit(int64(uint64(machine.Totalram) * uint64(machine.Unit) / 2))
	}
}
