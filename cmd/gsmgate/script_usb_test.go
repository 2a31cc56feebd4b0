package main

import (
	"context"

	"github.com/rogpeppe/go-internal/testscript"

	"gsmgate/modem/modemsim"
)

// usb: a simulated USB bus at $WORK/usb with a stick of three ports at 1-1, the
// first of which is its modem, one in storage mode at 1-2, and an adapter at 1-3.
func usb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: usb")
	}
	modems(ts, false, []string{"1"})
	sim := scriptBank(ts).Modem(0)
	bus, err := modemsim.NewBus(ts.MkAbs("usb"))
	ts.Check(err)
	stick := modemsim.Stick{Vendor: "12d1", Product: "1506", Serial: "S1", Maker: "HUAWEI", Name: "HUAWEI Mobile", First: 2,
		Functions: []modemsim.Function{{Driver: "option", TTY: sim.Path()}}}
	for n := range 2 {
		ctx, cancel := context.WithCancel(context.Background())
		side, wait, err := sim.OpenSide(ctx, n+1, modemsim.Mute)
		ts.Check(err)
		ts.Defer(func() { cancel(); wait() })
		stick.Functions = append(stick.Functions, modemsim.Function{Driver: "option", TTY: side.Path()})
	}
	ts.Check(bus.Plug("1-1", stick))
	ts.Check(bus.Plug("1-2", modemsim.Stick{Vendor: "12d1", Product: "1446", Functions: []modemsim.Function{{Class: "08", Driver: "usb-storage"}}}))
	ts.Check(bus.Plug("1-3", modemsim.Stick{Vendor: "0403", Product: "6001", First: 9,
		Functions: []modemsim.Function{{Driver: "ftdi_sio", TTY: ts.MkAbs("nowhere")}}}))
}
