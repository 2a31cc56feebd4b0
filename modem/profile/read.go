package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// Bounds of a file.
const (
	MaxFile = 1 << 20 // octets
	maxRows = 512
	maxList = 32
	maxText = 256
	maxBoot = 5 * time.Minute
)

// Error says what is wrong with a file of rows.
type Error struct {
	File  string
	Line  int    // from 1
	Row   int    // from 1; 0: the file itself
	Name  string // of the row, "" while it has none
	Field string // "" when it is the row
	Err   error
}

// Error names file, line, row and field.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d: ", e.File, e.Line)
	if e.Row > 0 {
		s += fmt.Sprintf("row %d", e.Row)
		if e.Name != "" {
			s += fmt.Sprintf(" (%s)", e.Name)
		}
		s += ": "
	}
	if e.Field != "" {
		s += fmt.Sprintf("field %q: ", e.Field)
	}
	return s + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// source is a file that is being read.
type source struct {
	file  string
	text  []byte
	below []Profile // rows that "like" may name too
	rows  []Profile
}

// member is a field of a row as it stands in the file.
type member struct {
	key   string
	value json.RawMessage
	at    int // octet of the value in the file
}

// read reads a file of rows.
func read(file string, text []byte, below []Profile) ([]Profile, error) {
	s := &source{file: file, text: text, below: below}
	if len(text) > MaxFile {
		return nil, s.err(0, 0, "", "", fmt.Errorf("larger than %d octets", MaxFile))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, s.err(int(d.InputOffset()), 0, "", "", cmpErr(err, "the file is one list of rows: [{\"name\": …}, …]"))
	}
	for d.More() {
		if len(s.rows) == maxRows {
			return nil, s.err(int(d.InputOffset()), 0, "", "", fmt.Errorf("more than %d rows", maxRows))
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, s.err(errAt(err, d), len(s.rows)+1, "", "", err)
		}
		if err := s.row(raw, int(d.InputOffset())-len(raw), !d.More()); err != nil {
			return nil, err
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, s.err(errAt(err, d), 0, "", "", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, s.err(int(d.InputOffset()), 0, "", "", errors.New("something stands behind the list"))
	}
	return s.rows, nil
}

func cmpErr(err error, words string) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return err
	}
	return errors.New(words)
}

// errAt is the place of a syntax error.
func errAt(err error, d *json.Decoder) int {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return int(syntax.Offset)
	}
	return int(d.InputOffset())
}

// err makes an Error of a place in the file.
func (s *source) err(at, row int, name, field string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		at, err = len(s.text), errors.New("the file ends in the middle")
	}
	line := 1 + bytes.Count(s.text[:min(max(at, 0), len(s.text))], []byte("\n"))
	return &Error{s.file, line, row, name, field, err}
}

// row reads one row, whose text begins at an octet of the file.
func (s *source) row(raw json.RawMessage, at int, last bool) error {
	n := len(s.rows) + 1
	members, err := s.members(raw, at, n)
	if err != nil {
		return err
	}
	p, err := s.begin(members, at, n)
	if err != nil {
		return err
	}
	set := fields(&p)
	for _, m := range members {
		fill, known := set[m.key]
		switch {
		case m.key == "like":
			continue
		case !known:
			return s.err(m.at, n, p.Name, m.key, errors.New("no such field; there are: "+strings.Join(slices.Sorted(maps.Keys(set)), ", ")+", like"))
		}
		if err := fill(m.value); err != nil {
			return s.err(m.at, n, p.Name, m.key, err)
		}
	}
	if p.Name == Plain && len(p.parts()) > 0 {
		return s.err(at, n, p.Name, "", errors.New("the plain row is the one for all others: it has no manufacturer, model or firmware"))
	}
	if len(p.parts()) == 0 && (p.Name != Plain || !last) {
		return s.err(at, n, p.Name, "", errors.New("it matches all modems: give manufacturer, model or firmware; the row for all others is called plain and stands last"))
	}
	s.rows = append(s.rows, p)
	return nil
}

