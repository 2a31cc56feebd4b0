package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"gsmgate/provisioning"
	"gsmgate/provisioning/client"
	"gsmgate/storage"
)

type userCmd struct {
	Add    userAddCmd    `cmd:"" help:"Add a user."`
	List   userListCmd   `cmd:"" help:"List users with their balance."`
	Show   userShowCmd   `cmd:"" help:"Show one user with all its settings."`
	Set    userSetCmd    `cmd:"" help:"Change a user; it holds for its sessions at once."`
	Credit userCreditCmd `cmd:"" help:"Top up with +N, or correct with -N."`
	Remove userRemoveCmd `cmd:"" help:"Take a user away; its ledger stays."`
	Ledger userLedgerCmd `cmd:"" help:"Show each movement of a user's money."`
	Lint   userLintCmd   `cmd:"" help:"Show what a user's SMPP client does wrong, and how to mend it."`
	Import userImportCmd `cmd:"" help:"Add the users of a CSV file, all or none."`

	TryCallback userTryCallbackCmd `cmd:"" help:"Post a sample to a user's callback, and show what it answers."`

	Statement userStatementCmd `cmd:"" help:"Show what a user's money did in a period."`
}

// password reads "-" from standard input, where no process list shows it.
func password(e *env, given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	line, err := e.line()
	if err != nil {
		return "", fail("write the password and a newline to standard input", "no password on standard input")
	}
	return line, nil
}

// userFlags are the settings that user add and user set share.
type userFlags struct {
	Alphabet    *string  `placeholder:"A" help:"of data_coding 0: gsm (default), latin1, ascii or gsm-packed"`
	LongForm    *string  `placeholder:"F" help:"of long messages to the client: payload (default), udh or sar"`
	ReceiptForm *string  `placeholder:"F" help:"what delivery receipts to the client hold: both (default), text: as in Appendix B of SMPP 3.4, or tlvs: its optional parameters, unless the client is one of 3.3"`
	MaxSessions *int     `placeholder:"N" help:"sessions at once; 0: no limit (default)"`
	Window      *int     `placeholder:"N" help:"requests of one session without an answer; 0: the server's (default)"`
	Rate        *int     `placeholder:"N" help:"messages a second over all sessions; 0: no limit (default)"`
	KeepCount   *int     `placeholder:"N" help:"receipts and incoming messages that wait for the client, counted every 10 s: beyond, the oldest end; 0: 1,000,000 (default)"`
	Pool        *string  `placeholder:"NAME" help:"pool of SIMs that its messages go by; default: that of all that are in no other"`
	KeepHours   *int     `placeholder:"N" help:"for how long; 0: as long as --retention of serve says (default)"`
	CertAuth    *string  `placeholder:"C" help:"none (default), either: a client certificate stands in for an empty password, or both: it is needed beside the password"`
	National    *string  `placeholder:"L" help:"language whose tables texts may use over GSM where that takes fewer parts: none (default), turkish, spanish, portuguese, another of 3GPP TS 23.038, or auto"`
	AllowFrom   []string `name:"allow-from" placeholder:"CIDR" sep:"none" help:"network or address that the client may bind from; again for more (default: any)"`
	CertNames   []string `name:"cert-name" placeholder:"NAME" sep:"none" help:"common name or subject alternative name of its client certificates; again for more"`
	PriceList   *string  `placeholder:"LIST" help:"what it pays, see gsmgate price; none: one credit a part (default)"`
	Region      *string  `placeholder:"NL" help:"of its national numbers: they are sent in international form; none: that of serve (default)"`
	CreditLimit *amount  `placeholder:"N" help:"credits that it may owe; 0: it pays before it sends (default)"`
	Refund      *string  `placeholder:"R" help:"what it gets back of a message that does not arrive: whole (default), parts: the parts that did not go out or that were reported as failed, or unsent: those that did not go out"`

	Weight       *int    `placeholder:"N" help:"its share of a queue beside other users, 1 (default) to 1000"`
	AnyOrder     *bool   `negatable:"" help:"let its messages to one recipient overtake each other"`
	QueueCount   *int    `placeholder:"N" help:"messages that may wait to be sent: beyond, no more are taken; 0: no limit of its own (default)"`
	QueueMinutes *int    `placeholder:"N" help:"take no more while one has waited longer; 0: no limit of its own (default)"`
	WhenFull     *string `placeholder:"W" help:"what its client hears then: queue-full (ESME_RMSGQFUL) or throttled (ESME_RTHROTTLED); none: as serve says (default)"`

	Sources       []string `name:"source" placeholder:"ADDR" sep:"none" help:"source address that it may use: +31612345678, +3169*, +31699000000-+31699999999 or a name such as Acme*; !ADDR forbids one; again for more (default: any)"`
	Destinations  []string `name:"destination" placeholder:"ADDR" sep:"none" help:"destination that it may send to, written likewise; again for more (default: any)"`
	DefaultSource *string  `placeholder:"ADDR" help:"source address of messages that have none; none takes it away"`
	ForcedSource  *string  `placeholder:"ADDR" help:"source address of all its messages, whatever its client says; none takes it away"`

	Callback       *string  `placeholder:"URL" help:"http or https URL that its receipts and incoming messages are posted to; none takes it away"`
	CallbackSecret *string  `placeholder:"S" help:"what is posted is signed with it; none takes it away; - reads it from standard input"`
	CallbackFor    []string `placeholder:"KINDS" help:"mo, receipts or mo,receipts (default): the others go by SMPP alone"`
	CallbackWindow *int     `placeholder:"N" help:"posts without an answer at most; 0: 4 (default)"`
	Deliver        *string  `placeholder:"WAY" help:"smpp, callback or both; default: by callback where there is one"`
}

