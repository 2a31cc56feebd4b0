package provisioning

import (
	"fmt"
	"os"
	"runtime/metrics"
)

// Memory is what the gateway's process takes.
type Memory struct {
	Heap       uint64 `json:"heap" doc:"octets alive after the last collection of garbage; 0 before the first"`
	RSS        uint64 `json:"rss" doc:"octets resident; 0 when not known"`
	Goroutines uint64 `json:"goroutines"`
}

// memoryNow stops nothing: the heap is what the last collection of garbage
// counted.
func memoryNow() Memory {
	samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/sched/goroutines:goroutines"}}
	metrics.Read(samples)
	return Memory{Heap: counted(samples[0]), RSS: resident(), Goroutines: counted(samples[1])}
}

// counted is 0 for what this version of Go does not count.
func counted(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}

// resident reads what Linux tells of this process; other systems have no such
// file.
func resident() uint64 {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	var size, pages uint64
	if _, err := fmt.Sscan(string(raw), &size, &pages); err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
