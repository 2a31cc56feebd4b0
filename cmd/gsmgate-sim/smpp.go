package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
)

const urlHint = "use smpp://HOST:PORT, or smpps://HOST:PORT for TLS"

// smppURL takes apart smpp:// and smpps://.
func smppURL(s string) (address string, secure bool, err error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "smpp" && u.Scheme != "smpps" || u.Path != "" && u.Path != "/" {
		return "", false, fail(urlHint, "%q is not the URL of an SMPP peer", s)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"smpp": "2775", "smpps": "2776"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), u.Scheme == "smpps", nil
}

// esmeCmd is gsmgate-sim esme.
type esmeCmd struct {
	Connect     string        `required:"" placeholder:"URL" help:"smpp://HOST:PORT or smpps://HOST:PORT."`
	SystemID    string        `required:"" help:"system_id to bind with."`
	Password    string        `help:"Password to bind with."`
	Insecure    bool          `help:"Take any certificate."`
	Sessions    int           `default:"1" help:"Sessions at once."`
	Window      int           `default:"10" help:"submit_sm in flight in each session."`
	Count       int           `help:"Messages in all; without --count and --duration one."`
	Duration    time.Duration `help:"How long to submit."`
	Rate        float64       `help:"Messages a second in all; without, as many as the windows let through."`
	From        string        `help:"Source address."`
	To          string        `default:"31600000000" help:"Destination; each # is a digit of the number of the message."`
	Text        []string      `sep:"none" help:"Text; several are taken in turn."`
	Receipts    bool          `help:"Ask for delivery receipts and wait for them."`
	ReceiptWait time.Duration `default:"10s" help:"How long to wait for them at the end."`
	JSON        bool          `name:"json" help:"The summary as JSON."`
}

// Run submits, and fails when not all was accepted.
func (c *esmeCmd) Run(ctx context.Context, s streams) error {
	conf, err := c.config()
	if err != nil {
		return err
	}
	result, err := smppsim.Load(ctx, conf)
	if printErr := c.print(s, result); printErr != nil && err == nil {
		err = printErr
	}
	if err != nil {
		return fail("is the server there, and are --system-id and --password right? smpps with a self-signed certificate needs --insecure", "%w", err)
	}
	if result.Accepted != result.Sent || result.ReceiptsMissing > 0 || result.ReceiptsStrange > 0 {
		return fail("the summary has the numbers", "not all messages went well")
	}
	return nil
}

func (c *esmeCmd) config() (smppsim.LoadConfig, error) {
	address, secure, err := smppURL(c.Connect)
	if err != nil {
		return smppsim.LoadConfig{}, err
	}
	conf := smppsim.LoadConfig{
		Config:   esme.Config{Address: address, SystemID: c.SystemID, Password: c.Password, Window: c.Window},
		Sessions: c.Sessions, Count: c.Count, Duration: c.Duration, Rate: c.Rate,
		Source: address34(c.From), Dest: c.To, Texts: c.Text, ReceiptWait: c.ReceiptWait,
	}
	if secure {
		conf.TLS = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure}
	}
	if c.Receipts {
		conf.RegisteredDelivery = smpp.ReceiptFinal
	}
	conf.OnDeliver = func(*smpp.DeliverSM) smpp.CommandStatus { return smpp.StatusOK }
	return conf, nil
}

// address34 gives a source address its type of number: international with +, alphanumeric with letters [SMPP34 5.2.5].
func address34(number string) smpp.Address {
	switch {
	case strings.HasPrefix(number, "+"):
		return smpp.Address{TON: 1, NPI: 1, Addr: number[1:]}
	case strings.Trim(number, "0123456789") != "":
		return smpp.Address{TON: 5, Addr: number}
	}
	return smpp.Address{Addr: number}
}

// summary is what --json prints; times are in milliseconds.
type summary struct {
	Sent            int            `json:"sent"`
	Accepted        int            `json:"accepted"`
	Refused         int            `json:"refused"`
	Unknown         int            `json:"unknown"`
	Statuses        map[string]int `json:"statuses"`
	Receipts        map[string]int `json:"receipts"`
	ReceiptsMissing int            `json:"receipts_missing"`
	ReceiptsStrange int            `json:"receipts_strange"`
	PerSecond       float64        `json:"per_second"`
	P50             float64        `json:"p50_ms"`
	P99             float64        `json:"p99_ms"`
	Max             float64        `json:"max_ms"`
	Elapsed         float64        `json:"elapsed_ms"`
}

func summarise(r smppsim.LoadResult) summary {
	out := summary{
		Sent: r.Sent, Accepted: r.Accepted, Refused: r.Refused, Unknown: r.Unknown, Statuses: map[string]int{}, Receipts: map[string]int{},
		ReceiptsMissing: r.ReceiptsMissing, ReceiptsStrange: r.ReceiptsStrange,
		PerSecond: r.PerSecond(), P50: ms(r.P50), P99: ms(r.P99), Max: ms(r.Max), Elapsed: ms(r.Elapsed),
	}
	for status, n := range r.Statuses {
		out.Statuses[status.String()] += n
	}
	for state, n := range r.Receipts {
		out.Receipts[state.String()] += n
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (c *esmeCmd) print(s streams, r smppsim.LoadResult) error {
	sum := summarise(r)
	if c.JSON {
		e := json.NewEncoder(s.out)
		e.SetIndent("", "  ")
		return e.Encode(sum)
	}
	_, err := fmt.Fprintf(s.out, "sent %d, accepted %d, refused %d, unknown %d in %v: %.0f a second; p50 %v, p99 %v, max %v\n",
		r.Sent, r.Accepted, r.Refused, r.Unknown, r.Elapsed.Round(time.Millisecond), sum.PerSecond, r.P50, r.P99, r.Max)
	if err == nil && c.Receipts {
		_, err = fmt.Fprintf(s.out, "receipts %v, missing %d, strange %d\n", sum.Receipts, r.ReceiptsMissing, r.ReceiptsStrange)
	}
	return err
}
