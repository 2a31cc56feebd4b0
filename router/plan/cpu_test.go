package plan

import "syscall"

// cpuTime is what the process has used, in nanoseconds: it does not count what
// others on the machine do meanwhile.
func cpuTime() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
