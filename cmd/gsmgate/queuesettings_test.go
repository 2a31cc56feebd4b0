package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestQueueSettings_FlagsAndFile_AFlagWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	file := `{"max_queued": 5, "max_queue_age": "2d", "when_full": "throttled", "late": "take"}`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want queueOptions
	}{
		{nil, queueOptions{}},
		{[]string{"--config", path}, queueOptions{5, 48 * time.Hour, "throttled", true}},
		{[]string{"--config", path, "--max-queued", "7", "--max-queue-age", "off", "--when-full", "queue-full", "--late", "refuse"}, queueOptions{7, 0, "queue-full", false}},
	} {
		o, err := parseServe(t, c.args...).options(&env{})
		if err != nil || o.Queues != c.want {
			t.Errorf("%v: %+v, %v; want %+v", c.args, o.Queues, err, c.want)
		}
	}
	for _, args := range [][]string{{"--max-queued", "0"}, {"--max-queue-age", "1s"}, {"--when-full", "drop"}, {"--late", "maybe"}} {
		if _, err := parseServe(t, args...).options(&env{}); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
