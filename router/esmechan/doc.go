// Package esmechan makes a provider with an SMSC a channel of the router: the
// gateway binds to it as an ESME.
//
// A channel holds one or more binds, and each that may transmit drains the queue
// of the channel. Receipts come by any bind and are matched by the provider's
// message_id, which is brought to one form first. What the provider sends from
// handsets becomes MO messages.
package esmechan
