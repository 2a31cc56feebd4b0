package httpchan

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/storage"
)

// Telling says how what a provider tells us is read: in a call of its, or in an
// answer to our asking.
type Telling struct {
	Format string `json:"format,omitempty"` // "json", "xml", "form"; "": as Content-Type says, or the query of a GET
	Each   string `json:"each,omitempty"`   // path to the items of a list, with *; "": the whole is one
	When   []Test `json:"when,omitempty"`   // an item for which not all hold is something else

	each trail
}

func (t *Telling) compile() (err error) {
	if !slices.Contains([]string{"", formatJSON, formatXML, formatForm}, t.Format) {
		return fmt.Errorf("format %.20q: use json, xml, form, or leave it out", t.Format)
	}
	if t.each, err = parseTrail(t.Each); err != nil {
		return err
	}
	for i := range t.When {
		if err := t.When[i].compile(); err != nil {
			return fmt.Errorf("when: %w", err)
		}
	}
	return nil
}

func (t *Telling) applies(s *source) bool {
	return !slices.ContainsFunc(t.When, func(w Test) bool { return !w.holds(s, false) })
}

// Reports says where a report has what.
type Reports struct {
	Telling
	ID        Field             `json:"id,omitzero"`
	To        Field             `json:"to,omitzero"`
	State     Field             `json:"state"`
	States    map[string]string `json:"states"` // provider's word, whatever its case → state of SMPP, or "IGNORE"
	Code      Field             `json:"code,omitzero"`
	Reason    []Field           `json:"reason,omitempty"`
	Time      Field             `json:"time,omitzero"`
	Submitted Field             `json:"submitted,omitzero"`
	Reply     Reply             `json:"reply,omitzero"`

	states map[string]storage.State
}

// Incoming says where a message of a handset has what.
type Incoming struct {
	Telling
	ID        Field `json:"id,omitzero"`
	From      Field `json:"from"`
	To        Field `json:"to,omitzero"` // where there is none, the setting "number", or "from"
	Text      Field `json:"text"`
	Time      Field `json:"time,omitzero"`
	Reference Field `json:"reference,omitzero"` // of a part of a long one
	Total     Field `json:"total,omitzero"`
	Number    Field `json:"number,omitzero"` // from 1
	Reply     Reply `json:"reply,omitzero"`
}

// Reply is what a provider wants to hear when it was told that all is on disk.
type Reply struct {
	Status int    `json:"status,omitempty"` // 0: 200
	Type   string `json:"type,omitempty"`
	Body   string `json:"body,omitempty"`
}

func (r *Reply) check() error {
	if r.Status != 0 && (r.Status < 200 || r.Status > 299) {
		return fmt.Errorf("reply: status %d is not one of success", r.Status)
	}
	return nil
}

// stateIgnore is for words that say nothing of the handset.
const stateIgnore = storage.State(255)

var stateWords = map[string]storage.State{
	"ENROUTE": storage.Enroute, "ACCEPTED": storage.Enroute, "SCHEDULED": storage.Enroute, // these are no ends
	"DELIVERED": storage.Delivered, "EXPIRED": storage.Expired, "DELETED": storage.Deleted, "UNDELIVERABLE": storage.Undeliverable,
	"REJECTED": storage.Rejected, "UNKNOWN": storage.Unknown, "IGNORE": stateIgnore,
}

func (r *Reports) compile() error {
	if err := r.Telling.compile(); err != nil {
		return err
	}
	r.states = map[string]storage.State{}
	for word, state := range r.States {
		s, ok := stateWords[state]
		if !ok {
			return fmt.Errorf("states: %.40q is no state of SMPP, nor IGNORE", state)
		}
		r.states[strings.ToLower(word)] = s
	}
	fields := []*Field{&r.ID, &r.To, &r.State, &r.Code, &r.Time, &r.Submitted}
	for i := range r.Reason {
		fields = append(fields, &r.Reason[i])
	}
	if !r.State.set() || len(r.states) == 0 {
		return errors.New("state and states are needed")
	}
	return compileFields(fields, r.Reply)
}

func (in *Incoming) compile() error {
	if err := in.Telling.compile(); err != nil {
		return err
	}
	if !in.From.set() || !in.Text.set() {
		return errors.New("from and text are needed")
	}
	return compileFields([]*Field{&in.ID, &in.From, &in.To, &in.Text, &in.Time, &in.Reference, &in.Total, &in.Number}, in.Reply)
}

func compileFields(fields []*Field, reply Reply) error {
	for _, f := range fields {
		if err := f.compile(); err != nil {
			return err
		}
	}
	return reply.check()
}

// Told is what was read of an item.
type Told struct {
	Report  *storage.Report
	Message *storage.Message
	Segment *storage.Segment
	Ignored bool
	Err     error // why it could not be read
}

var errNoReference = errors.New("it does not say of which message it is")

// read reads an item. ref names the message where the item does not: we asked for it.
func (r *Reports) read(s *source, lane, ref string) (t Told) {
	id, word := r.ID.value(s), r.State.value(s)
	if id == "" {
		id = ref
	}
	state, ok := r.states[strings.ToLower(word)]
	switch {
	case id == "" || len(id) > mostID:
		return Told{Err: errNoReference}
	case !ok:
		return Told{Err: fmt.Errorf("no state for the status %q", short(word))}
	case state == stateIgnore:
		return Told{Ignored: true}
	}
	code := short(r.Code.value(s))
	rep := &storage.Report{
		Lane: lane, Ref: id, Refs: []string{id}, State: state, At: storage.TimeOf(timeOf(r.Time.value(s))),
		Submitted: storage.TimeOf(timeOf(r.Submitted.value(s))), Match: tail(strings.TrimPrefix(r.To.value(s), "+")), Text: r.words(s, word, code),
	}
	if state.Final() {
		rep.Dedupe = fingerprint(lane, "report", id)
	}
	if n, err := strconv.ParseUint(code, 10, 16); err == nil && n != 0 && state != storage.Delivered {
		rep.Cause = CauseHTTP + uint32(n)
	}
	return Told{Report: rep}
}

