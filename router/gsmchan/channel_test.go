package gsmchan

import (
	"context"
	"testing"

	"gsmgate/modem"
)

func TestStatus_NoModem_SaysWhetherOneMayCome(t *testing.T) {
	if got := New(Config{}).Status(); got.Ready || got.Reason != "no modem is configured" {
		t.Errorf("without a source: %+v", got)
	}
	source := func(ctx context.Context, _ func([]string)) { <-ctx.Done() }
	if got := New(Config{Source: source}).Status(); got.Ready || got.Reason != "no modem is plugged in" {
		t.Errorf("with one: %+v", got)
	}
	var _ modem.Source = source
}
