// Package storage is the only package that knows bbolt. It keeps users, the
// credit ledger, messages with their parts, MO segments and every index over
// them in one file, behind one group-commit goroutine.
//
// # Words
//
// A Message is one entry of the one queue: MT, MO or delivery receipt. A Part
// is the stored unit that a channel carries (a TPDU, a submit_sm). A Lane is
// one path out of a channel: a SIM, an SMPP session. A queue is named after
// the channel whose lanes drain it.
//
// # Promises
//
// A nil error handed to a done function means: on disk, fsynced. What was
// asked of the DB while a commit ran goes into the next commit together; a
// lone request waits for no timer. done functions run in commit order on a
// goroutine of the DB and must not block.
//
// Every index is a pure function of the records (see index.go), so that Check
// can recompute and compare all of them, and money moves only inside the
// commit that moves the message it belongs to.
//
// # Left to others
//
// Which state may follow which, when to try again and what a message costs
// are the router's business: it hands Change a function.
package storage
