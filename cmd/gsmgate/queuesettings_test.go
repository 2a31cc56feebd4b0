package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestQueueSettings_FlagsAndFile_AFlagWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	file := `{"max_queued": 5, "max_queue_age": "2d", "when_full": "throttled", "late": "take", "retention_text": "7d", "retention_count": 100, "retention_text_count": 10}`
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want queueOptions
	}{
		{nil, queueOptions{}},
		{[]string{"--config", path}, queueOptions{5, 48 * time.Hour, "throttled", true, 7 * 24 * time.Hour, 100, 10}},
		{[]string{"--config", path, "--max-queued", "7", "--max-queue-age", "off", "--when-full", "queue-full", "--late", "refuse", "--retention-text", "12h", "--retention-count", "0"}, queueOptions{7, 0, "queue-full", false, 12 * time.Hour, 0, 10}},
	} {
		o, err := parseServe(t, c.args...).options(&env{})
		if err != nil || o.Queues != c.want {
			t.Errorf("%v: %+v, %v; want %+v", c.args, o.Queues, err, c.want)
		}
	}
	for _, args := range [][]string{{"--max-queued", "0"}, {"--max-queue-age", "1s"}, {"--when-full", "drop"}, {"--late", "maybe"}, {"--retention-text", "1s"}, {"--retention-count=-1"}} {
		if _, err := parseServe(t, args...).options(&env{}); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
