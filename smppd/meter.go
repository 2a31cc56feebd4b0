package smppd

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// meterTime is how old a message is, on average, in the rate of a meter: as in a plain average
// over the last minute.
const meterTime = 30 * time.Second

// meterStep is how often a meter that counts looks at the clock's hand.
const meterStep = int64(time.Second)

// meter counts messages and knows their rate of the last minute or so: an average whose weights
// fall exponentially with age. A message costs two atomic operations; once a second one takes the
// lock.
type meter struct {
	total atomic.Uint64
	next  atomic.Int64 // when the lock is to be taken, in nanoseconds since the session began

	mu     sync.Mutex
	last   int64   // under mu: the time of sum
	folded uint64  // under mu: what of total is in sum
	sum    float64 // under mu: the messages, each weighed by its age at last
}

// add counts n messages at now.
func (m *meter) add(n int, now int64) {
	m.total.Add(uint64(n))
	if now >= m.next.Load() {
		m.next.Store(now + meterStep)
		m.mu.Lock()
		m.fold(now)
		m.mu.Unlock()
	}
}

// fold brings sum to now; it is called under mu.
func (m *meter) fold(now int64) {
	total := m.total.Load()
	m.sum = m.sum*decay(now-m.last) + float64(total-m.folded)
	m.folded, m.last = total, max(now, m.last)
}

func decay(age int64) float64 { return math.Exp(-float64(max(age, 0)) / float64(meterTime)) }

// rate is in messages a second, for a meter that has counted since the time 0. In the first
// minute it is the average over what there was of it.
func (m *meter) rate(now int64) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fold(now)
	weight := 1 - decay(max(now, meterStep))
	return m.sum / (meterTime.Seconds() * weight)
}
