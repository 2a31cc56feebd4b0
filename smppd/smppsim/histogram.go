package smppsim

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets that are at most 1/32 of their value
// wide, from a microsecond up. It has a fixed size.
type histogram struct {
	counts [64 * 32]atomic.Int64
}

const subBuckets = 32

func (h *histogram) add(d time.Duration) { h.counts[bucketOf(d)].Add(1) }

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0) / time.Microsecond)
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - 6 // leaves 32 to 63
	return (shift+1)*subBuckets + int(v>>shift) - subBuckets
}

// upper returns the greatest duration of a bucket.
func upper(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket) * time.Microsecond
	}
	shift := bucket/subBuckets - 1
	return time.Duration((uint64(bucket%subBuckets+subBuckets+1)<<shift)-1) * time.Microsecond
}

// quantile returns the duration that the share q of all does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	total := int64(0)
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	rank := int64(q*float64(total) + 0.5)
	for i := range h.counts {
		if rank -= h.counts[i].Load(); rank <= 0 && total > 0 {
			return upper(i)
		}
	}
	return 0
}
