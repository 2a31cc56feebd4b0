package main

import (
	"maps"
	"os"
	"slices"
	"strconv"

	"gsmgate/provisioning"
	"gsmgate/router/esmechan"
	"gsmgate/router/httpchan"
	"gsmgate/smppd/smpp"
)

// channelFlags are the settings that channel add and channel set share; nil: not given.
type channelFlags struct {
	Address      *string `placeholder:"HOST:PORT" help:"of the provider's SMSC"`
	SystemID     *string `name:"system-id" placeholder:"S" help:"that the provider gave"`
	Password     *string `placeholder:"P" help:"that the provider gave; - reads it from standard input"`
	SystemType   *string `placeholder:"T" help:"where the provider wants one"`
	Version      *string `placeholder:"V" help:"interface_version: 3.3, 3.4 (default) or 5.0"`
	AddressRange *string `placeholder:"R" help:"of the bind, where the provider wants one: which messages of handsets come"`
	AddressType  *string `placeholder:"TON/NPI" help:"of the address range, such as 1/1 (default 0/0)"`

	TLS  *bool   `name:"tls" negatable:"" help:"connect over TLS; the certificate is verified"`
	CA   *string `name:"ca" placeholder:"FILE" help:"PEM with the CA of the provider (default: those of this machine)"`
	Pin  *string `placeholder:"HEX" help:"SHA-256 of the provider's public key, instead of a CA"`
	Host *string `placeholder:"NAME" help:"name that the provider's certificate is for (default: that of --address)"`
	Cert *string `placeholder:"FILE" help:"client certificate, PEM"`
	Key  *string `placeholder:"FILE" help:"its key, PEM"`

	Binds    *int  `placeholder:"N" help:"connections at once (default 1)"`
	Separate *bool `negatable:"" help:"a transmitter and a receiver in place of each transceiver"`
	Window   *int  `placeholder:"N" help:"submits of a connection without an answer (default 10); of kind http: requests at once"`
	Rate     *int  `placeholder:"N" help:"messages a second over all connections; 0: no limit (default)"`
	Enquire  *int  `name:"enquire-link" placeholder:"SECONDS" help:"of silence before enquire_link (default 30)"`
	Response *int  `placeholder:"SECONDS" help:"that an answer may take (default 30)"`

	Alphabet     *string  `placeholder:"A" help:"of data_coding 0: gsm (default), latin1, ascii or gsm-packed"`
	Long         *string  `placeholder:"F" help:"form of long messages: udh (default), sar or payload"`
	Source       *string  `placeholder:"TON/NPI" help:"of all source addresses that are numbers, such as 1/1 (default: as they are)"`
	Dest         *string  `placeholder:"TON/NPI" help:"of all destinations"`
	ServiceType  *string  `placeholder:"T" help:"of all messages (default: that of the client)"`
	Pass         []string `placeholder:"TAG" sep:"none" help:"TLV that is passed on, such as 0x1400; again for more; none: no TLV (default)"`
	NoValidity   *bool    `negatable:"validity" help:"send no validity_period"`
	Intermediate *bool    `negatable:"" help:"ask for intermediate notifications when the client does"`

	SubmitIDs  *string  `name:"submit-ids" placeholder:"F" help:"form of message_id in answers: text, hex or decimal (default: found out)"`
	ReceiptIDs *string  `name:"receipt-ids" placeholder:"F" help:"form of message_id in receipts"`
	ByText     *bool    `name:"receipts-by-text" negatable:"" help:"take receipts that lack their bit in esm_class: then a handset can forge one"`
	Zone       *string  `placeholder:"ZONE" help:"of the dates in receipts (default UTC)"`
	Group      *string  `placeholder:"G" help:"channels of one group take each other's receipts"`
	Status     []string `placeholder:"N=CLASS" sep:"none" help:"class of a command_status, such as 0x45=permanent: permanent, temporary, throttle, ill or final; again for more; none: the table's (default)"`

	Set map[string]string `placeholder:"KEY=VALUE" mapsep:"none" help:"setting of a channel of kind http or loopback; gsmgate channel presets and gsmgate channel loopback list them; - reads one from standard input; an empty one takes it away; again for more"`

	Preset      *string `placeholder:"PRESET" help:"of kind http: the provider, of those that gsmgate channel presets lists"`
	Description *string `placeholder:"FILE" help:"of kind http: JSON that describes the provider, in place of a preset"`
	Proxy       *string `placeholder:"URL" help:"of kind http: http://HOST:PORT or socks5://HOST:PORT"`
	Timeout     *int    `placeholder:"SECONDS" help:"of kind http: that an answer may take (default 30)"`
	Poll        *string `placeholder:"on|off" help:"of kind http: ask for reports (default: when the provider cannot call us, see serve --provider-listen)"`
}

// secrets reads those from standard input for which - was given: first the password.
func (f *channelFlags) secrets(e *env) (err error) {
	if f.Password != nil {
		if *f.Password, err = password(e, *f.Password); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(f.Set)) {
		if f.Set[key], err = password(e, f.Set[key]); err != nil {
			return err
		}
	}
	return nil
}

