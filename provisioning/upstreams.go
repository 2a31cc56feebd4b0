package provisioning

import (
	"context"
	"net/http"
	"time"

	"gsmgate/storage"
)

// Upstream is a channel that somebody has set up: a provider.
type Upstream struct {
	Name     string `json:"name" doc:"1 to 64 letters, digits, dots, hyphens and underscores"`
	Kind     string `json:"kind" enum:"smpp,http,loopback"`
	Disabled bool   `json:"disabled,omitempty" required:"false" doc:"it is set up and does nothing"`

	Settings map[string]string `json:"settings,omitempty" required:"false" doc:"of kind loopback, see gsmgate channel loopback, or http, as its preset or description asks for them; a secret is never given back, and one that a change leaves out stays"`

	HTTPUpstream

	Address    string `json:"address,omitempty" required:"false" doc:"host and port of the SMSC"`
	SystemID   string `json:"system_id,omitempty" required:"false"`
	Password   string `json:"password,omitempty" required:"false" doc:"never given back; an empty one of a change leaves it as it is"`
	SystemType string `json:"system_type,omitempty" required:"false"`
	Version    uint8  `json:"version,omitempty" required:"false" doc:"interface_version: 51 (3.3), 52 (3.4, the default) or 80 (5.0)"`

	AddrTON      uint8  `json:"addr_ton,omitempty" required:"false"`
	AddrNPI      uint8  `json:"addr_npi,omitempty" required:"false"`
	AddressRange string `json:"address_range,omitempty" required:"false"`

	TLS  bool   `json:"tls,omitempty" required:"false" doc:"the certificate is verified"`
	CA   string `json:"ca,omitempty" required:"false" doc:"PEM; empty: the CAs of the machine"`
	Pin  string `json:"pin,omitempty" required:"false" doc:"SHA-256 of the provider's public key, hexadecimal; instead of a CA"`
	Host string `json:"host,omitempty" required:"false" doc:"that the certificate is for; empty: that of address"`
	Cert string `json:"cert,omitempty" required:"false" doc:"client certificate, PEM"`
	Key  string `json:"key,omitempty" required:"false" doc:"its key, PEM; never given back"`

	Binds     int  `json:"binds,omitempty" required:"false" doc:"at once; 0: 1"`
	Separate  bool `json:"separate,omitempty" required:"false" doc:"a transmitter and a receiver in place of each transceiver"`
	Window    int  `json:"window,omitempty" required:"false" doc:"submits of a bind without an answer; 0: 10"`
	Rate      int  `json:"rate,omitempty" required:"false" doc:"messages a second over all binds; 0: no limit"`
	EnquireS  int  `json:"enquire_s,omitempty" required:"false" doc:"seconds of silence before enquire_link; 0: 30"`
	ResponseS int  `json:"response_s,omitempty" required:"false" doc:"seconds that an answer may take; 0: 30"`

	Alphabet     string   `json:"alphabet,omitempty" required:"false" doc:"of data_coding 0: gsm (default), latin1, ascii or gsm-packed"`
	Long         string   `json:"long,omitempty" required:"false" doc:"form of long messages: udh (default), sar or payload"`
	NoValidity   bool     `json:"no_validity,omitempty" required:"false" doc:"send no validity_period"`
	Intermediate bool     `json:"intermediate,omitempty" required:"false" doc:"ask for intermediate notifications when the client does"`
	ServiceType  string   `json:"service_type,omitempty" required:"false" doc:"empty: that of the client"`
	Source       string   `json:"source,omitempty" required:"false" doc:"TON and NPI of all source addresses that are numbers, such as 1/1"`
	Dest         string   `json:"dest,omitempty" required:"false" doc:"TON and NPI of all destinations, such as 1/1"`
	Pass         []uint16 `json:"pass,omitempty" required:"false" doc:"tags of TLVs that are passed on"`

	SubmitIDs  string   `json:"submit_ids,omitempty" required:"false" doc:"form of message_id in answers: text, hex or decimal; empty: found out"`
	ReceiptIDs string   `json:"receipt_ids,omitempty" required:"false" doc:"form of message_id in receipts"`
	ByText     bool     `json:"receipts_by_text,omitempty" required:"false" doc:"receipts may come without their bit in esm_class: then a handset can forge one"`
	Zone       string   `json:"zone,omitempty" required:"false" doc:"of the dates in receipts; empty: UTC"`
	Group      string   `json:"group,omitempty" required:"false" doc:"channels of one group take each other's receipts"`
	Statuses   []string `json:"statuses,omitempty" required:"false" doc:"classes of command_status, such as 0x45=permanent; permanent, temporary, throttle, ill or final"`

	State *UpstreamState `json:"state,omitempty" required:"false" readOnly:"true" doc:"null when no gateway runs"`
}

