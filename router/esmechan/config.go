package esmechan

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/router/peertls"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// Bounds of what may be set.
const (
	mostBinds   = 64
	mostWindow  = 10_000
	mostRate    = 100_000
	mostSeconds = 3600
)

// settings are a record that has been read.
type settings struct {
	esme   esme.Config
	form   form
	cut    any // the cutting of the form
	intake intake
	over   overrides
	binds  int
	pair   bool // transmitter and receiver
	rate   int
	lane   string
}

// Check says what is wrong with a record; an *router.Error names the field.
func Check(c *storage.Channel) error {
	_, err := read(c, time.Now)
	return err
}

func bad(field, message, hint string) error {
	return &router.Error{Code: router.Invalid, Field: field, Message: message, Hint: hint}
}

// read makes settings of a record.
func read(c *storage.Channel, now func() time.Time) (s settings, err error) {
	r := c.SMPP
	if r == nil {
		return s, bad("kind", "not an SMPP channel", "")
	}
	s = settings{binds: max(1, r.Binds), pair: r.Separate, rate: r.Rate, lane: laneOf(c)}
	for _, step := range []func(*settings, *storage.SMPPChannel) error{
		(*settings).readNumbers, (*settings).readBind, (*settings).readTLS, (*settings).readForm, (*settings).readIntake,
	} {
		if err := step(&s, r); err != nil {
			return s, err
		}
	}
	s.intake.now, s.intake.lane = now, s.lane
	return s, nil
}

// laneOf is the lane of all binds of a channel, and of its group.
func laneOf(c *storage.Channel) string {
	if c.SMPP.Group != "" {
		return "smpp:" + c.SMPP.Group
	}
	return "smpp:" + c.Name
}

func (s *settings) readNumbers(r *storage.SMPPChannel) error {
	for _, n := range []struct {
		field       string
		value, most int
	}{
		{"binds", r.Binds, mostBinds}, {"window", r.Window, mostWindow}, {"rate", r.Rate, mostRate},
		{"enquire_s", r.EnquireS, mostSeconds}, {"response_s", r.ResponseS, mostSeconds},
	} {
		if n.value < 0 || n.value > n.most {
			return bad(n.field, fmt.Sprintf("%s %d is out of range", n.field, n.value), fmt.Sprintf("use 0 to %d; 0 is the default", n.most))
		}
	}
	return nil
}

func (s *settings) readBind(r *storage.SMPPChannel) error {
	host, port, err := net.SplitHostPort(r.Address)
	if n, e := strconv.ParseUint(port, 10, 16); err != nil || e != nil || host == "" || n == 0 {
		return bad("address", fmt.Sprintf("%.80q is no address of an SMSC", r.Address), "use HOST:PORT, such as smpp.example.net:2775")
	}
	version := r.Version
	switch version {
	case 0:
		version = smpp.Version34
	case smpp.Version33, smpp.Version34, smpp.Version50:
	default:
		return bad("version", fmt.Sprintf("no interface_version 0x%02X", version), "use 3.3, 3.4 or 5.0")
	}
	s.esme = esme.Config{
		Address: r.Address, SystemID: r.SystemID, Password: r.Password, SystemType: r.SystemType, InterfaceVersion: version, LongPassword: true,
		AddrTON: r.AddrTON, AddrNPI: r.AddrNPI, AddressRange: r.AddressRange, Window: r.Window,
		EnquireLink: time.Duration(r.EnquireS) * time.Second, ResponseTimeout: time.Duration(r.ResponseS) * time.Second,
	}
	bind := &smpp.Bind{ID: smpp.IDBindTransceiver, SystemID: r.SystemID, Password: r.Password, SystemType: r.SystemType,
		InterfaceVersion: version, AddressRange: r.AddressRange, LongPassword: true}
	var wrong *smpp.Error
	if _, err := smpp.Append(nil, smpp.StatusOK, 1, bind); errors.As(err, &wrong) {
		return bad(wrong.Field, "the bind has no room for this "+wrong.Field, "system_id has 15 characters at most, password 64, system_type 12, address_range 40")
	}
	if r.SystemID == "" {
		return bad("system_id", "a system_id is needed", "it comes from the provider")
	}
	return nil
}

