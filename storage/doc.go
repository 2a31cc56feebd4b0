// Package storage is the only package that knows bbolt. It keeps users, the
// credit ledger, messages with their parts, MO segments and every index over
// them in one file, behind one group-commit goroutine.
//
// # Words
//
// A Message is one entry of the one queue: MT, MO or delivery receipt. A Part
// is the stored unit that a channel carries (a TPDU, a submit_sm). A Lane is
// one path out of a channel: a SIM, an SMPP session. A queue is named after
// the channel whose lanes drain it. A Flow is what one user has in a queue at one
// priority, a Talk the messages of one user to one recipient that leave in order.
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
// A done function that is told ErrBusy, ErrClosed, ErrReadOnly or ErrInvalid may
// be called before the operation returns, on the caller's goroutine; all others
// must not wait for another operation of the DB.
//
// An operation that fails has changed nothing, and does not disturb the others
// of its commit. When the commit itself fails, every operation in it gets that
// error and nothing has changed, in memory or on disk; Stats says so until a
// commit works again.
//
// # The file
//
// One bbolt file: records are CBOR with small integers for field names, keys
// are big-endian numbers or names that end with NUL. index.go lists the
// buckets, schema.go the migrations. A message's ID is in its key alone, so
// that callers encode their messages side by side before the writer gives out
// IDs. A field that is added to a record needs a migration, an empty one, so
// that an older program refuses the file instead of dropping the field.
//
// # Left to others
//
// Which state may follow which, when to try again and what a message costs
// are the router's business: it hands Change a function.
package storage
