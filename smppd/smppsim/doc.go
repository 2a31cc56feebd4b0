// Package smppsim plays the far ends of SMPP, for tests, the demo and load: SMSC
// is a small SMSC that accepts messages and sends receipts, Load is an ESME that
// submits as fast as it is allowed to and counts what comes back.
//
// An SMSC misbehaves in the ways in which providers do when it is told to: a Fault
// is for all binds or messages or for some, and may begin and end while sessions
// last.
//
// It promises to keep to the protocol as smppd/smpp has it but for faults, and to
// own its goroutines: Serve and Load return when they are gone. What it does is
// repeatable: shares are met by counting, not by chance.
//
// It leaves out what a simulator can do without: storage, segments, and any
// check of what is submitted beyond its form.
package smppsim
