// Package modem runs a bank of GSM modems: it finds out what each one is, brings it to where it can send, hands over TPDUs, takes what
// comes in, and starts again by itself when a modem goes away, hangs or forgets who it is.
//
// # Words
//
//   - Bank: all modems of the box; it has the one Run.
//   - Modem: what answers at a path; its [State] is one of absent, opening, initialising, PIN, searching, ready, failed.
//   - session: the time between opening the port and closing it.
//   - SIM: known by ICCID, wherever it is plugged in; a modem is known by IMEI, and a path is but a hint where it was.
//   - profile: the row of the table of models (modem/profile) by which a modem is handled.
//   - ladder: the resets of a modem that is ill, each a rung, from finding the step again to switching its power.
//   - check: proving a modem without a bank, by the steps that bring one up.
//   - transcript: what was said to a modem and by it, kept in a ring a modem over its sessions; its form is in modem/at.
//   - dialogue: the USSD of a session; there is one at a time, and one that waits for a reply has a name.
//   - health: how the latest sends of a pair of modem and SIM went; one that does not send is parked, and tried with one message.
//   - sweep: looking through the message memories for what no URC told of.
//
// # Promises
//
//   - Each modem has goroutines of its own, and a dead one costs the others nothing.
//   - What came in is acknowledged to the network, or deleted from the SIM, after [Handler] has said that it is on disk, and not before.
//   - [Modem.Submit] ends in one of four ways: sent, refused for now, refused for good, or unknown; it never sends anything twice.
//   - A PIN is tried once. A refused one is not tried again, by no modem and after no restart, nor is any when only one try may be left.
//   - A dead modem is not hammered: each reset has its time, which doubles up to an hour, and no flood of URCs puts one off.
//   - A transcript holds no PIN, and unless asked for in full no text and no number.
//   - A check leaves messages where they are, and the modem as it was.
//   - While messages go out nothing else is asked of the modem, but for a look at signal and registration once a minute.
//
// # What it leaves to others
//
// Which message goes to which modem, limits, repeated sending, assembly of segments and matching of status reports belong to the router.
// AT is in modem/at, TPDUs are in modem/pdu, models in modem/profile.
package modem
