package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gsmgate/modem/modemsim"
	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

type demoCmd struct {
	Keep   bool `help:"stay up afterwards for a person to play with, until interrupted"`
	Modems int  `default:"4" help:"number of simulated modems"`
}

// What the demo is made of.
const (
	demoUser     = "demo"
	demoPassword = "demo"
	demoCredits  = 100
	demoPatience = 15 * time.Second
	demoLatency  = 300 * time.Millisecond // of one send
	demoDelay    = 200 * time.Millisecond // to the handset, and of its report
)

// demoMessages are what the client sends: one segment, two of GSM-7, two of
// UCS-2.
var demoMessages = [...]struct{ to, text string }{
	{"31611111111", "Hello"},
	{"31622222222", strings.Repeat("Long texts leave in parts and arrive as one. ", 7)[:300]},
	{"31633333333", "Emoji 😀🚀 and Chinese 你好，世界 – one UCS-2 message, long enough for two segments: 短信网关"},
}

// Run shows the main job on simulated modems. Every step is checked: the exit
// code says whether all was as it should be.
func (c *demoCmd) Run(e *env) error {
	if c.Modems < 1 || c.Modems > 64 {
		return usage("", "--modems is %d, not 1 to 64", c.Modems)
	}
	dir, err := os.MkdirTemp("", "gsmgate-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{env: e, dir: dir, out: e.stdout}
	return d.run(c)
}

// demo is one run, in the order of its fields.
type demo struct {
	*env
	dir    string
	out    io.Writer
	bank   *modemsim.Bank
	app    *App
	client *esme.Session

	delivered chan *smpp.DeliverSM // what the client got
	arrived   map[string]arrival   // receipts by message_id
	answers   []*smpp.DeliverSM
}

// arrival is a receipt at the client.
type arrival struct {
	at   time.Time
	text string
	tlvs string
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) run(c *demoCmd) error {
	ctx, cancel := context.WithCancel(d.ctx)
	defer cancel()
	simulated := make(chan error, 1)
	if err := d.simulate(c.Modems); err != nil {
		return err
	}
	go func() { simulated <- d.bank.Run(ctx) }()
	err := d.gateway()
	if err == nil {
		err = d.show(ctx)
	}
	if err == nil && c.Keep {
		d.play(ctx)
	}
	if d.client != nil {
		err = errors.Join(err, d.client.Close(context.Background()))
	}
	err = errors.Join(err, d.app.Stop())
	cancel()
	if simErr := <-simulated; simErr != nil && !errors.Is(simErr, context.Canceled) {
		err = errors.Join(err, simErr)
	}
	return err
}

// simulate makes the modems, their network and its handsets.
func (d *demo) simulate(n int) (err error) {
	d.bank, err = modemsim.New(modemsim.Config{
		Count: n, Dir: filepath.Join(d.dir, "modems"),
		Latency: demoLatency, DeliveryDelay: demoDelay, ReportDelay: demoDelay,
	})
	return err
}

// gateway starts the product as `serve` would.
func (d *demo) gateway() error {
	d.app = New(Options{
		Dir:    filepath.Join(d.dir, "data"),
		Listen: []listenURL{{"smpps", "127.0.0.1:0"}, {"unix", filepath.Join(d.dir, "data", socketFile)}},
		Modems: d.bank.Paths(), Version: programVersion(),
	})
	return d.app.Start()
}

// show is the main job, step by step.
func (d *demo) show(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.ready, d.user, d.bind, d.submit, d.answer} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.say("\nall as it should be")
	return nil
}

// await polls until done says yes, which is simplest for a person's pace.
func await(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for !done() {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("demo: %s: %w", what, ctx.Err())
		}
	}
	return nil
}

