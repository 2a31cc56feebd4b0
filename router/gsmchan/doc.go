// Package gsmchan makes a bank of GSM modems a channel of the router: one
// lane a SIM. It turns messages into TPDUs on the way out, and TPDUs into
// messages, segments and reports on the way in.
//
// The SIMs of a pool share one queue: whichever is free takes what is due, those
// with more left of their day first when there is little to do. A long message
// stays on the SIM that sent its first part. A gate says for each SIM whether it
// may send now: what is set for the card, its limits, its quiet hours.
package gsmchan
