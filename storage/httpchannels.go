package storage

import (
	"bytes"
	"maps"
	"slices"
)

// HTTPChannel is how to call a provider's HTTP interface. A zero is the default of
// each.
type HTTPChannel struct {
	Preset      string            `cbor:"1,keyasint,omitempty"` // name of a built-in description; "": Description has it
	Description []byte            `cbor:"2,keyasint,omitempty"` // JSON, see package httpchan
	Settings    map[string]string `cbor:"3,keyasint,omitempty"` // what the description asks for
	Secrets     map[string]Secret `cbor:"4,keyasint,omitempty"` // likewise; they go to no API
	Token       Secret            `cbor:"5,keyasint,omitempty"` // of the URLs that the provider calls

	CA    string `cbor:"11,keyasint,omitempty"` // PEM; "": those of the machine
	Pin   string `cbor:"12,keyasint,omitempty"` // SHA-256 of its public key, hexadecimal; instead of a CA
	Cert  string `cbor:"13,keyasint,omitempty"` // PEM, of us
	Key   string `cbor:"14,keyasint,omitempty"`
	Host  string `cbor:"15,keyasint,omitempty"` // that its certificate is for; "": that of the URL
	Proxy string `cbor:"16,keyasint,omitempty"` // URL of an HTTP or SOCKS5 proxy; "": none

	Window   int    `cbor:"20,keyasint,omitempty"` // connections and requests at once; 0: 10
	Rate     int    `cbor:"21,keyasint,omitempty"` // messages a second; 0: no limit
	TimeoutS int    `cbor:"22,keyasint,omitempty"` // seconds that an answer may take; 0: 30
	Poll     string `cbor:"23,keyasint,omitempty"` // "": when no callback can come, "on", "off"
}

// maxSetting bounds one value that a description asks for: a token may be long.
const maxSetting = 4096

func (h *HTTPChannel) validate(name string) error {
	long := len(h.CA) > maxPEM || len(h.Cert) > maxPEM || len(h.Key) > maxPEM || len(h.Description) > maxPEM
	long = long || len(h.Settings) > maxList || len(h.Secrets) > maxList
	for k, v := range h.Settings {
		long = long || len(k) > maxName || len(v) > maxSetting
	}
	for k, v := range h.Secrets {
		long = long || len(k) > maxName || len(v) > maxSetting
	}
	if long || len(h.Preset)+len(h.Token)+len(h.Host)+len(h.Proxy) > maxText {
		return invalid("channel %q is too long", name)
	}
	return nil
}

// clone is a copy of which nothing is shared.
func (h *HTTPChannel) clone() *HTTPChannel {
	own := *h
	own.Description, own.Settings, own.Secrets = bytes.Clone(h.Description), maps.Clone(h.Settings), maps.Clone(h.Secrets)
	return &own
}

func (s *SMPPChannel) clone() *SMPPChannel {
	own := *s
	own.Pass, own.Statuses = slices.Clone(own.Pass), slices.Clone(own.Statuses)
	return &own
}