func (d *demo) ready(ctx context.Context) error {
	err := await(ctx, "the modems did not get ready", func() bool {
		n := 0
		for _, ch := range d.app.Router().Channels() {
			if ch.Name == "gsm" {
				n = len(ch.Lanes)
			}
		}
		return n == len(d.bank.Paths())
	})
	if err != nil {
		return err
	}
	for _, l := range d.app.Listeners() {
		d.say("listening  %s", strings.Replace(l, d.dir, "DIR", 1))
	}
	for i, m := range d.app.modems() {
		d.say("modem %d    %s, %s, IMEI %s, SIM %s, number %s", i, m.State, m.Operator, m.IMEI, m.ICCID, m.Number)
	}
	return nil
}

// user gives the client what it owns: credits, and the numbers of the SIMs.
func (d *demo) user(ctx context.Context) error {
	var ranges []string
	for i := range d.bank.Paths() {
		ranges = append(ranges, d.bank.Modem(i).Number())
	}
	_, err := d.app.Router().AddUser(ctx, router.UserSpec{
		SystemID: demoUser, Password: demoPassword, Credits: demoCredits * storage.Credit, AddressRanges: ranges,
	})
	if err == nil {
		d.say("user       %s with %d credits, owns the numbers of the SIMs", demoUser, demoCredits)
	}
	return err
}

// bind connects as a client would that was given the certificate.
func (d *demo) bind(ctx context.Context) error {
	pem, err := os.ReadFile(filepath.Join(d.dir, "data", smppd.CertFile))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New("demo: the gateway's certificate cannot be read")
	}
	d.delivered = make(chan *smpp.DeliverSM, 64)
	d.arrived = map[string]arrival{}
	address := strings.TrimPrefix(d.app.Listeners()[0], "smpps://")
	d.client, err = esme.Dial(ctx, esme.Config{
		Address: address, TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		SystemID: demoUser, Password: demoPassword, BindType: smpp.IDBindTransceiver,
		OnDeliver: func(sm *smpp.DeliverSM) smpp.CommandStatus {
			d.delivered <- sm
			return smpp.StatusOK
		},
	})
	if err == nil {
		d.say("client     bind_transceiver over TLS, certificate verified")
	}
	return err
}

// submit sends the messages and waits for their receipts, then shows both.
func (d *demo) submit(ctx context.Context) error {
	before, err := d.available()
	if err != nil {
		return err
	}
	var ids []string
	parts := 0
	for _, m := range demoMessages {
		id, err := d.client.Submit(ctx, submitSM(m.to, m.text))
		if err != nil {
			return fmt.Errorf("demo: submit_sm: %w", err)
		}
		ids = append(ids, id)
	}
	if err := d.receive(ctx, func() bool { return len(d.arrived) == len(ids) }); err != nil {
		return err
	}
	for i, id := range ids {
		n, err := d.showMessage(id, demoMessages[i].to, demoMessages[i].text)
		if err != nil {
			return err
		}
		parts += n
	}
	after, err := d.available()
	if err != nil {
		return err
	}
	d.say("\ncredits    %d before, %d after %d parts", before/storage.Credit, after/storage.Credit, parts)
	if before-after != storage.Millicredits(parts)*storage.Credit {
		return errors.New("demo: the credits do not add up")
	}
	return nil
}

func (d *demo) available() (storage.Millicredits, error) {
	u, err := d.app.Router().User(demoUser)
	return u.Balance.Available, err
}

// submitSM writes the text as most clients do: GSM 03.38 where it fits, else
// UCS-2; what is longer than short_message goes into message_payload.
func submitSM(to, text string) *smpp.SubmitSM {
	sm := &smpp.SubmitSM{
		Source:             smpp.Address{Addr: "1234"},
		Dest:               smpp.Address{TON: 1, NPI: 1, Addr: to},
		RegisteredDelivery: 1,
	}
	data, err := smpp.EncodeText(sm.DataCoding, smpp.GSM0338, text)
	if err != nil {
		sm.DataCoding = smpp.CodingUCS2
		data, _ = smpp.EncodeText(sm.DataCoding, smpp.GSM0338, text)
	}
	if len(data) <= 254 {
		sm.ShortMessage = data
	} else {
		sm.TLVs = sm.TLVs.Append(smpp.TagMessagePayload, data)
	}
	return sm
}

