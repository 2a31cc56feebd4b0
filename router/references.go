package router

import (
	"math/rand/v2"
	"sync"
)

// References gives out concatenation references: another one for each long
// message to the same recipient by the same way, or their parts would mix on the
// handset [23.040 9.2.3.24.1].
type References struct {
	mu   sync.Mutex
	last map[string]uint8
}

// mostReferences bounds the memory. What is forgotten begins at random.
const mostReferences = 10_000

// Next gives the reference after the last one of that key.
func (r *References) Next(key string) uint8 {
	r.mu.Lock()
	defer r.mu.Unlock()
	last, ok := r.last[key]
	if !ok {
		last = uint8(rand.IntN(256))
	}
	r.set(key, last+1)
	return last + 1
}

// Known says whether Next follows from one before.
func (r *References) Known(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.last[key]
	return ok
}

// Set says which was the last one given out.
func (r *References) Set(key string, ref uint8) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.set(key, ref)
}

func (r *References) set(key string, ref uint8) {
	if _, ok := r.last[key]; !ok && (r.last == nil || len(r.last) >= mostReferences) {
		r.last = map[string]uint8{}
	}
	r.last[key] = ref
}
