// Package router is the heart of gsmgate: it accepts messages, says which
// channel carries them, hands due work to the lanes of that channel, settles
// attempts and reports, and makes the receipts that go back to the user.
//
// # Words
//
// A Channel is any far end: a bank of modems, an upstream SMSC, the bound
// clients. A Lane is one path out of a channel: a SIM, the sessions of a user.
// A queue carries the name of the channel that drains it; "gsm#sim:8931…" is
// the part of queue "gsm" that only that lane may take, because the first
// part of a long message went that way.
//
// SIMs may be put into pools, each with a queue of its own: "gsm/vip". A lane may
// hold: then it takes nothing, or only what it has begun, and says why. The lane
// that wrote to a recipient last is preferred for it, for a short time at most.
//
// # Promises
//
// In an ordered lane, which is that of a user, the messages of one conversation
// (one source and one destination) leave one after the other: one that is refused
// for now holds back those behind it, and no other conversation. Messages keep
// their place in the queue on disk until they end; how long one is held is known
// to the lane alone, so a client that binds anew gets all of them at once, in
// order. What a lane keeps in memory is bounded, whatever waits.
//
// The messages of one user to one recipient leave a channel in the order in which
// they are due: a later one waits while an earlier one is being sent, is tried
// again, or has parts left. What breaks that order is another priority, a schedule,
// failover to another channel, an outcome that is UNKNOWN, and the user's wish. A
// message that waits so does it in the head of its queue, or on disk where the head
// would be full of them: memory is bounded by what lanes have in their hands.
//
// Users share a queue by their weights, in parts: a backlog of one delays another's
// message by its turns, not by its length. Within a user's share the highest
// priority leaves first, and every eighth message is the one that has waited
// longest, whatever its priority.
//
// A message that could not leave before its validity ends is refused at once, or
// goes by the next channel of its route. How fast a queue is drained is measured of
// each lane while it is busy, with the limits of SIMs and the times at which lanes
// open; as long as nothing is known, and while all lanes are ill, everything is
// taken. A user waits for what others are served beside it, not for their backlog.
//
// Accepted means on disk: done functions are called after the commit. An
// attempt is on disk before it is made; after a crash its message is UNKNOWN,
// and stays so until a report settles it or its deadline passes. It is never
// sent again in silence. Credits are held, spent and refunded in the commit
// that moves the message. A route may say otherwise: that what may have been sent
// is sent again after a while, which timeline and receipt tell, or fails.
//
// A message of which nothing has been sent may be cancelled or replaced. Whether
// that is so is seen in the same commit, where an attempt is written before it
// is made: no message is both cancelled and sent. Those that a client names by
// their addresses are found in memory, see pending.
//
// A delivery pending flag that a client asked for is raised in the commit that
// ends its message, and goes with the message at the latest. When the recipient
// is heard of, by a message of its own or by a report that any message has
// reached it, the client is told once a session can take it: perhaps twice when
// the gateway dies meanwhile, never without cause. Messages that did not ask pay
// nothing for it.
//
// Who binds is decided here, see Admit: failures slow down their address and
// their system_id, never a client that is known; verifying passwords takes half
// of its processors at most; a stranger hears one and the same refusal.
//
// # Left to others
//
// How a message is written on a wire is the channel's business (package pdu,
// package smpp); the router knows UTF-8 text and octets.
package router
