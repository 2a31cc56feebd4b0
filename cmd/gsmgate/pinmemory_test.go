package main

import (
	"path/filepath"
	"testing"

	"gsmgate/modem"
)

func TestRefusedPINs_OutliveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "refused-pins")
	var before modem.PINMemory = refusedPINs{dir}
	if before.Refused("sim/1") {
		t.Error("refused before it was tried")
	}
	if err := before.Refuse("sim/1"); err != nil {
		t.Fatal(err)
	}
	after := refusedPINs{dir}
	if !after.Refused("sim/1") || after.Refused("sim/2") {
		t.Errorf("after a restart: 1 %v, 2 %v", after.Refused("sim/1"), after.Refused("sim/2"))
	}
	if err := after.Accept("sim/1"); err != nil || after.Refused("sim/1") {
		t.Errorf("accepted: %v", err)
	}
	if err := after.Accept("sim/1"); err != nil {
		t.Errorf("accepted twice: %v", err)
	}
}
