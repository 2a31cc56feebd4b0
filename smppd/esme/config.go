package esme

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"gsmgate/smppd/smpp"
)

// Config says where and how to bind. Only Address and SystemID are needed.
type Config struct {
	Address string      // host:port
	TLS     *tls.Config // nil: no TLS. Without a ServerName the host of Address is verified.

	SystemID         string
	Password         string
	LongPassword     bool // Password may have up to 64 octets, see smpp.Bind
	SystemType       string
	BindType         smpp.CommandID // smpp.IDBindTransceiver when 0
	InterfaceVersion uint8          // smpp.Version34 when 0
	AddrTON, AddrNPI uint8
	AddressRange     string

	Window          int           // submits in flight at most; 10 when 0 [SMPP34 2.5.2]
	EnquireLink     time.Duration // silence before enquire_link; 30 s when 0, never when negative
	ResponseTimeout time.Duration // for a response, and for the peer to take in what is written; 30 s when 0
	MaxPDU          int           // smpp.DefaultMaxPDU when 0

	// OnDeliver takes in a deliver_sm, or a data_sm in the same form, and
	// returns the status of the answer. It owns the message. Several run at a
	// time when DeliverWorkers is above 1; it must not wait for a response of
	// its own session. Without it the answer is "try again later".
	OnDeliver      func(*smpp.DeliverSM) smpp.CommandStatus
	DeliverWorkers int // 1 when 0, which keeps the order of messages

	// Take is OnDeliver for those who need some time for each message and will
	// not have the others wait: it is called in the order in which they come, must
	// not block, and answers when it likes. It goes before OnDeliver.
	Take       func(d *smpp.DeliverSM, answer func(smpp.CommandStatus))
	TakeWindow int // messages without an answer at most; 1000 when 0. More are not read.

	// DialContext replaces the dialling of TCP, below TLS.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
}

func (c Config) withDefaults() Config {
	set(&c.BindType, smpp.IDBindTransceiver)
	set(&c.InterfaceVersion, smpp.Version34)
	set(&c.Window, 10)
	set(&c.EnquireLink, 30*time.Second)
	set(&c.ResponseTimeout, 30*time.Second)
	set(&c.DeliverWorkers, 1)
	set(&c.TakeWindow, 1000)
	if c.DialContext == nil {
		c.DialContext = new(net.Dialer).DialContext
	}
	return c
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func (c *Config) dial(ctx context.Context) (net.Conn, error) {
	conn, err := c.DialContext(ctx, "tcp", c.Address)
	if err != nil || c.TLS == nil {
		return conn, err
	}
	conf := c.TLS.Clone()
	if conf.ServerName == "" {
		conf.ServerName, _, _ = net.SplitHostPort(c.Address)
	}
	secured := tls.Client(conn, conf)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

func (c *Config) bindPDU() *smpp.Bind {
	return &smpp.Bind{ID: c.BindType, SystemID: c.SystemID, Password: c.Password, SystemType: c.SystemType,
		InterfaceVersion: c.InterfaceVersion, AddrTON: c.AddrTON, AddrNPI: c.AddrNPI, AddressRange: c.AddressRange, LongPassword: c.LongPassword}
}
