package at

import (
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// RecordSize is a size for a [Recorder] that holds some minutes of a busy modem and some hours of an idle one, in octets.
const RecordSize = 64 << 10

// Recorder keeps the newest lines of a conversation, over all engines that it is given to. It never keeps a PIN. The methods of a nil
// Recorder do nothing. It may be used from any goroutine.
//
// The lines lie in two halves: when the newer is full it becomes the older, and the older is forgotten. So between half of the size
// and all of it is kept, and an idle modem takes no more than it has said.
type Recorder struct {
	half  int
	began time.Time

	mu         sync.Mutex
	older, now []byte
}

// NewRecorder makes a recorder that takes at most size octets.
func NewRecorder(size int) *Recorder { return &Recorder{half: size / 2, began: time.Now()} }

// Mark notes what is no line: that the port was opened or closed.
func (r *Recorder) Mark(text string) { r.add(Mark, text) }

// entryHead is the most that stands before a text: time, way, length.
const entryHead = 2*binary.MaxVarintLen64 + 1

// add copies one line. A text that does not fit is cut.
func (r *Recorder) add(way Way, text string) {
	if r == nil {
		return
	}
	text = withoutSecret(text)
	text = text[:min(len(text), max(0, r.half-entryHead))]
	at := time.Since(r.began).Microseconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.now)+entryHead+len(text) > r.half {
		r.older, r.now = r.now, r.older[:0]
	}
	r.now = binary.AppendUvarint(r.now, uint64(max(0, at)))
	r.now = append(r.now, byte(way))
	r.now = binary.AppendUvarint(r.now, uint64(len(text)))
	r.now = append(r.now, text...)
}

// Entries gives what is kept, oldest first, and when the first of it was.
func (r *Recorder) Entries() (began time.Time, all []Entry) {
	if r == nil {
		return time.Time{}, nil
	}
	r.mu.Lock()
	raw := append(append(make([]byte, 0, len(r.older)+len(r.now)), r.older...), r.now...)
	r.mu.Unlock()
	for len(raw) > 0 {
		var e Entry
		e, raw = readEntry(raw)
		all = append(all, e)
	}
	if len(all) == 0 {
		return r.began, nil
	}
	first := all[0].At
	for i := range all { // writers that met at the lock may be out of step by a little
		all[i].At = max(0, all[i].At-first)
		if i > 0 {
			all[i].At = max(all[i].At, all[i-1].At)
		}
	}
	return r.began.Add(first), all
}

// readEntry reads what add wrote.
func readEntry(b []byte) (Entry, []byte) {
	us, n := binary.Uvarint(b)
	way := Way(b[n])
	b = b[n+1:]
	length, n := binary.Uvarint(b)
	b = b[n:]
	return Entry{At: time.Duration(us) * time.Microsecond, Way: way, Text: string(b[:length])}, b[length:]
}

// withoutSecret hides what a line gives to a command that takes a PIN, a PUK or a password, whoever says the line: a modem may echo it.
func withoutSecret(line string) string {
	name, args, ok := strings.Cut(line, "=")
	if !ok || !strings.ContainsAny(args, "0123456789") {
		return withoutMMI(line)
	}
	upper := strings.ToUpper(name)
	for _, word := range []string{"PIN", "PUK", "PWD", "CLCK", "SPIC"} {
		if strings.Contains(upper, word) {
			return name + "=***"
		}
	}
	return withoutMMI(line)
}

// withoutMMI hides the digits of the codes that change a PIN or unblock one: **04*OLD*NEW*NEW#, **05*PUK*NEW*NEW#.        [22.030 6.6]
func withoutMMI(line string) string {
	if i := strings.Index(line, "**0"); i >= 0 {
		return line[:i] + "**0***"
	}
	return line
}