// over puts what was given over u.
func (f *channelFlags) over(u *provisioning.Upstream) error {
	f.plain(u)
	f.keys(u)
	for _, step := range []func(*provisioning.Upstream) error{f.bind, f.lists, f.files, f.description} {
		if err := step(u); err != nil {
			return err
		}
	}
	return nil
}

// assign changes the settings whose flags were given.
func assign[T any](flags map[*T]*T) {
	for to, flag := range flags {
		if flag != nil {
			*to = *flag
		}
	}
}

// plain are the flags that are settings as they are.
func (f *channelFlags) plain(u *provisioning.Upstream) {
	assign(map[*string]*string{
		&u.Address: f.Address, &u.SystemID: f.SystemID, &u.Password: f.Password, &u.SystemType: f.SystemType, &u.AddressRange: f.AddressRange, &u.Pin: f.Pin, &u.Host: f.Host,
		&u.Alphabet: f.Alphabet, &u.Long: f.Long, &u.Source: f.Source, &u.Dest: f.Dest, &u.ServiceType: f.ServiceType,
		&u.SubmitIDs: f.SubmitIDs, &u.ReceiptIDs: f.ReceiptIDs, &u.Zone: f.Zone, &u.Group: f.Group, &u.Proxy: f.Proxy, &u.Poll: f.Poll,
	})
	assign(map[*bool]*bool{
		&u.TLS: f.TLS, &u.Separate: f.Separate, &u.NoValidity: f.NoValidity, &u.Intermediate: f.Intermediate, &u.ByText: f.ByText,
	})
	assign(map[*int]*int{
		&u.Binds: f.Binds, &u.Window: f.Window, &u.Rate: f.Rate, &u.EnquireS: f.Enquire, &u.ResponseS: f.Response, &u.TimeoutS: f.Timeout,
	})
}

// bind are the flags of the bind that are written otherwise.
func (f *channelFlags) bind(u *provisioning.Upstream) error {
	if f.Version != nil {
		v, ok := map[string]uint8{"3.3": smpp.Version33, "3.4": smpp.Version34, "5.0": smpp.Version50}[*f.Version]
		if !ok {
			return usage("use 3.3, 3.4 or 5.0", "--version: %q is no interface_version", *f.Version)
		}
		u.Version = v
	}
	if f.AddressType != nil {
		ton, npi, ok := esmechan.ParseNumbering(*f.AddressType)
		if !ok {
			return usage("use two numbers such as 1/1", "--address-type: %.20q is no TON and NPI", *f.AddressType)
		}
		u.AddrTON, u.AddrNPI = ton, npi
	}
	return nil
}

// none stands for a list without anything in it.
const none = "none"

func (f *channelFlags) lists(u *provisioning.Upstream) error {
	if len(f.Status) > 0 {
		u.Statuses = namely(f.Status)
	}
	if len(f.Pass) == 0 {
		return nil
	}
	u.Pass = nil
	for _, tag := range namely(f.Pass) {
		n, err := strconv.ParseUint(tag, 0, 16)
		if err != nil {
			return usage("write it like 0x1400", "--pass: %q is no tag of a TLV", tag)
		}
		u.Pass = append(u.Pass, uint16(n))
	}
	return nil
}

// namely is what a flag lists.
func namely(list []string) []string {
	if len(list) == 1 && list[0] == none {
		return nil
	}
	return list
}

// files are the flags that name one.
func (f *channelFlags) files(u *provisioning.Upstream) error {
	for _, file := range []struct {
		flag string
		path *string
		to   *string
	}{{"--ca", f.CA, &u.CA}, {"--cert", f.Cert, &u.Cert}, {"--key", f.Key, &u.Key}} {
		if file.path == nil {
			continue
		}
		*file.to = ""
		if *file.path == "" {
			continue
		}
		raw, err := os.ReadFile(*file.path)
		if err != nil {
			return fail(file.flag+" names a PEM file", "%w", err)
		}
		*file.to = string(raw)
	}
	return nil
}

// description says what an HTTP provider is like.
func (f *channelFlags) description(u *provisioning.Upstream) (err error) {
	if f.Preset != nil {
		u.Preset, u.Description = *f.Preset, nil
	}
	if f.Description == nil {
		return nil
	}
	if u.Description, err = os.ReadFile(*f.Description); err != nil {
		return fail("--description names a JSON file; gsmgate channel presets NAME prints one to begin with", "%w", err)
	}
	if f.Preset == nil {
		u.Preset = ""
	}
	_, err = httpchan.ParseDescription(u.Description)
	return err
}

// keys are what --set gives.
func (f *channelFlags) keys(u *provisioning.Upstream) {
	if len(f.Set) == 0 {
		return
	}
	all := map[string]string{}
	maps.Copy(all, u.Settings)
	maps.Copy(all, f.Set)
	maps.DeleteFunc(all, func(key, value string) bool { return value == "" })
	u.Settings = all
}