// settings are what the flags ask for.
func (f userFlags) settings() provisioning.UserSettings {
	s := provisioning.UserSettings{
		Alphabet: f.Alphabet, LongForm: f.LongForm, ReceiptForm: f.ReceiptForm, MaxSessions: f.MaxSessions, Window: f.Window, Rate: f.Rate,
		KeepCount: f.KeepCount, KeepHours: f.KeepHours, CertAuth: unlessNone(f.CertAuth), National: unlessNone(f.National),
	}
	s.Weight, s.AnyOrder, s.QueueCount, s.QueueMinutes, s.WhenFull = f.Weight, f.AnyOrder, f.QueueCount, f.QueueMinutes, unlessNone(f.WhenFull)
	if len(f.AllowFrom) > 0 {
		s.AllowedFrom = &f.AllowFrom
	}
	for _, list := range []struct {
		to   **[]string
		from *[]string
	}{{&s.CertNames, &f.CertNames}, {&s.Sources, &f.Sources}, {&s.Destinations, &f.Destinations}} {
		if len(*list.from) > 0 {
			*list.to = list.from
		}
	}
	if s.Pool = f.Pool; f.Pool != nil && *f.Pool == "default" {
		s.Pool = new(string)
	}
	s.PriceList, s.Region = unlessNone(f.PriceList), unlessNone(f.Region)
	s.CreditLimit, s.Refund = (*int64)(f.CreditLimit), f.Refund
	s.DefaultSource, s.ForcedSource = unlessNone(f.DefaultSource), unlessNone(f.ForcedSource)
	s.Callback, s.CallbackWindow, s.Deliver = unlessNone(f.Callback), f.CallbackWindow, f.Deliver
	s.CallbackSecret = (*storage.Secret)(unlessNone(f.CallbackSecret))
	if len(f.CallbackFor) > 0 {
		s.CallbackFor = &f.CallbackFor
	}
	return s
}

// readSecret replaces a secret that is to come from standard input.
func (f *userFlags) readSecret(e *env) error {
	if f.CallbackSecret == nil {
		return nil
	}
	secret, err := password(e, *f.CallbackSecret)
	f.CallbackSecret = &secret
	return err
}

// unlessNone makes the word none an empty text.
func unlessNone(s *string) *string {
	if s != nil && *s == none {
		return new(string)
	}
	return s
}

type userAddCmd struct {
	dataDir
	Name          string   `arg:"" help:"system_id, 1 to 15 characters"`
	Password      string   `xor:"password" required:"" placeholder:"P" help:"1 to 8 characters; - reads it from standard input"`
	PasswordSHA1  string   `name:"password-sha1" xor:"password" required:"" placeholder:"HEX" help:"SHA-1 of the password in UTF-16LE, from another system; replaced at the first bind; - reads it from standard input"`
	Credits       amount   `placeholder:"N" help:"credits to start with"`
	AddressRanges []string `name:"address-range" placeholder:"R" sep:"none" help:"+31612345678, +3169* or +31699000000-+31699999999; again for more"`
	JSON          bool     `name:"json" help:"print as JSON"`
	userFlags
}

