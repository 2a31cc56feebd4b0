package profile

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

//go:embed builtin.json
var builtin []byte // never written to

// Plain is the name of the row that all others begin with, and that a modem gets which none matches.
const Plain = "plain"

// The forms in which a modem takes and shows the text of USSD.                                              [27.007 7.15]
const (
	USSDPlain     = "plain"           // as it is, in the character set of AT+CSCS
	USSDHex       = "gsm7-hex"        // a septet an octet, in hex
	USSDPackedHex = "gsm7-packed-hex" // septets packed as in 23.038 6.1.2.3.1, in hex
	USSDUCS2      = "ucs2-hex"        // UCS-2 in hex
)

// Profile is a row of the table. Commands are whole lines, with AT and without CR.
type Profile struct {
	Name string `json:"name"`

	// What it matches: one of the parts, in lower case, in each answer. An empty list matches all.
	Manufacturer []string `json:"manufacturer,omitempty"` // AT+CGMI
	Model        []string `json:"model,omitempty"`        // AT+CGMM
	Firmware     []string `json:"firmware,omitempty"`     // AT+CGMR

	Init      []string `json:"init,omitempty"`       // after the identification; an ERROR is no harm
	ICCID     []string `json:"iccid"`                // ask for the ICCID; the first that answers counts
	Tries     *Tries   `json:"pin_tries"`            // beside AT+CPINR; nil: there is no other way
	CNMI      []string `json:"cnmi,omitempty"`       // forms of AT+CNMI to try first, "2,1,0,1,0"
	CNMIAvoid []string `json:"cnmi_avoid,omitempty"` // beginnings of forms that are not tried, "2,2"
	Storage   []string `json:"storage,omitempty"`    // memories for new messages in the order of liking; none: the largest
	Phase2    bool     `json:"phase2"`               // believe AT+CSMS=1 when the modem takes it
	CMMS      bool     `json:"cmms"`                 // keep the link up between messages by AT+CMMS=2
	Chatter   []string `json:"chatter,omitempty"`    // names of lines that it says all the time: kept out of transcripts
	Radio     []string `json:"radio"`                // commands that turn the radio off and on, two
	Reset     []string `json:"reset"`                // restart the modem; the first that it takes counts
	Boot      Duration `json:"boot"`                 // from there to where it answers
	USSD      string   `json:"ussd"`                 // USSDPlain, USSDHex, USSDPackedHex or USSDUCS2
	Evidence  string   `json:"evidence,omitempty"`   // who saw it, and where
}

// Tries says how a modem tells how often a wrong PIN or PUK may yet be given.
type Tries struct {
	Ask    string `json:"ask"`    // command, "AT^CPIN?"
	Answer string `json:"answer"` // name of its answer, "^CPIN:"
	PIN    int    `json:"pin"`    // field of the answer, counted from 0
	PUK    int    `json:"puk"`    // the same one where the modem tells of the code that it wants
}

// Duration is a time.Duration that is written as "20s".
type Duration time.Duration

// MarshalText gives the form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Table is a list of rows; the last is the plain one, which matches all. It is never changed.
type Table struct{ rows []Profile }

// Builtin is the table that the program brings along.
func Builtin() *Table {
	rows, err := read("built-in", builtin, nil)
	if err != nil || len(rows) == 0 || rows[len(rows)-1].Name != Plain {
		panic(fmt.Sprintf("profile: the built-in table: %v", err)) // a test reads it too
	}
	return &Table{rows}
}

// With puts the rows of a file before those of t. A row with the name of a built-in one takes its place.
func (t *Table) With(file string, text []byte) (*Table, error) {
	rows, err := read(file, text, t.rows)
	if err != nil {
		return nil, err
	}
	plain := t.rows[len(t.rows)-1]
	if own, ok := named(rows, Plain); ok {
		plain, rows = own, rows[:len(rows)-1]
	}
	for _, r := range t.rows[:len(t.rows)-1] {
		if _, replaced := named(rows, r.Name); !replaced {
			rows = append(rows, r)
		}
	}
	return &Table{append(rows, plain)}, nil
}

// Rows are all rows in the order in which they are tried.
func (t *Table) Rows() []Profile { return slices.Clone(t.rows) }

// MarshalJSON gives the table in the form in which it is read.
func (t *Table) MarshalJSON() ([]byte, error) { return json.Marshal(t.rows) }

// Find gives the row of a modem by its answers to AT+CGMI, AT+CGMM and AT+CGMR.
func (t *Table) Find(manufacturer, model, firmware string) *Profile {
	for i := range t.rows {
		if r := &t.rows[i]; holds(manufacturer, r.Manufacturer) && holds(model, r.Model) && holds(firmware, r.Firmware) {
			return r
		}
	}
	return &t.rows[len(t.rows)-1]
}

// parts are all that the row looks for.
func (p *Profile) parts() []string { return slices.Concat(p.Manufacturer, p.Model, p.Firmware) }

// Avoids tells whether a form of AT+CNMI, "2,2,0,1,0", is not to be tried.
func (p *Profile) Avoids(form string) bool {
	return slices.ContainsFunc(p.CNMIAvoid, func(start string) bool { return form == start || strings.HasPrefix(form, start+",") })
}

func holds(answer string, parts []string) bool {
	answer = strings.ToLower(answer)
	return len(parts) == 0 || slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(answer, p) })
}

func named(rows []Profile, name string) (Profile, bool) {
	i := slices.IndexFunc(rows, func(r Profile) bool { return r.Name == name })
	if i < 0 {
		return Profile{}, false
	}
	return rows[i], true
}