// UpstreamState is how a channel stands.
type UpstreamState struct {
	Ready  bool    `json:"ready"`
	Reason string  `json:"reason" doc:"why it is not ready"`
	Limit  float64 `json:"limit" doc:"messages a second now; 0: no limit"`
	Binds  []Bind  `json:"binds"`

	Address string `json:"address,omitempty" doc:"where the messages of an HTTP provider go"`

	Sent      uint64 `json:"sent" doc:"submits answered with a message_id"`
	Refused   uint64 `json:"refused"`
	Throttled uint64 `json:"throttled" doc:"of these: the provider asked for less speed"`
	Unknown   uint64 `json:"unknown" doc:"submits without an answer"`
	Receipts  uint64 `json:"receipts"`
	Unread    uint64 `json:"unread" doc:"receipts that could not be read"`
	Received  uint64 `json:"received" doc:"messages of handsets, or segments"`
}

func (u *Upstream) record() storage.Channel {
	if u.Kind == "http" {
		return storage.Channel{Name: u.Name, Kind: u.Kind, Disabled: u.Disabled, HTTP: u.http()}
	}
	if u.Kind == "loopback" {
		return storage.Channel{Name: u.Name, Kind: u.Kind, Disabled: u.Disabled, Loopback: &storage.LoopbackChannel{Settings: u.Settings}}
	}
	return storage.Channel{Name: u.Name, Kind: u.Kind, Disabled: u.Disabled, SMPP: &storage.SMPPChannel{
		Address: u.Address, SystemID: u.SystemID, Password: u.Password, SystemType: u.SystemType, Version: u.Version,
		AddrTON: u.AddrTON, AddrNPI: u.AddrNPI, AddressRange: u.AddressRange,
		TLS: u.TLS, CA: u.CA, Pin: u.Pin, Host: u.Host, Cert: u.Cert, Key: u.Key,
		Binds: u.Binds, Separate: u.Separate, Window: u.Window, Rate: u.Rate, EnquireS: u.EnquireS, ResponseS: u.ResponseS,
		Alphabet: u.Alphabet, Long: u.Long, NoValidity: u.NoValidity, Intermediate: u.Intermediate, ServiceType: u.ServiceType,
		Source: u.Source, Dest: u.Dest, Pass: u.Pass,
		SubmitIDs: u.SubmitIDs, ReceiptIDs: u.ReceiptIDs, ByText: u.ByText, Zone: u.Zone, Group: u.Group, Statuses: u.Statuses,
	}}
}

// upstreamOf shows a record without its secrets.
func upstreamOf(c *storage.Channel) Upstream {
	out := Upstream{Name: c.Name, Kind: c.Kind, Disabled: c.Disabled}
	if l := c.Loopback; l != nil {
		out.Settings = l.Settings
	}
	if h := c.HTTP; h != nil {
		out.showHTTP(h)
	}
	if r := c.SMPP; r != nil {
		out = Upstream{
			Name: c.Name, Kind: c.Kind, Disabled: c.Disabled,
			Address: r.Address, SystemID: r.SystemID, SystemType: r.SystemType, Version: r.Version,
			AddrTON: r.AddrTON, AddrNPI: r.AddrNPI, AddressRange: r.AddressRange,
			TLS: r.TLS, CA: r.CA, Pin: r.Pin, Host: r.Host, Cert: r.Cert,
			Binds: r.Binds, Separate: r.Separate, Window: r.Window, Rate: r.Rate, EnquireS: r.EnquireS, ResponseS: r.ResponseS,
			Alphabet: r.Alphabet, Long: r.Long, NoValidity: r.NoValidity, Intermediate: r.Intermediate, ServiceType: r.ServiceType,
			Source: r.Source, Dest: r.Dest, Pass: r.Pass,
			SubmitIDs: r.SubmitIDs, ReceiptIDs: r.ReceiptIDs, ByText: r.ByText, Zone: r.Zone, Group: r.Group, Statuses: r.Statuses,
		}
	}
	return out
}

