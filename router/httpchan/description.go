package httpchan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
)

// Description says how a provider is spoken to.
type Description struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Docs    []string `json:"docs,omitempty"`    // where the facts are from
	Sure    []string `json:"sure,omitempty"`    // facts that were read there
	Unsure  []string `json:"unsure,omitempty"`  // facts that are to be tried
	Version int      `json:"version,omitempty"` // of the description

	Settings []Setting                    `json:"settings,omitempty"`
	Values   map[string]map[string]string `json:"values,omitempty"` // name → by encoding ("gsm", "ucs2", "binary") → value

	Text   TextForm `json:"text,omitzero"`
	Send   Request  `json:"send"`
	Binary *Request `json:"binary,omitempty"` // for octets; nil: they cannot be sent
	// Idempotent: the request has {id}, and the provider knows it again. What is not
	// answered is asked once more.
	Idempotent bool   `json:"idempotent,omitempty"`
	Answer     Answer `json:"answer"`

	Reports      *Reports      `json:"reports,omitempty"`      // that the provider calls us with
	Incoming     *Incoming     `json:"incoming,omitempty"`     // likewise messages of handsets
	Verify       []Verify      `json:"verify,omitempty"`       // all must hold, beside the secret in the path
	PollReports  *PollReports  `json:"poll_reports,omitempty"` // how reports are asked for where no call can come
	PollIncoming *PollIncoming `json:"poll_incoming,omitempty"`
}

// Setting is something that who sets the channel up must say.
type Setting struct {
	Name     string `json:"name"`
	About    string `json:"about"`
	Secret   bool   `json:"secret,omitempty"`
	Optional bool   `json:"optional,omitempty"`
	Default  string `json:"default,omitempty"`
	Pattern  string `json:"pattern,omitempty"` // that the whole value must match
	Example  string `json:"example,omitempty"`

	re *regexp.Regexp
}

// What becomes of a text that does not fit one short message.
const (
	longWhole  = "whole"  // the provider cuts it, and counts its segments
	longOne    = "one"    // the provider counts it as one
	longSplit  = "split"  // we send each piece as a message of its own
	longRefuse = "refuse" // it is not sent
)

// TextForm says how the provider counts texts.
type TextForm struct {
	Long        string `json:"long,omitempty"`         // "": whole
	MostUnits   int    `json:"most_units,omitempty"`   // characters of the alphabet that a text may have; 0: as many as 255 segments hold
	GSMOnly     bool   `json:"gsm_only,omitempty"`     // it sends no other alphabet
	AlwaysUCS2  bool   `json:"always_ucs2,omitempty"`  // it sends everything so
	NoExtension bool   `json:"no_extension,omitempty"` // characters of the extension table make it UCS-2
}

// ParseDescription reads the JSON of a description and checks all of it.
func ParseDescription(raw []byte) (*Description, error) {
	d := &Description{}
	if err := strict(raw, d); err != nil {
		return nil, fmt.Errorf("not a description: %w", err)
	}
	if err := d.compile(); err != nil {
		return nil, fmt.Errorf("description %.40q: %w", d.Name, err)
	}
	return d, nil
}

func (d *Description) compile() error {
	if d.Name == "" || d.Title == "" {
		return errors.New("a name and a title are needed")
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"settings", d.compileSettings}, {"values", d.checkValues}, {"text", d.checkText}, {"send", d.Send.compile},
		{"binary", d.compileBinary}, {"answer", d.Answer.compile}, {"reports", d.compileTellings}, {"verify", d.compileVerify}, {"poll", d.compilePolls}, {"names", d.checkNames},
	} {
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (d *Description) compileSettings() (err error) {
	seen := map[string]bool{}
	for i := range d.Settings {
		s := &d.Settings[i]
		if !isName(s.Name) || s.About == "" || seen[s.Name] || slices.Contains(messageValues, s.Name) && s.Name != "from" {
			return fmt.Errorf("%.40q: a setting has a name of its own and an about", s.Name)
		}
		seen[s.Name] = true
		if s.Pattern != "" {
			if s.re, err = regexp.Compile(`\A(?:` + s.Pattern + `)\z`); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Description) checkValues() error {
	for name, by := range d.Values {
		if !isName(name) {
			return fmt.Errorf("%.40q is no name", name)
		}
		for encoding := range by {
			if !slices.Contains([]string{encodingGSM, encodingUCS2, encodingBinary}, encoding) {
				return fmt.Errorf("%s: no encoding %.20q: use gsm, ucs2 or binary", name, encoding)
			}
		}
	}
	return nil
}

func (d *Description) checkText() error {
	if !slices.Contains([]string{"", longWhole, longOne, longSplit, longRefuse}, d.Text.Long) {
		return fmt.Errorf("long %.20q: use whole, one, split or refuse", d.Text.Long)
	}
	if d.Text.GSMOnly && d.Text.AlwaysUCS2 {
		return errors.New("gsm_only and always_ucs2 leave no alphabet")
	}
	return nil
}

func (d *Description) compileBinary() error {
	if d.Binary == nil {
		return nil
	}
	return d.Binary.compile()
}

func (d *Description) compileTellings() error {
	if d.Reports != nil {
		if err := d.Reports.compile(); err != nil {
			return err
		}
	}
	if d.Incoming != nil {
		return d.Incoming.compile()
	}
	return nil
}

func (d *Description) compileVerify() error {
	for i := range d.Verify {
		if err := d.Verify[i].compile(d); err != nil {
			return err
		}
	}
	return nil
}

// checkNames wants every name of a template to stand for something.
func (d *Description) checkNames() error {
	for _, r := range []*Request{&d.Send, d.Binary} {
		if r == nil {
			continue
		}
		if err := d.checkRequest(r, messageValues); err != nil {
			return err
		}
	}
	if err := d.checkPolls(); err != nil {
		return err
	}
	all, _ := d.Send.names()
	if d.Idempotent && !slices.Contains(all, "id") && !slices.Contains(all, "uuid") {
		return errors.New("idempotent, and the request has neither {id} nor {uuid}")
	}
	return nil
}

func (d *Description) checkRequest(r *Request, known []string) error {
	all, head := r.names()
	for _, name := range head {
		if d.setting(name) == nil {
			return fmt.Errorf("{%s} before the path is no setting", name)
		}
	}
	for _, name := range all {
		if d.setting(name) == nil && d.Values[name] == nil && !slices.Contains(known, name) {
			return fmt.Errorf("{%s} stands for nothing", name)
		}
	}
	if !r.rawNames() {
		return errors.New("{udh} and {data} are octets, for a form or a query; {udh_hex} and {data_hex} go anywhere")
	}
	return nil
}

func (d *Description) setting(name string) *Setting {
	for i := range d.Settings {
		if d.Settings[i].Name == name {
			return &d.Settings[i]
		}
	}
	return nil
}

// carriesUDH says whether a request passes a user data header on.
func (r *Request) carriesUDH() bool {
	all, _ := r.names()
	return slices.Contains(all, "udh") || slices.Contains(all, "udh_hex")
}
