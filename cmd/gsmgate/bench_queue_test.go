package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"gsmgate/provisioning/client"
)

const (
	aimStart    = 5 * time.Second
	aimResident = 300 // MiB
)

// BenchmarkMillionQueued prints how long the gateway takes to start on a file with
// a million messages queued, and its memory then and a little later.
func BenchmarkMillionQueued(b *testing.B) {
	const queued = 1_000_000
	for b.Loop() {
		full, app := storing(b)
		fill(b, app, full, queued)
		if err := app.Stop(); err != nil {
			b.Fatal(err)
		}
		size := fileSize(b, filepath.Join(app.Dir, storeFile))
		g := newGateway(b)
		g.dir, g.api = app.Dir, client.Unix(filepath.Join(app.Dir, socketFile))
		began := time.Now()
		g.start()
		took := time.Since(began)
		if n := g.status().Queued; n < queued {
			b.Fatalf("%d messages are queued", n)
		}
		rows := [][]string{{"a million messages queued", "", "aim"}, {"file", mebibytes(size / 1024), ""},
			{"start until it listens", took.Round(time.Millisecond).String(), aimStart.String()}}
		now, peak := residentKiB(b, g.run.cmd.Process.Pid)
		rows = append(rows, []string{"resident memory then, and at most", mebibytes(now) + ", " + mebibytes(peak), fmt.Sprint(aimResident, " MiB")})
		time.Sleep(10 * time.Second)
		now, peak = residentKiB(b, g.run.cmd.Process.Pid)
		rows = append(rows, []string{"10 s later, and at most", mebibytes(now) + ", " + mebibytes(peak), fmt.Sprint(aimResident, " MiB")})
		g.stop()
		printTable("start of the gateway in a process of its own", rows)
		b.ReportMetric(took.Seconds(), "s-start")
		b.ReportMetric(peak/1024, "MiB-peak")
		b.ReportMetric(0, "ns/op")
	}
}

func fileSize(b *testing.B, name string) float64 {
	b.Helper()
	info, err := os.Stat(name)
	if err != nil {
		b.Fatal(err)
	}
	return float64(info.Size())
}
