// Package gsmchan makes a bank of GSM modems a channel of the router: one
// lane a SIM. It turns messages into TPDUs on the way out, and TPDUs into
// messages, segments and reports on the way in.
//
// The bank shares one queue: whichever SIM is free takes what is due. A long
// message stays on the SIM that sent its first part.
package gsmchan
