package smppchan

import (
	"cmp"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"gsmgate/smppd"
	"gsmgate/smppd/smpp"
)

// A Finding is one thing that a user's client does wrong, and how often. It holds nothing of any
// message.
type Finding struct {
	Kind    string // a stable word, such as "packed-as-default"
	Field   string // the field that it is about, "" for none
	Count   uint64
	First   time.Time
	Last    time.Time
	Session string // where it was seen last
	Remote  string
	Example string // what was seen there, such as "submit_sm: ESME_RINVSERTYP"
	Mend    string // what the client's owner is to change
}

// Bounds of what is kept.
const (
	// maxFindings is the most findings of one user. Kinds and fields are this program's words, so
	// that there are fewer; what would come beyond counts as "other".
	maxFindings = 128
	// stormLife and stormCount make a storm: so many sessions within a minute that lived no longer.
	stormLife  = time.Minute
	stormCount = 10
	// unheardTime is how long a user may ask for receipts without a session that could get them.
	unheardTime = 10 * time.Minute
)

// lint counts what clients do wrong. Users come in by a bind that was let in, so that the store
// bounds them; connections that have not bound share the user "".
type lint struct {
	mu    sync.Mutex
	now   func() time.Time
	users map[string]*record
}

// record is what is known of one user. The lock of lint guards it.
type record struct {
	findings   map[findingKey]*finding
	receivers  int         // sessions that may receive, now
	deafSince  time.Time   // since when there is none
	shortLived []time.Time // ends of sessions that lived less than stormLife, at most stormCount
}

type findingKey struct {
	kind  mistake
	field string
}

// finding is a Finding whose words are put together when somebody reads it.
type finding struct {
	count       uint64
	first, last time.Time
	session     string
	remote      net.Addr
	command     smpp.CommandID // 0: none
	status      smpp.CommandStatus
	reason      string
}

func newLint() *lint { return &lint{now: time.Now, users: map[string]*record{}} }

// user is called with the lock held.
func (l *lint) user(name string) *record {
	r := l.users[name]
	if r == nil {
		r = &record{findings: map[findingKey]*finding{}, deafSince: l.now()}
		l.users[name] = r
	}
	return r
}

// seen counts one mistake of a session's user; what tells of it.
func (l *lint) seen(s *smppd.Session, kind mistake, what finding, field string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.user(s.SystemID()).note(s, findingKey{kind, field}, what, l.now())
}

// note is called with the lock held.
func (r *record) note(s *smppd.Session, key findingKey, what finding, now time.Time) {
	f := r.findings[key]
	if f == nil && len(r.findings) >= maxFindings-1 {
		key = findingKey{kind: otherMistake}
		f = r.findings[key]
	}
	if f == nil {
		f = &finding{first: now}
		r.findings[key] = f
	}
	what.count, what.first, what.last = f.count+1, f.first, now
	what.session, what.remote = s.ID(), s.RemoteAddr()
	*f = what
}

// fault counts what smppd has seen.
func (l *lint) fault(s *smppd.Session, f smppd.Fault) {
	switch kind := mistakeOf(f.Kind, s.BindType() != 0); {
	case kind != malformed:
		l.seen(s, kind, finding{}, "")
	case f.Err == nil:
		l.seen(s, malformed, finding{}, "")
	default:
		if tooLong(f.Err) {
			kind = oversized
		}
		l.seen(s, kind, finding{command: f.Err.Header.ID, status: f.Err.Status, reason: f.Err.Reason}, f.Err.Field)
	}
}

// tooLong tells a field that is too long from other faults of a PDU.
func tooLong(e *smpp.Error) bool {
	return strings.HasPrefix(e.Reason, "longer than") || strings.HasPrefix(e.Reason, "more than")
}

// mistakeOf names a fault of smppd.
func mistakeOf(k smppd.FaultKind, bound bool) mistake {
	switch k {
	case smppd.FaultMalformed:
		return malformed
	case smppd.FaultState:
		if !bound {
			return beforeBind
		}
		return wrongBind
	case smppd.FaultWindow:
		return windowOverrun
	case smppd.FaultThrottled:
		return tooFast
	case smppd.FaultSequence:
		return badSequence
	case smppd.FaultRepeated:
		return repeatedSequence
	case smppd.FaultUnsolicited:
		return unsolicited
	case smppd.FaultNoDeliverResp:
		return noDeliverResp
	case smppd.FaultNoEnquireLink:
		return noEnquireLink
	case smppd.FaultEnquireIgnored:
		return enquireIgnored
	}
	return otherMistake
}

// refused counts a request that was answered with an error which its ESME could have avoided.
func (l *lint) refused(s *smppd.Session, id smpp.CommandID, err error) {
	status, field := refusalOf(err)
	switch status {
	case smpp.StatusOK, smpp.StatusInvCmdID, smpp.StatusSysErr, smpp.StatusMsgQFul, smpp.StatusThrottled, smpp.StatusSubmitFail:
		return // not the client's fault
	case smpp.StatusInvMsgID, smpp.StatusQueryFail, smpp.StatusCancelFail, smpp.StatusReplaceFail:
		l.seen(s, unknownMessage, finding{command: id, status: status}, "")
	default:
		l.seen(s, refusedField, finding{command: id, status: status}, field)
	}
}