// receive takes what the client got until done says that it is enough.
func (d *demo) receive(ctx context.Context, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for !done() {
		select {
		case sm := <-d.delivered:
			d.took(sm)
		case <-ctx.Done():
			return fmt.Errorf("demo: a receipt or an answer did not reach the client: %w", ctx.Err())
		}
	}
	return nil
}

func (d *demo) took(sm *smpp.DeliverSM) {
	if !sm.ESMClass.IsReceipt() {
		d.answers = append(d.answers, sm)
		return
	}
	id, _ := sm.TLVs.CString(smpp.TagReceiptedMessageID)
	state, _ := sm.TLVs.Uint8(smpp.TagMessageState)
	d.arrived[id] = arrival{time.Now(), string(sm.ShortMessage), fmt.Sprintf("message_state %d", state)}
}

// showMessage prints the timeline of one message and holds it against what
// the handset shows.
func (d *demo) showMessage(id, to, text string) (parts int, err error) {
	n, err := storage.ParseID(id)
	if err != nil {
		return 0, err
	}
	m, err := d.app.Router().Message(n)
	if err != nil {
		return 0, err
	}
	d.say("\nmessage    %s to +%s, %d characters: %s", id, to, len([]rune(text)), clip(text, 48))
	start := m.AcceptedAt.Time()
	line := func(at time.Time, what, text string) {
		d.say("  %6.3f s  %-9s  %s", at.Sub(start).Seconds(), what, text)
	}
	for _, ev := range router.Timeline(m) {
		line(ev.At.Time(), ev.What, ev.Text)
	}
	got := d.arrived[id]
	line(got.at, "receipt", "at the client: "+clip(got.text, 140)+", TLV "+got.tlvs)
	inbox := d.bank.Network().Handset("+" + to).Inbox()
	switch {
	case m.State != storage.Delivered:
		return 0, fmt.Errorf("demo: message %s is %s", id, router.StateWord(m.State))
	case !strings.Contains(got.text, "stat:DELIVRD"):
		return 0, fmt.Errorf("demo: the receipt of message %s says %q", id, got.text)
	case len(inbox) != 1 || inbox[0].Text != text || !inbox[0].Complete:
		return 0, fmt.Errorf("demo: the handset of message %s does not show the text that was sent", id)
	}
	d.say("  handset    shows exactly this text, segments: %d", len(inbox[0].Segments))
	return len(m.Parts), nil
}

func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// answer lets a handset write back.
func (d *demo) answer(ctx context.Context) error {
	const text = "Yes, I'll be there 👍"
	sim := d.bank.Modem(0).Number()
	from := "+" + demoMessages[0].to
	if err := d.bank.Network().Handset(from).Send(sim, text); err != nil {
		return err
	}
	if err := d.receive(ctx, func() bool { return len(d.answers) > 0 }); err != nil {
		return err
	}
	sm := d.answers[0]
	got, err := smpp.DecodeText(sm.DataCoding, smpp.GSM0338, sm.ShortMessage)
	d.say("\nanswer     handset %s writes to %s; the client gets deliver_sm: %s", from, sim, got)
	if err != nil || got != text {
		return fmt.Errorf("demo: the answer arrived as %q", got)
	}
	return nil
}

// play tells a person what there is and waits for the end.
func (d *demo) play(ctx context.Context) {
	data := filepath.Join(d.dir, "data")
	d.say(`
The gateway stays up until you press Ctrl-C. Try:
  bin/gsmgate status --data %[1]s
  bin/gsmgate messages --data %[1]s
  bin/gsmgate send --user %[2]s --to +31644444444 --data %[1]s "Hi"
or bind your own client: %[3]s, system_id %[2]s, password %[4]s`, data, demoUser, d.app.Listeners()[0], demoPassword)
	for {
		select {
		case sm := <-d.delivered:
			text, _ := smpp.DecodeText(sm.DataCoding, smpp.GSM0338, sm.ShortMessage)
			d.say("client     deliver_sm from %s: %s", sm.Source.Addr, text)
		case <-ctx.Done():
			return
		}
	}
}