func (c *userAddCmd) Run(e *env) error {
	secret, err := password(e, c.Password)
	if err != nil {
		return err
	}
	sum, err := password(e, c.PasswordSHA1)
	if err != nil {
		return err
	}
	if err := c.readSecret(e); err != nil {
		return err
	}
	start := int64(c.Credits)
	return c.call(e, creates, func(ctx context.Context, api *client.Client) error {
		u, err := api.AddUser(ctx, provisioning.NewUser{
			Name: c.Name, Password: secret, PasswordSHA1: sum, AddressRanges: c.AddressRanges,
			Amount: provisioning.Amount{Millicredits: &start}, UserSettings: c.settings(),
		})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "user %s added with %s credits\n", u.Name, credits(u.Balance.Available))
		return nil
	})
}

type userListCmd struct {
	dataDir
	JSON bool `name:"json" help:"print as JSON"`
}

func (c *userListCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		users, err := api.Users(ctx)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(users)
		}
		w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "NAME\tENABLED\tCREDITS\tHELD\tSPENT\tSESSIONS\tRATE\tFROM\tADDRESS RANGES")
		for _, u := range users {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, yesNo(u.Enabled), credits(u.Balance.Available),
				credits(u.Balance.Held), credits(u.Balance.Spent), orAny(u.MaxSessions), orAny(u.Rate), from(u.AllowedFrom), strings.Join(u.AddressRanges, " "))
		}
		return w.Flush()
	})
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// orAny is a limit, where 0 is none.
func orAny(n int) string {
	if n == 0 {
		return "any"
	}
	return strconv.Itoa(n)
}

// from tells networks in little room.
func from(networks []string) string {
	switch len(networks) {
	case 0:
		return "any"
	case 1:
		return networks[0]
	}
	return fmt.Sprintf("%d networks", len(networks))
}

type userShowCmd struct {
	dataDir
	Name string `arg:"" help:"system_id"`
	JSON bool   `name:"json" help:"print as JSON"`
}

func (c *userShowCmd) Run(e *env) error {
	return c.call(e, reads, func(ctx context.Context, api *client.Client) error {
		u, err := api.User(ctx, c.Name)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		return e.fields(userLines(u))
	})
}

func userLines(u provisioning.User) [][2]string {
	lines := [][2]string{
		{"name", u.Name}, {"enabled", yesNo(u.Enabled)}, {"created", clock(u.CreatedAt)}, {"password", u.PasswordForm},
		{"credits", fmt.Sprintf("%s available, %s held, %s spent", credits(u.Balance.Available), credits(u.Balance.Held), credits(u.Balance.Spent))},
		{"credit limit", credits(u.CreditLimit)}, {"refund", u.Refund}, {"price list", cmp.Or(u.PriceList, "none: one credit a part")}, {"region", cmp.Or(u.Region, "the server's")},
		{"address ranges", itemsOr(u.AddressRanges, "none")},
		{"sources", itemsOr(u.Sources, "any")}, {"destinations", itemsOr(u.Destinations, "any")},
		{"default source", cmp.Or(u.DefaultSource, "none")}, {"forced source", cmp.Or(u.ForcedSource, "none")},
		{"alphabet", u.Alphabet}, {"long form", u.LongForm}, {"receipt form", u.ReceiptForm},
		{"max sessions", orAny(u.MaxSessions)}, {"window", orServer(u.Window)}, {"rate", orAny(u.Rate)},
		{"pool", cmp.Or(u.Pool, "the default one")},
		{"weight", strconv.Itoa(u.Weight)}, {"order", orderOf(u.AnyOrder)},
		{"queue count", orAny(u.QueueCount)}, {"queue minutes", orAny(u.QueueMinutes)}, {"when full", cmp.Or(u.WhenFull, "the server's")},
		{"keep count", orAny(u.KeepCount)}, {"keep hours", orAny(u.KeepHours)},
		{"allowed from", itemsOr(u.AllowedFrom, "any")},
		{"cert names", itemsOr(u.CertNames, "none")}, {"cert auth", cmp.Or(u.CertAuth, "none")},
		{"national", cmp.Or(u.National, "none")},
	}
	return append(lines, deliveryLines(u)...)
}

func orderOf(any bool) string {
	if any {
		return "any: messages to one recipient may overtake each other"
	}
	return "kept for each recipient"
}

// itemsOr is none for an empty one. Names of certificates are somebody else's words.
func itemsOr(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return visible(strings.Join(items, " "), -1)
}

func orServer(n int) string {
	if n == 0 {
		return "the server's"
	}
	return strconv.Itoa(n)
}