// hear looks at a request, and counts the refusal when reply is one. alphabet is that of submit.
func (l *lint) hear(s *smppd.Session, req smpp.PDU, alphabet smpp.Alphabet, reply func(smpp.PDU, error)) func(smpp.PDU, error) {
	if sm := textOf(req); sm != nil {
		l.message(s, req.CommandID(), sm, alphabet)
	}
	return func(resp smpp.PDU, err error) {
		if err != nil {
			l.refused(s, req.CommandID(), err)
		}
		reply(resp, err)
	}
}

// textOf is the message of a request other than submit_sm, as far as it is looked at; nil for none.
func textOf(req smpp.PDU) *smpp.SubmitSM {
	switch p := req.(type) {
	case *smpp.SubmitMulti:
		return &smpp.SubmitSM{ESMClass: p.ESMClass, DataCoding: p.DataCoding, RegisteredDelivery: p.RegisteredDelivery, ShortMessage: p.ShortMessage, TLVs: p.TLVs}
	case *smpp.DataSM:
		return &smpp.SubmitSM{ESMClass: p.ESMClass, DataCoding: p.DataCoding, RegisteredDelivery: p.RegisteredDelivery, TLVs: p.TLVs}
	}
	return nil
}

// bound notes a session that may receive.
func (l *lint) bound(s *smppd.Session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.user(s.SystemID())
	if s.CanReceive() {
		r.receivers++
	}
}

// closed notes the end of a session, and what was wrong with it.
func (l *lint) closed(s *smppd.Session) {
	life := l.now().Sub(s.Info().Since)
	if s.Dropped() {
		l.seen(s, noUnbind, finding{}, "")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, r := l.now(), l.user(s.SystemID())
	if s.CanReceive() {
		if r.receivers--; r.receivers == 0 {
			r.deafSince = now
		}
	}
	if life < stormLife && r.storm(now) {
		r.note(s, findingKey{kind: reconnects}, finding{}, now)
	}
}

// storm notes a session that lived short, and reports whether there were many within a minute.
func (r *record) storm(now time.Time) bool {
	r.shortLived = slices.DeleteFunc(r.shortLived, func(t time.Time) bool { return now.Sub(t) > time.Minute })
	if len(r.shortLived) == stormCount {
		r.shortLived = r.shortLived[1:]
	}
	r.shortLived = append(r.shortLived, now)
	return len(r.shortLived) == stormCount
}

// submit looks at a submit_sm. alphabet is what data_coding 0 means to the user. A message that is in
// order costs no allocation and, unless a transmitter asks for a receipt, no lock.
func (l *lint) submit(s *smppd.Session, sm *smpp.SubmitSM, alphabet smpp.Alphabet) {
	l.message(s, smpp.IDSubmitSM, sm, alphabet)
}

func (l *lint) message(s *smppd.Session, id smpp.CommandID, sm *smpp.SubmitSM, alphabet smpp.Alphabet) {
	found := inspect(sm, alphabet)
	if len(sm.TLVs) > 0 && s.InterfaceVersion() < smpp.Version34 {
		found.add(tlvFrom33)
	}
	if sm.RegisteredDelivery.Receipt() != smpp.ReceiptNone && !s.CanReceive() && l.unheard(s.SystemID()) {
		found.add(receiptsUnheard)
	}
	if found == 0 {
		return
	}
	for kind := range otherMistake {
		if found.has(kind) {
			l.seen(s, kind, finding{command: id}, "")
		}
	}
}

// unheard reports whether the user had no session that may receive for a long time.
func (l *lint) unheard(user string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.user(user)
	return r.receivers == 0 && l.now().Sub(r.deafSince) > unheardTime
}

// Lint lists what the user's client does wrong, the most frequent first. The user "" stands for
// connections that never bound.
func (ch *Channel) Lint(user string) []Finding { return ch.lint.list(user) }

// ResetLint forgets what was found, for a client that was mended.
func (ch *Channel) ResetLint(user string) {
	ch.lint.mu.Lock()
	defer ch.lint.mu.Unlock()
	if r := ch.lint.users[user]; r != nil {
		clear(r.findings)
	}
}

func (l *lint) list(user string) []Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.users[user]
	if r == nil {
		return nil
	}
	all := make([]Finding, 0, len(r.findings))
	for key, f := range r.findings {
		all = append(all, Finding{
			Kind: key.kind.String(), Field: key.field, Count: f.count, First: f.first, Last: f.last,
			Session: f.session, Remote: f.remote.String(), Example: f.example(key.field), Mend: key.kind.mend(key.field, f.reason),
		})
	}
	slices.SortFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Field, b.Field))
	})
	return all
}

// example says what was seen: command, field and status, as far as they are known.
func (f *finding) example(field string) string {
	var words []string
	if f.command != 0 {
		words = append(words, f.command.String())
	}
	if field != "" {
		words = append(words, field)
	}
	if f.status != smpp.StatusOK {
		words = append(words, f.status.String())
	}
	return strings.Join(words, ": ")
}
