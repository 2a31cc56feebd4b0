// Package smpp is the one SMPP codec of the house: PDUs, their fields and their
// errors, for the server and for the upstream client alike. It is for SMPP 3.4,
// and aware of 3.3 and 5.0.
//
// Words: a frame is the octets of one PDU, header and all; a body is what comes
// after the header; an ESME is the client of an SMSC.
//
// It promises: data_coding, esm_class, user data and optional parameters stay
// byte for byte what they were, in their order; whatever is wrong with a PDU is
// an *Error that carries the command_status to answer with, the field and the
// offset, and the header when that could be read; parsing allocates one PDU and
// nothing else; writing allocates nothing.
//
// It leaves to others: states of a session, connections and timers, and what a
// message means. Window keeps the requests that wait for a response, but knows
// no clock of its own.
//
// Clauses stand in brackets: [SMPP34 5.2.12] is SMPP 3.4 Issue 1.2, [SMPP50
// 4.7.6] is SMPP 5.0.
package smpp
