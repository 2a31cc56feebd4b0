package client

import (
	"context"
	"net/http"
	"net/url"

	"gsmgate/provisioning"
)

func modemAt(id, what string) string { return "/v1/modems/" + url.PathEscape(id) + what }

// Modem gives one modem; id is its IMEI, its path or the last part of that.
func (c *Client) Modem(ctx context.Context, id string) (m provisioning.ModemDetail, err error) {
	return m, c.call(ctx, http.MethodGet, modemAt(id, ""), nil, &m)
}

// TellModem gives a command, "disable", "enable" or "drain", and gives the modem
// as it is then.
func (c *Client) TellModem(ctx context.Context, id, command string) (m provisioning.ModemDetail, err error) {
	return m, c.call(ctx, http.MethodPost, modemAt(id, "/"+command), nil, &m)
}

// ResetModem asks for a reset, which may not be done yet when it returns.
func (c *Client) ResetModem(ctx context.Context, id string, in provisioning.ResetRequest) (m provisioning.ModemDetail, err error) {
	return m, c.call(ctx, http.MethodPost, modemAt(id, "/reset"), in, &m)
}

// USSD sends a code or a reply and waits for what the network says, for a minute
// at most.
func (c *Client) USSD(ctx context.Context, id string, in provisioning.USSDRequest) (u provisioning.USSD, err error) {
	return u, c.call(ctx, http.MethodPost, modemAt(id, "/ussd"), in, &u)
}

// LastUSSD gives what the network has said last.
func (c *Client) LastUSSD(ctx context.Context, id string) (u provisioning.USSD, err error) {
	return u, c.call(ctx, http.MethodGet, modemAt(id, "/ussd"), nil, &u)
}

// CancelUSSD closes the open session.
func (c *Client) CancelUSSD(ctx context.Context, id string) (u provisioning.USSD, err error) {
	return u, c.call(ctx, http.MethodDelete, modemAt(id, "/ussd"), nil, &u)
}

// ModemBalance asks the operator for the balance of the SIM in a modem. By SMS
// that may take minutes.
func (c *Client) ModemBalance(ctx context.Context, id string) (b provisioning.ModemBalance, err error) {
	return b, c.call(ctx, http.MethodPost, modemAt(id, "/balance"), nil, &b)
}

// LearnNumber finds out the number of the SIM in a modem. It costs one message.
func (c *Client) LearnNumber(ctx context.Context, id string) (n provisioning.LearntNumber, err error) {
	return n, c.call(ctx, http.MethodPost, modemAt(id, "/learn-number"), nil, &n)
}
