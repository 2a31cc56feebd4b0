package smppsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"gsmgate/smppd/smpp"
)

// Fault is one way in which an SMSC misbehaves, for some or all of its binds or
// messages. ParseFault makes them.
type Fault struct {
	line  string
	binds bool // it is counted by binds, not by messages
	do    func(*conduct)

	every, skip, times int // times 0: always
}

// String is the line that it was read from.
func (f Fault) String() string { return f.line }

// ParseFault reads a line such as "refuse 0x58 every 3" or "late 5s"; FaultHelp
// lists them. Behind each may stand "skip N", for the first N binds or messages
// that go well, "every N", for one in N after these, and "times N", for how often
// at most.
func ParseFault(line string) (Fault, error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		return Fault{}, fmt.Errorf("no fault named")
	}
	all := faultTable()
	i := slices.IndexFunc(all, func(k faultKind) bool { return k.name() == words[0] })
	if i < 0 {
		return Fault{}, fmt.Errorf("no fault is called %q", words[0])
	}
	a := &faultArgs{words: words[1:]}
	f := Fault{line: strings.Join(words, " "), binds: all[i].binds, every: 1}
	a.schedule(&f)
	f.do = all[i].read(a)
	if a.err == nil && len(a.words) > 0 {
		a.err = fmt.Errorf("%q is too much: %s", strings.Join(a.words, " "), all[i].usage)
	}
	return f, a.err
}

// ParseFaults reads a fault from each line.
func ParseFaults(lines ...string) ([]Fault, error) {
	var all []Fault
	for _, line := range lines {
		f, err := ParseFault(line)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// FaultHelp has a line for each fault that ParseFault knows.
func FaultHelp() []string {
	var out []string
	for _, k := range faultTable() {
		out = append(out, fmt.Sprintf("%-22s %s", k.usage, k.help))
	}
	return append(out, fmt.Sprintf("%-22s %s", "… skip N every N times N", "behind any of them: not the first N, one in N, N times at most"))
}

// conduct is what the SMSC does with one bind or one message. The zero value is
// how it should be.
type conduct struct {
	status smpp.CommandStatus // refuses it with its own response
	nack   smpp.CommandStatus // or with generic_nack
	lose   bool               // takes no notice of it
	cut    bool               // closes the connection instead

	slow     time.Duration // from taking the message in to its answer
	silent   bool          // no answer
	cutAfter bool          // no answer, and the connection is closed
	noID     bool          // an answer without a message_id
	broken   bool          // an answer of the right length whose message_id has no end
	half     bool          // half an answer, and never another octet on this connection
	garbage  int           // octets of no meaning in place of the answer
	sequence uint32        // added to the sequence_number of the answer
	hang     bool          // after the answer never another octet on this connection
	unbind   bool          // after the answer unbinds the ESME
	ids      func(uint64) string

	never, twice, early bool
	late                time.Duration
	receiptIDs          func(uint64) string
	edits               []func(*receiptParts)
	before              smpp.MessageState // a notice with this state comes before it; 0: none
	tlvs                smpp.TLVs         // of a vendor, in the answer and the receipt
}

// faults are those of an SMSC, with what they have counted.
type faults struct {
	mu  sync.Mutex
	all []*countedFault
}

type countedFault struct {
	Fault
	seen, done int
}

func (f *faults) set(all []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = nil
	for _, one := range all {
		f.all = append(f.all, &countedFault{Fault: one})
	}
}

// conduct says what is done with the next bind, or the next message.
func (f *faults) conduct(bind bool) (c conduct) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, one := range f.all {
		if one.binds == bind && one.due() {
			one.do(&c)
		}
	}
	return c
}

// due counts.
func (f *countedFault) due() bool {
	f.seen++
	n := f.seen - f.skip
	if n <= 0 || n%f.every != 0 || f.times > 0 && f.done >= f.times {
		return false
	}
	f.done++
	return true
}

// faultArgs takes words off a line and remembers the first that was wrong.
type faultArgs struct {
	words []string
	err   error
}

// schedule takes off "skip N", "every N" and "times N" at the end.
func (a *faultArgs) schedule(f *Fault) {
	for n := len(a.words); n >= 2; n = len(a.words) {
		to := map[string]*int{"skip": &f.skip, "every": &f.every, "times": &f.times}[a.words[n-2]]
		if to == nil {
			return
		}
		v, err := strconv.Atoi(a.words[n-1])
		if err != nil || v < 1 || v > 1_000_000 {
			a.wrong("%q is not a number from 1 to 1000000", a.words[n-1])
		}
		*to, a.words = v, a.words[:n-2]
	}
}

func (a *faultArgs) next(otherwise string) string {
	if len(a.words) == 0 {
		return otherwise
	}
	w := a.words[0]
	a.words = a.words[1:]
	return w
}

func (a *faultArgs) wrong(format string, args ...any) {
	if a.err == nil {
		a.err = fmt.Errorf(format, args...)
	}
}

// number reads decimal, or hexadecimal with 0x.
func (a *faultArgs) number(otherwise string, bits int) uint64 {
	w := a.next(otherwise)
	n, err := strconv.ParseUint(w, 0, bits)
	if err != nil {
		a.wrong("%q is not a number", w)
	}
	return n
}

func (a *faultArgs) status(otherwise string) smpp.CommandStatus {
	s := smpp.CommandStatus(a.number(otherwise, 32))
	if s == smpp.StatusOK {
		a.wrong("ESME_ROK refuses nothing")
	}
	return s
}

func (a *faultArgs) duration() time.Duration {
	w := a.next("")
	d, err := time.ParseDuration(w)
	if err != nil || d < 0 || d > 1000*time.Hour {
		a.wrong("%q is not a time such as 30s", w)
	}
	return d
}
