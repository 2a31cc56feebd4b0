// Package provisioning is the REST API: the one way to look at a running
// gateway and to change what it knows. The command line uses it, and the web
// console will.
//
// # Words
//
// Money is whole millicredits (thousandths of a credit) in every answer. A
// request may say "millicredits", or "credits" with at most three decimals.
// States are SMPP's words: SCHEDULED ENROUTE DELIVERED EXPIRED DELETED
// UNDELIVERABLE ACCEPTED UNKNOWN REJECTED. Times are RFC 3339 in UTC.
//
// # Promises
//
// POST /v1/messages answers 202 when the message is on disk. Every error is an
// application/problem+json with the field that is wrong and, where there is
// one, a hint of what to try; it never repeats what may be a password.
// /openapi.json describes all of it. A change of a user holds for its sessions
// when the answer comes; DELETE of a session only begins its end, which the
// client may have to confirm.
//
// # Left to others
//
// Who may call is decided before a request comes here: the unix socket by the
// permissions of its file, a TCP listener by Token. What sessions and modems
// there are is handed in by cmd, because only cmd knows the channels.
package provisioning
