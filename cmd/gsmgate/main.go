// Command gsmgate is an SMS centre in one binary: clients bind over TLS SMPP,
// messages leave through a bank of GSM modems, and reports come back.
//
// This package only joins the rooms: App opens the store and the listeners and
// runs the router with its channels; the other commands call the REST API,
// over DIR/admin.sock while a gateway runs, else in their own process.
package main

import (
	"os"
	_ "time/tzdata" // zones of SIMs, on machines that have none
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
