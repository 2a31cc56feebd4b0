package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"testing"
	"time"

	"gsmgate/router"
	"gsmgate/smppd"
	"gsmgate/smppd/esme"
	"gsmgate/smppd/smpp"
	"gsmgate/smppd/smppsim"
	"gsmgate/storage"
)

const (
	aimChain   = 10_000 // messages a second from client to client, on two cores
	chainCount = 100_000
)

// BenchmarkChain prints how many messages a second go from a client through the
// gateway to a provider, with every receipt back at the client: TLS on both sides,
// every step on disk. Client, gateway and provider share the process.
func BenchmarkChain(b *testing.B) {
	for b.Loop() {
		address, smsc := upstreamed(b)
		used, start := processorTime(b), time.Now()
		r, err := smppsim.Load(context.Background(), smppsim.LoadConfig{
			Config:   esme.Config{Address: address, TLS: anyCertificate, SystemID: "load", Password: "load", Window: benchWindow, ResponseTimeout: patience},
			Sessions: benchSessions, Count: chainCount, Dest: "3162#######", RegisteredDelivery: smpp.ReceiptFinal, ReceiptWait: patience,
			Texts: []string{"The quick brown fox jumps over the lazy dog, 0123456789 times or so."},
		})
		took, used := time.Since(start), processorTime(b)-used
		if err != nil || r.Accepted != chainCount || r.Receipts[smpp.StateDelivered] != chainCount || r.ReceiptsMissing+r.ReceiptsStrange > 0 {
			b.Fatalf("%+v, %v", r, err)
		}
		rate, cpu := chainCount/took.Seconds(), used/chainCount
		printTable(fmt.Sprintf("client → gateway → SMPP upstream → receipt → client, %d messages, TLS on both sides, all on disk", chainCount), [][]string{
			{"", "messages/s", "aim", "processor µs/message", "on two cores at most", "p50 ms", "p99 ms"},
			{"until the last receipt", whole(rate), whole(aimChain), whole(float64(cpu.Microseconds())), whole(2 / cpu.Seconds()), "", ""},
			{"submit_sm to submit_sm_resp meanwhile", whole(r.PerSecond()), "", "", "", ms(r.P50), ms(r.P99)},
		})
		b.ReportMetric(rate, "msgs/s")
		b.ReportMetric(float64(cpu.Microseconds()), "cpu-µs/msg")
		if n := smsc.Counts(); n.Submits != chainCount {
			b.Errorf("the provider has %+v", n)
		}
	}
}

// upstreamed starts a gateway whose one way is a provider over TLS.
func upstreamed(b *testing.B) (address string, smsc *smppsim.SMSC) {
	b.Helper()
	dir := b.TempDir()
	source, err := smppd.Certificate(dir, "", "", slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	smsc = smppsim.NewSMSC(smppsim.SMSCConfig{TLS: source.TLSConfig(), Window: 1000})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { _ = smsc.Serve(ctx, l); close(ended) }()
	b.Cleanup(func() { cancel(); <-ended })
	address, app := storing(b)
	c := storage.Channel{Name: "up", Kind: "smpp", SMPP: &storage.SMPPChannel{
		Address: l.Addr().String(), SystemID: "gate", TLS: true, Pin: pinned(b, l.Addr().String()), Binds: 2, Window: 1000,
	}}
	if err := app.Router().PutChannel(ctx, c, true); err != nil {
		b.Fatal(err)
	}
	if err := app.channelChanged("up"); err != nil {
		b.Fatal(err)
	}
	if _, err := app.Router().AddRoute(ctx, storage.Route{Channels: []storage.RouteChannel{{Name: "up"}}}); err != nil {
		b.Fatal(err)
	}
	for start := time.Now(); !up(app.Router()); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			b.Fatal("the channel is not bound")
		}
	}
	return address, smsc
}

func up(r *router.Router) bool {
	for _, c := range r.Channels() {
		if c.Name == "up" {
			return c.Ready
		}
	}
	return false
}

// pinned is the key that a server shows.
func pinned(b *testing.B, address string) string {
	b.Helper()
	conn, err := tls.Dial("tcp", address, anyCertificate)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	return fmt.Sprintf("%x", sha256.Sum256(conn.ConnectionState().PeerCertificates[0].RawSubjectPublicKeyInfo))
}