// members takes a row apart.
func (s *source) members(raw json.RawMessage, at, n int) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, s.err(at, n, "", "", errors.New("a row is an object: {\"name\": …}"))
	}
	var all []member
	for d.More() {
		key, err := d.Token()
		var m member
		if err == nil {
			m.key = key.(string) // what stands there in an object
			err = d.Decode(&m.value)
		}
		m.at = at + int(d.InputOffset()) - len(m.value)
		if err == nil && slices.ContainsFunc(all, func(o member) bool { return o.key == m.key }) {
			err = errors.New("given twice")
		}
		if err != nil {
			return nil, s.err(m.at, n, "", m.key, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// begin gives a row its name and what it takes from another.
func (s *source) begin(members []member, at, n int) (Profile, error) {
	var name string
	like, likeAt := "", at
	for _, m := range members {
		to := map[string]*string{"name": &name, "like": &like}[m.key]
		if to == nil {
			continue
		}
		if err := text(to)(m.value); err != nil {
			return Profile{}, s.err(m.at, n, name, m.key, err)
		}
		if m.key == "like" {
			likeAt = m.at
		}
	}
	if name == "" {
		return Profile{}, s.err(at, n, "", "name", errors.New("a row needs a name"))
	}
	if _, twice := named(s.rows, name); twice {
		return Profile{}, s.err(at, n, name, "name", errors.New("another row has this name"))
	}
	p, ok := s.base(like)
	if !ok {
		return Profile{}, s.err(likeAt, n, name, "like", fmt.Errorf("no row above is called %q", like))
	}
	p.Name, p.Manufacturer, p.Model, p.Firmware, p.Evidence = name, nil, nil, nil, ""
	return p, nil
}

// base is what a row begins with.
func (s *source) base(like string) (p Profile, ok bool) {
	if like == "" {
		if p, ok = named(s.below, Plain); !ok {
			p = bySpecification()
		}
		return p, true
	}
	if p, ok = named(s.rows, like); !ok {
		p, ok = named(s.below, like)
	}
	return p, ok
}

// bySpecification is a modem that keeps to 27.005 and 27.007.
func bySpecification() Profile {
	return Profile{Phase2: true, CMMS: true, Radio: []string{"AT+CFUN=4", "AT+CFUN=1"}, Reset: []string{"AT+CFUN=1,1"},
		Boot: Duration(15 * time.Second), USSD: USSDPlain}
}

// fields are the keys of a row, each with what reads its value.
func fields(p *Profile) map[string]func(json.RawMessage) error {
	return map[string]func(json.RawMessage) error{
		"name":         text(&p.Name),
		"manufacturer": list(&p.Manufacturer, isPart), "model": list(&p.Model, isPart), "firmware": list(&p.Firmware, isPart),
		"init": list(&p.Init, isCommand), "iccid": list(&p.ICCID, isCommand), "reset": list(&p.Reset, isCommand),
		"radio": pair(&p.Radio), "pin_tries": tries(&p.Tries),
		"cnmi": list(&p.CNMI, isForm), "cnmi_avoid": list(&p.CNMIAvoid, isFormStart), "storage": list(&p.Storage, isMemory),
		"chatter": list(&p.Chatter, isName),
		"phase2":  flag(&p.Phase2), "cmms": flag(&p.CMMS),
		"boot": duration(&p.Boot), "ussd": word(&p.USSD, USSDPlain, USSDHex, USSDPackedHex, USSDUCS2),
		"evidence": text(&p.Evidence),
	}
}

func text(to *string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s *string
		if json.Unmarshal(raw, &s) != nil || s == nil {
			return errors.New("a text in quotes has its place here")
		}
		if len(*s) > maxText || !isShown(*s) {
			return fmt.Errorf("a text of at most %d octets without control characters has its place here", maxText)
		}
		*to = *s
		return nil
	}
}

func isShown(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '\uFFFD' })
}

func list(to *[]string, check func(string) error) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var all []string
		if json.Unmarshal(raw, &all) != nil {
			return errors.New(`a list of texts has its place here, ["…", "…"]`)
		}
		if len(all) > maxList {
			return fmt.Errorf("more than %d", maxList)
		}
		for _, s := range all {
			if err := check(s); err != nil {
				return fmt.Errorf("%q: %w", withoutValue(s), err)
			}
		}
		*to = all
		if len(all) == 0 {
			*to = nil
		}
		return nil
	}
}

// withoutValue cuts a command at its parameters: there may be a PIN.
func withoutValue(s string) string {
	if name, _, given := strings.Cut(s, "="); given && strings.HasPrefix(s, "AT") {
		return name + "=…"
	}
	return s
}

func pair(to *[]string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var two []string
		if err := list(&two, isCommand)(raw); err != nil {
			return err
		}
		if len(two) != 0 && len(two) != 2 {
			return errors.New("two commands have their place here, radio off and radio on, or none")
		}
		*to = two
		return nil
	}
}

func flag(to *bool) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var b *bool
		if json.Unmarshal(raw, &b) != nil || b == nil {
			return errors.New("true or false has its place here")
		}
		*to = *b
		return nil
	}
}

func duration(to *Duration) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		err := json.Unmarshal(raw, &s)
		d, bad := time.ParseDuration(s)
		if err != nil || bad != nil || d < 0 || d > maxBoot {
			return fmt.Errorf("a time such as \"20s\" of at most %v has its place here", maxBoot)
		}
		*to = Duration(d)
		return nil
	}
}

func word(to *string, words ...string) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var s string
		if json.Unmarshal(raw, &s) != nil || !slices.Contains(words, s) {
			return errors.New("one of these has its place here: " + strings.Join(words, ", "))
		}
		*to = s
		return nil
	}
}

func tries(to **Tries) func(json.RawMessage) error {
	return func(raw json.RawMessage) error {
		var t *Tries
		d := json.NewDecoder(bytes.NewReader(raw))
		d.DisallowUnknownFields()
		if d.Decode(&t) != nil {
			return errors.New(`{"ask": COMMAND, "answer": NAME, "pin": FIELD, "puk": FIELD} has its place here`)
		}
		if t != nil {
			if err := errors.Join(isCommand(t.Ask), isName(t.Answer)); err != nil {
				return err
			}
			if t.PIN < 0 || t.PIN > 31 || t.PUK < 0 || t.PUK > 31 {
				return errors.New("pin and puk are numbers of fields, from 0 to 31")
			}
		}
		*to = t
		return nil
	}
}