func (r *Reports) words(s *source, word, code string) string {
	text := short(word)
	if code != "" {
		text += ", code " + code
	}
	for i := range r.Reason {
		if v := r.Reason[i].value(s); v != "" {
			text += ", " + short(v)
		}
	}
	return short(text)
}

// read reads an item. number is ours, where the item does not say.
func (in *Incoming) read(s *source, lane, number string, now time.Time) (t Told) {
	from, to, text, id, at := in.From.value(s), in.To.value(s), in.raw(s), in.ID.value(s), in.Time.value(s)
	if to == "" {
		to = number
	}
	if from == "" || to == "" || len(from) > mostAddress || len(to) > mostAddress {
		return Told{Err: errors.New("it does not say from whom, or to which number")}
	}
	m := &storage.Message{Kind: storage.MO, Origin: lane, Source: addressOf(from), Dest: addressOf(to), Text: text}
	var key string
	switch {
	case id != "":
		key = fingerprint(lane, "incoming", id)
	case at != "":
		key = fingerprint(lane, "incoming", from, to, text, at)
	}
	if seg := in.segment(s, m, key, now); seg != nil {
		return Told{Segment: seg}
	}
	if key != "" {
		m.Dedupe = []string{key}
	}
	return Told{Message: m}
}

const mostAddress = 64

// raw is the text as it came: blanks at its ends are the sender's.
func (in *Incoming) raw(s *source) string {
	if in.Text.Path != "" && in.Text.re == nil {
		if found := in.Text.trail.find(s.doc); len(found) > 0 {
			if text, ok := found[0].(string); ok {
				return strings.ToValidUTF8(text, "\ufffd")
			}
		}
	}
	return strings.ToValidUTF8(in.Text.value(s), "\ufffd")
}

// segment is a part of a long message; nil: it is whole.
func (in *Incoming) segment(s *source, m *storage.Message, key string, now time.Time) *storage.Segment {
	total, err1 := strconv.ParseUint(in.Total.value(s), 10, 8)
	number, err2 := strconv.ParseUint(in.Number.value(s), 10, 8)
	ref := in.Reference.value(s)
	if err1 != nil || err2 != nil || total < 2 || number < 1 || number > total || ref == "" {
		return nil
	}
	n, err := strconv.ParseUint(ref, 0, 64)
	if err != nil {
		for _, c := range []byte(ref) {
			n = n*31 + uint64(c)
		}
	}
	if key == "" {
		key = fingerprint(m.Origin, "segment", m.Source.Addr, m.Dest.Addr, ref, fmt.Sprint(total, number), m.Text)
	}
	return &storage.Segment{
		Lane: m.Origin, Source: m.Source, Dest: m.Dest, Reference: uint16(n), Wide: true, Total: uint8(total), Number: uint8(number),
		Data: []byte(m.Text), Received: storage.TimeOf(now), Dedupe: key,
	}
}

// missing stands where a segment never came.
const missing = "[…]"

// assemble joins the texts of the segments that came. Those that did not leave a
// mark.
func assemble(set []storage.Segment) (*storage.Message, error) {
	if len(set) == 0 {
		return nil, errors.New("no segments to assemble")
	}
	first := &set[0]
	m := &storage.Message{Kind: storage.MO, Origin: first.Lane, Source: first.Source, Dest: first.Dest}
	next := uint8(1)
	for i := range set {
		if set[i].Number > next {
			m.Text += missing
		}
		m.Text += string(set[i].Data)
		next = set[i].Number + 1
	}
	if next <= first.Total {
		m.Text += missing
	}
	m.Note(first.Received, "assembled", fmt.Sprintf("%d of %d segments came", len(set), first.Total))
	return m, nil
}

// addressOf gives an address of a provider its TON and NPI. A number that is long
// enough is international, with a plus or without [SMPP34 5.2.5].
func addressOf(s string) storage.Address {
	digits := strings.TrimPrefix(s, "+")
	switch {
	case digits == "" || strings.Trim(digits, "0123456789*#") != "":
		return storage.Address{TON: 5, Addr: s}
	case digits != s, len(digits) >= 8 && digits[0] != '0':
		return storage.Address{TON: 1, NPI: 1, Addr: digits}
	}
	return storage.Address{Addr: digits}
}

// layouts are how providers write times. One without a zone is UTC.
var layouts = []string{
	"20060102150405",
	time.RFC3339, "2006-01-02T15:04:05.999999999-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", time.RFC1123Z, time.RFC1123,
}

// timeOf reads a time of a provider: a date, or seconds or milliseconds since 1970;
// the zero time when it cannot.
func timeOf(text string) time.Time {
	if n, err := strconv.ParseFloat(text, 64); err == nil && n > 1e9 && n < 1e13 {
		if n > 1e11 {
			n /= 1000
		}
		return time.UnixMilli(int64(n * 1000)).UTC()
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil && t.Year() > 1999 && t.Year() < 2200 {
			return t.UTC()
		}
	}
	return time.Time{}
}
