// Package smppchan makes the clients that bind over SMPP a channel of the
// router: their submit_sm become MT messages, and MO messages and receipts go
// to them as deliver_sm.
//
// One lane a user: its queue is drained while any of its sessions may
// receive. A receipt goes to the session that submitted, if that one lives
// and may receive, else to any other of the user.
package smppchan
