// Package httpback posts what a user gets, MO messages and receipts, to its
// callback: a channel of the router that writes HTTP.
//
// What is posted is a CallbackEvent; Contract says how, and what the answers mean.
//
// # Promises
//
// What is accepted is on disk until a 2xx comes; it is given up when the user's
// keep_hours and keep_count say so, as by SMPP. An event may come twice, after a
// crash or when an answer was lost: then under the same Idempotency-Key. Events of
// one conversation, one source and one destination, come one after the other in
// their order. Each user has connections of its own, so many at once as its window
// says: who is slow delays nobody else.
//
// What answered the same to one event three times, and took others between, keeps
// back the conversation of that event alone.
//
// # Left to others
//
// Which way a message goes, where it waits and when it is tried again are the
// router's business.
package httpback

// Contract is what the owner of a callback must know.
const Contract = `One event a POST, of type application/json; the body of an event is the same whenever it is posted. Headers:

Idempotency-Key: the same for each try of an event, and of no other event.
Gsmgate-Attempt: which try this is, from 1.
Gsmgate-Timestamp: when it was posted, in seconds since 1970.
Gsmgate-Signature: with a secret, "sha256=" and HMAC-SHA-256 of the timestamp, a dot and the body, in hexadecimal.

What the answer means:

2xx: taken, it is over.
410: this one is not wanted, it ends REJECTED.
3xx, 401, 403, 404, 405, 407, 408, 425, 429, 5xx, or none within half a minute: all wait and are tried again, after 1 s at first, later after up to 5 min, or as Retry-After says, an hour at most. Redirects are not followed.
other 4xx: there is something about this one. It is tried three times, then it ends REJECTED; others go on.

Events from one source to one destination come in their order, one at a time.`
