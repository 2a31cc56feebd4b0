// Package smppchan makes the clients that bind over SMPP a channel of the
// router: their submit_sm become MT messages, and MO messages and receipts go
// to them as deliver_sm.
//
// One lane a user: its queue is drained while any of its sessions may
// receive. A receipt goes to the session that submitted, if that one lives
// and may receive, else to any other of the user. The address_range of a bind
// narrows what its session gets. A message is over with deliver_sm_resp alone:
// until then it comes again, also after a restart.
//
// How a message is written follows the user: the alphabet of data_coding 0, and
// the form of what is longer than one short message.
//
// # What a client may ask
//
// submit_multi makes a message for each destination; the client knows them all
// by the message_id of the first that was accepted. query_sm on it answers for
// the whole: ENROUTE while one has not ended, then as the one that fared worst.
// cancel_sm and replace_sm take those of which nothing has been sent.
//
// query_sm, cancel_sm and replace_sm are for messages of the session's user,
// whichever of its sessions submitted them, with the source_addr of the submit:
// its characters count, a + before them and the type of number do not. A message
// whose outcome is unknown is ENROUTE until a report or its deadline settles it.
//
// set_dpf of data_sm asks for an alert_notification, should the message not
// arrive, once its recipient can be reached: to the session that asked, else to
// one whose address_range holds the source of the message, else to any receiver
// of 3.4 or later. Nothing answers it: what a session was given counts as told.
//
// Datagram mode is one attempt; all other modes are store and forward.
// data_coding 0, and the groups of 23.038 that name the default alphabet, are
// read by the user's Alphabet. Alphabets that GSM has not go out as GSM 7 bit
// where that holds the text, else as UCS-2.
//
// It knows all sessions of a user, also those that only transmit: a change of
// the user gives them their new limits, or ends those that may stay no longer.
package smppchan
