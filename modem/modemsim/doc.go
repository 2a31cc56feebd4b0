// Package modemsim is a bank of GSM modems, their SIMs, a network with a service centre, and handsets, for tests, demos and load.
//
// Each modem is a pty with an AT interpreter behind it (V.250, 27.005, 27.007) that programs open like a USB stick. What they submit goes to the
// Network, which stores it, delivers it to the Handset of that number and sends an SMS-STATUS-REPORT back to the SIM that asked for one.
// Handsets send too; their segments arrive at the SIM as the client's CNMI setting says.
//
// The package shares no code with our own AT driver or PDU codec: it is an independent witness of what was sent. It reads TPDUs strictly, keeps
// every octet, and complains (Segment.Warnings) where the specification is bent without being broken.
//
// # Words
//
//   - Bank: all modems, their ptys and the network; has the one Run.
//   - Modem: one AT interpreter on one pty. Faults are methods of it, and lines for Modem.Command.
//   - SIM: card state: identity, PIN, storage, service-centre address.
//   - Network: the service centre. Rules say what becomes of messages to a number.
//   - Handset: any number. It exists as soon as it is named.
//   - segment: one SMS-SUBMIT or SMS-DELIVER; a message has one or more.
//
// # What it promises
//
// A send takes Latency from Ctrl-Z to +CMGS; at its end, not before, the network has the message. Status reports and deliveries to one SIM go
// one at a time and in order, and come again until the modem has acknowledged or stored them. Everything is bounded: rings of transcripts and
// submissions drop their oldest.
package modemsim
