// Package smppd is an SMPP server: the SMSC's side of SMPP 3.4, aware of 3.3 and 5.0.
//
// # Words
//
// The ESME is the far end, the SMSC is this one. A connection is unbound until its bind is
// accepted; from then on it is a [Session] of a system_id, bound as transmitter (TX), receiver
// (RX) or transceiver (TRX). What a bind or a message means is decided by the [Backend]; this
// package knows PDUs, states, timers and windows, and nothing of users, routes or disks.
//
// # What it promises
//
//   - Every request that can be told apart is answered once, with its own response and sequence
//     number, or with generic_nack; submit_sm_resp goes out when the Backend has replied and not
//     before.
//   - A malformed PDU, a panic in handling one, a stalled handshake or a peer that does not read
//     costs at most its own session.
//   - Bounded: an ESME's unanswered requests (Config.Window), ours (Config.DeliverWindow), what
//     waits to be written, sessions, and connections that have not bound, of all and of one
//     address. At a bound this side stops reading, and TCP tells the peer; an address beyond its
//     own is turned away, and the others do not notice.
//   - A session's windows and its rate can be changed while it lives ([Session.SetLimits]). Beyond
//     the rate a request is answered with ESME_RTHROTTLED at once.
//   - What an ESME does wrong is told to the Backend, apart from how it was answered ([Fault]).
//   - The last PDUs of each session are kept in bounded memory, without passwords, and shown
//     without texts and numbers unless asked ([Session.Trace], [Trace.WritePCAP]).
//   - [Server.Serve] returns when all goroutines it started are gone.
//
// # How a session works
//
// A reader goroutine cuts frames, checks the state and calls the Backend; a writer goroutine
// swaps the outbound buffer and writes all that has gathered at once, and watches the timers.
// Responses are appended to the buffer by whoever replies: no goroutine and no timer a message.
// Tracing is one copy of each PDU; it is decoded when somebody asks.
//
// What is left to others: which limits a user has, who may bind and from where, with what password
// (Backend), and everything that outlives a session (the router and its store). This side never
// sends outbind: an ESME that is away binds when it comes. [SMPP34 2.2.1]
package smppd