type userSetCmd struct {
	dataDir
	Name            string   `arg:"" help:"system_id"`
	Password        *string  `xor:"password" placeholder:"P" help:"new password; - reads it from standard input"`
	PasswordSHA1    *string  `name:"password-sha1" xor:"password" placeholder:"HEX" help:"SHA-1 of the new password in UTF-16LE"`
	Enable          bool     `xor:"enabled" help:"let the user bind and send"`
	Disable         bool     `xor:"enabled" help:"refuse binds and messages of the user"`
	AddressRanges   []string `name:"address-range" placeholder:"R" sep:"none" xor:"ranges" help:"these instead of all it has; again for more"`
	NoAddressRanges bool     `name:"no-address-ranges" xor:"ranges" help:"take all address ranges away"`
	AllowFromAny    bool     `name:"allow-from-any" help:"let the client bind from anywhere"`
	NoCertNames     bool     `name:"no-cert-names" help:"take all names of certificates away"`
	AnySource       bool     `name:"any-source" help:"let it use any source address"`
	AnyDestination  bool     `name:"any-destination" help:"let it send to any destination"`
	JSON            bool     `name:"json" help:"print as JSON"`
	userFlags
}

// patch says what the flags ask for.
func (c *userSetCmd) patch(e *env) (p provisioning.UserPatch, err error) {
	if err := c.exclusive(); err != nil {
		return p, err
	}
	if err := c.readSecret(e); err != nil {
		return p, err
	}
	p.UserSettings, p.PasswordSHA1 = c.settings(), c.PasswordSHA1
	for _, list := range c.lists() {
		if list.none {
			*list.field(&p) = &[]string{}
		}
	}
	if c.Password != nil {
		secret, err := password(e, *c.Password)
		if err != nil {
			return p, err
		}
		p.Password = &secret
	}
	if c.Enable || c.Disable {
		p.Enabled = &c.Enable
	}
	if len(c.AddressRanges) > 0 || c.NoAddressRanges {
		ranges := append([]string{}, c.AddressRanges...)
		p.AddressRanges = &ranges
	}
	if p == (provisioning.UserPatch{}) {
		return p, usage("gsmgate user set --help lists what can be changed", "nothing to change")
	}
	return p, nil
}

// exclusive refuses flags that contradict each other.
func (c *userSetCmd) exclusive() error {
	for _, list := range c.lists() {
		if list.none && list.some {
			return usage("", "%s and %s can't be used together", list.flag, list.noFlag)
		}
	}
	return nil
}

// emptied is a list with a flag that adds to it and one that empties it.
type emptied struct {
	flag, noFlag string
	some, none   bool
	field        func(*provisioning.UserPatch) **[]string
}

func (c *userSetCmd) lists() []emptied {
	return []emptied{
		{"--allow-from", "--allow-from-any", len(c.AllowFrom) > 0, c.AllowFromAny, func(p *provisioning.UserPatch) **[]string { return &p.AllowedFrom }},
		{"--cert-name", "--no-cert-names", len(c.CertNames) > 0, c.NoCertNames, func(p *provisioning.UserPatch) **[]string { return &p.CertNames }},
		{"--source", "--any-source", len(c.Sources) > 0, c.AnySource, func(p *provisioning.UserPatch) **[]string { return &p.Sources }},
		{"--destination", "--any-destination", len(c.Destinations) > 0, c.AnyDestination, func(p *provisioning.UserPatch) **[]string { return &p.Destinations }},
	}
}

func (c *userSetCmd) Run(e *env) error {
	patch, err := c.patch(e)
	if err != nil {
		return err
	}
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		u, err := api.SetUser(ctx, c.Name, patch)
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(u)
		}
		fmt.Fprintf(e.stdout, "user %s changed\n", u.Name)
		return nil
	})
}

type userCreditCmd struct {
	dataDir
	Name   string `arg:"" help:"system_id"`
	Amount amount `arg:"" help:"+N adds, -N takes away; three decimals at most"`
	Note   string `placeholder:"TEXT" help:"a note for the ledger"`
	JSON   bool   `name:"json" help:"print as JSON"`
}

func (c *userCreditCmd) Run(e *env) error {
	change := int64(c.Amount)
	return c.call(e, writes, func(ctx context.Context, api *client.Client) error {
		b, err := api.Credit(ctx, c.Name, provisioning.NewCredit{Amount: provisioning.Amount{Millicredits: &change}, Note: c.Note})
		switch {
		case err != nil:
			return err
		case c.JSON:
			return e.json(b)
		}
		fmt.Fprintf(e.stdout, "user %s has %s credits\n", c.Name, credits(b.Available))
		return nil
	})
}
