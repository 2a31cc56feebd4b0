package storage

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Channel is a far end that somebody has set up: a provider.
type Channel struct {
	Name     string       `cbor:"1,keyasint"` // of its queue, too
	Kind     string       `cbor:"2,keyasint"` // "smpp", "http", "loopback", …
	Created  Time         `cbor:"3,keyasint,omitempty"`
	Disabled bool         `cbor:"4,keyasint,omitempty"`
	SMPP     *SMPPChannel `cbor:"10,keyasint,omitempty"`
	HTTP     *HTTPChannel `cbor:"11,keyasint,omitempty"`

	Loopback *LoopbackChannel `cbor:"12,keyasint,omitempty"`
}

// LoopbackChannel is by which rules a channel without a far end does as if it had
// one.
type LoopbackChannel struct {
	Settings map[string]string `cbor:"1,keyasint,omitempty"`
}

func (l *LoopbackChannel) validate(name string) error {
	for key, value := range l.Settings {
		if len(l.Settings) > maxList || len(key) > maxName || len(value) > maxText {
			return invalid("channel %q is too long", name)
		}
	}
	return nil
}

// SMPPChannel is how to bind to a provider's SMSC, and how it reads and writes.
// A zero is the default of each.
type SMPPChannel struct {
	Address    string `cbor:"1,keyasint"` // host:port
	SystemID   string `cbor:"2,keyasint"`
	Password   string `cbor:"3,keyasint,omitempty"` // in clear: the provider wants it so. It goes to no log and no API
	SystemType string `cbor:"4,keyasint,omitempty"`
	Version    uint8  `cbor:"5,keyasint,omitempty"` // interface_version

	AddrTON      uint8  `cbor:"6,keyasint,omitempty"`
	AddrNPI      uint8  `cbor:"7,keyasint,omitempty"`
	AddressRange string `cbor:"8,keyasint,omitempty"`

	TLS  bool   `cbor:"10,keyasint,omitempty"`
	CA   string `cbor:"11,keyasint,omitempty"` // PEM; "": those of the machine
	Pin  string `cbor:"12,keyasint,omitempty"` // SHA-256 of its public key, hexadecimal; instead of a CA
	Cert string `cbor:"13,keyasint,omitempty"` // PEM, of us
	Key  string `cbor:"14,keyasint,omitempty"`
	Host string `cbor:"15,keyasint,omitempty"` // that its certificate is for; "": that of Address

	Binds    int  `cbor:"20,keyasint,omitempty"` // at once; 0: 1
	Separate bool `cbor:"21,keyasint,omitempty"` // a transmitter and a receiver in place of each transceiver
	Window   int  `cbor:"22,keyasint,omitempty"` // submits without an answer, of each bind; 0: 10
	Rate     int  `cbor:"23,keyasint,omitempty"` // messages a second, over all binds; 0: no limit

	EnquireS  int `cbor:"24,keyasint,omitempty"` // seconds; 0: 30
	ResponseS int `cbor:"25,keyasint,omitempty"` // seconds; 0: 30

	Alphabet     string   `cbor:"30,keyasint,omitempty"` // of data_coding 0, as of User
	Long         string   `cbor:"31,keyasint,omitempty"` // "": "udh", "sar", "payload"
	NoValidity   bool     `cbor:"32,keyasint,omitempty"` // no validity_period is sent
	Intermediate bool     `cbor:"33,keyasint,omitempty"` // notifications are asked for when the client wants them
	ServiceType  string   `cbor:"34,keyasint,omitempty"` // "": that of the client
	Source       string   `cbor:"35,keyasint,omitempty"` // TON and NPI of source addresses, "1/1"; "": as they are
	Dest         string   `cbor:"36,keyasint,omitempty"` // likewise of destinations
	Pass         []uint16 `cbor:"37,keyasint,omitempty"` // tags of TLVs that are passed on

	SubmitIDs  string   `cbor:"40,keyasint,omitempty"` // form of message_id in answers: "", "text", "hex", "decimal"
	ReceiptIDs string   `cbor:"41,keyasint,omitempty"` // and in receipts
	ByText     bool     `cbor:"42,keyasint,omitempty"` // receipts may come without their bit in esm_class
	Zone       string   `cbor:"43,keyasint,omitempty"` // of the dates in receipts; "": UTC
	Group      string   `cbor:"44,keyasint,omitempty"` // channels of one group take each other's receipts
	Statuses   []string `cbor:"45,keyasint,omitempty"` // classes of statuses, "0x45=permanent"
}

// maxPEM bounds what a record has of certificates and keys.
const maxPEM = 64 << 10

func validateChannel(c *Channel) error {
	switch {
	case c.Name == "" || c.Kind == "":
		return invalid("a channel without a name or a kind")
	case strings.ContainsAny(c.Name, "#/"):
		return invalid("a channel named %q", c.Name) // queues of lanes and pools have these
	}
	if s := c.SMPP; s != nil {
		if len(s.CA) > maxPEM || len(s.Cert) > maxPEM || len(s.Key) > maxPEM || len(s.Pass) > maxList || len(s.Statuses) > maxList {
			return invalid("channel %q is too long", c.Name)
		}
		if err := validName("group", s.Group); err != nil {
			return err
		}
	}
	if c.Loopback != nil {
		if err := c.Loopback.validate(c.Name); err != nil {
			return err
		}
	}
	if c.HTTP != nil {
		if err := c.HTTP.validate(c.Name); err != nil {
			return err
		}
	}
	return validName("channel", c.Name)
}

// Channel gives one that was set up.
func (db *DB) Channel(name string) (Channel, bool) { return db.channels.get(name) }

// Channels gives all by name. What they point to is shared: do not change it.
func (db *DB) Channels() []Channel {
	all := db.channels.list()
	slices.SortFunc(all, func(a, b Channel) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// PutChannel stores a channel under its name: ErrExists when create is set and
// there is one, ErrNotFound when it is not and there is none. When ctx ends first,
// it may still be done.
func (db *DB) PutChannel(ctx context.Context, c Channel, create bool) error {
	if c.SMPP != nil {
		c.SMPP = c.SMPP.clone()
	}
	if c.HTTP != nil {
		c.HTTP = c.HTTP.clone()
	}
	if c.Loopback != nil {
		c.Loopback = &LoopbackChannel{Settings: maps.Clone(c.Loopback.Settings)}
	}
	return db.channels.put(ctx, db, c.Name, create, func(old *Channel) { *old = c })
}

// RemoveChannel forgets a channel: ErrNotFound.
func (db *DB) RemoveChannel(ctx context.Context, name string) error {
	return db.channels.remove(ctx, db, name)
}