func (s *settings) readTLS(r *storage.SMPPChannel) error {
	if !r.TLS {
		if r.CA+r.Pin+r.Cert+r.Key+r.Host != "" {
			return bad("tls", "certificates are named and TLS is off", "set tls too")
		}
		return nil
	}
	host, _, _ := net.SplitHostPort(r.Address)
	conf, err := peertls.Config(peertls.Spec{Host: cmp.Or(r.Host, host), CA: r.CA, Pin: r.Pin, Cert: r.Cert, Key: r.Key})
	s.esme.TLS = conf
	return err
}

func (s *settings) readForm(r *storage.SMPPChannel) (err error) {
	f := form{long: r.Long, validity: !r.NoValidity, intermediate: r.Intermediate, serviceType: r.ServiceType}
	var ok bool
	if f.alphabet, ok = smpp.AlphabetNamed(r.Alphabet); !ok {
		return bad("alphabet", fmt.Sprintf("no alphabet %.20q", r.Alphabet), "use gsm, latin1, ascii or gsm-packed")
	}
	switch f.long {
	case "":
		f.long = LongUDH
	case LongUDH, LongSAR, LongPayload:
	default:
		return bad("long", fmt.Sprintf("no long form %.20q", r.Long), "use udh, sar or payload")
	}
	if s.esme.InterfaceVersion < smpp.Version34 && f.long != LongUDH {
		return bad("long", "version 3.3 has no parameters for long messages", "use udh")
	}
	if f.source, err = readNumbering("source", r.Source); err != nil {
		return err
	}
	if f.dest, err = readNumbering("dest", r.Dest); err != nil {
		return err
	}
	for _, tag := range r.Pass {
		f.pass = append(f.pass, smpp.Tag(tag))
	}
	if s.over, err = parseOverrides(r.Statuses); err != nil {
		return bad("statuses", err.Error(), "")
	}
	s.form, s.cut = f, cutting{f.alphabet, f.long}
	return nil
}

// readNumbering reads TON and NPI, such as "1/1".
func readNumbering(field, text string) (numbering, error) {
	if text == "" {
		return numbering{}, nil
	}
	ton, npi, ok := ParseNumbering(text)
	if !ok {
		return numbering{}, bad(field, fmt.Sprintf("%.20q is no TON and NPI", text), "use two numbers such as 1/1")
	}
	return numbering{true, ton, npi}, nil
}

// ParseNumbering reads TON and NPI, such as "1/1" [SMPP34 5.2.5, 5.2.6]. ok is false for
// what is not two numbers up to 255.
func ParseNumbering(text string) (ton, npi uint8, ok bool) {
	left, right, _ := strings.Cut(text, "/")
	t, err1 := strconv.ParseUint(left, 10, 8)
	n, err2 := strconv.ParseUint(right, 10, 8)
	return uint8(t), uint8(n), err1 == nil && err2 == nil
}

func (s *settings) readIntake(r *storage.SMPPChannel) error {
	for field, word := range map[string]string{"submit_ids": r.SubmitIDs, "receipt_ids": r.ReceiptIDs} {
		switch word {
		case formAuto, formAsIs, formHex, formDecimal:
		default:
			return bad(field, fmt.Sprintf("no form %.20q of a message_id", word), "use text, hex or decimal, or none to have it found out")
		}
	}
	zone := time.UTC
	if r.Zone != "" {
		var err error
		if zone, err = time.LoadLocation(r.Zone); err != nil {
			return bad("zone", fmt.Sprintf("no time zone %.40q", r.Zone), "use a name such as Europe/Amsterdam")
		}
	}
	s.intake = intake{alphabet: s.form.alphabet, zone: zone, byText: r.ByText, submits: r.SubmitIDs, receipts: r.ReceiptIDs}
	return nil
}