func (a *API) routeUpstreams() {
	get, post, del := http.MethodGet, http.MethodPost, http.MethodDelete
	route(a, get, "/v1/channels", 200, "channels that were set up", a.upstreams)
	route(a, post, "/v1/channels", 201, "set up a channel", a.addUpstream)
	route(a, get, "/v1/channels/{name}", 200, "one channel", a.upstream)
	route(a, http.MethodPut, "/v1/channels/{name}", 200, "replace what is set of a channel; it starts anew", a.putUpstream)
	route(a, del, "/v1/channels/{name}", 200, "take a channel away", a.removeUpstream)
	a.routeHTTPUpstreams()
}

// shown adds how it stands.
func (a *API) shown(c *storage.Channel) Upstream {
	u := upstreamOf(c)
	if a.UpstreamState != nil {
		u.State = a.UpstreamState(c.Name)
	}
	return u
}

func (a *API) upstreams(context.Context, *none) ([]Upstream, error) {
	list := []Upstream{}
	for _, c := range a.Router.ChannelRecords() {
		list = append(list, a.shown(&c))
	}
	return list, nil
}

// ByUpstream is exported for huma, which fills in no others.
type ByUpstream struct {
	Name string `path:"name" doc:"name of the channel"`
}

func (a *API) upstream(_ context.Context, in *ByUpstream) (Upstream, error) {
	c, err := a.Router.ChannelRecord(in.Name)
	if err != nil {
		return Upstream{}, err
	}
	return a.shown(&c), nil
}

func (a *API) addUpstream(ctx context.Context, in *body[Upstream]) (Upstream, error) {
	return a.store(ctx, in.Body.record(), true)
}

func (a *API) putUpstream(ctx context.Context, in *struct {
	ByUpstream
	Body Upstream
}) (Upstream, error) {
	in.Body.Name = in.ByUpstream.Name
	c := in.Body.record()
	if old, err := a.Router.ChannelRecord(c.Name); err == nil && old.SMPP != nil && c.SMPP != nil {
		if c.SMPP.Password == "" {
			c.SMPP.Password = old.SMPP.Password
		}
		if c.SMPP.Key == "" && c.SMPP.Cert == old.SMPP.Cert {
			c.SMPP.Key = old.SMPP.Key
		}
	}
	if old, err := a.Router.ChannelRecord(c.Name); err == nil && old.HTTP != nil && c.HTTP != nil {
		keepSecrets(c.HTTP, old.HTTP)
	}
	return a.store(ctx, c, false)
}

// store keeps a record that can be used, and starts its channel.
func (a *API) store(ctx context.Context, c storage.Channel, create bool) (Upstream, error) {
	if a.CheckChannel != nil {
		if err := a.CheckChannel(&c); err != nil {
			return Upstream{}, err
		}
	}
	if err := a.Router.PutChannel(ctx, c, create); err != nil {
		return Upstream{}, err
	}
	return a.applied(ctx, c.Name)
}

func (a *API) applied(ctx context.Context, name string) (Upstream, error) {
	if a.ChannelChanged != nil {
		if err := a.ChannelChanged(name); err != nil {
			return Upstream{}, err
		}
	}
	return a.upstream(ctx, &ByUpstream{name})
}

// removeUpstream answers those that are left.
func (a *API) removeUpstream(ctx context.Context, in *ByUpstream) ([]Upstream, error) {
	if err := a.Router.RemoveChannel(ctx, in.Name); err != nil {
		return nil, err
	}
	if a.ChannelChanged != nil {
		if err := a.ChannelChanged(in.Name); err != nil {
			return nil, err
		}
	}
	return a.upstreams(ctx, nil)
}

// Bind is one connection of a channel.
type Bind struct {
	Number   int        `json:"number"`
	Kind     string     `json:"kind" example:"bind_transceiver"`
	Bound    bool       `json:"bound"`
	Since    time.Time  `json:"since" doc:"when it was bound, or was not any more"`
	Reason   string     `json:"reason" doc:"why it is not bound"`
	RetryAt  *time.Time `json:"retry_at" doc:"null while it is bound, or being tried"`
	InFlight int        `json:"in_flight" doc:"submits without an answer"`
	Version  string     `json:"version" doc:"sc_interface_version of the provider; empty when it gave none"`
}
