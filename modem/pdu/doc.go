// Package pdu turns texts and octets into SMS-SUBMIT TPDUs and reads SMS-DELIVER, SMS-STATUS-REPORT and stored SMS-SUBMIT TPDUs.
//
// Words: a TPDU is what AT+CMGS sends without the service-centre address (SCA); a line is the hexadecimal form that the AT
// interface carries, SCA first. A segment is one TPDU of a long message. Septets stand one an octet ("unpacked") everywhere
// in the exported API; packing happens at the wire only. A user data header (UDH) is always given with its length octet
// (UDHL), except in Options.UDH, which holds bare elements.
//
// Promises: encoding is strict, with a clear error for what cannot be carried, and takes the least number of segments.
// Decoding reads by the standard first and then forgives what real networks get wrong; each thing forgiven is named in
// Lenient, and Raw keeps the octets as they came. No input makes the package panic. All functions are pure: there is no
// state, no clock and no I/O, and values may be used from many goroutines.
//
// Left to others: allocating concatenation references and TP-MR (package modem), keeping segments until a message is
// complete (storage); only the rules of assembly are here, as pure functions.
//
// github.com/warthog618/sms supplies the national language tables, with corrections of our own, and is the independent
// decoder that the tests hold this package against. The TPDU codec is our own because the library refuses messages that
// real networks send, has two wrong element identifiers and allocates on the accept path.
//
// Two readings are a choice of ours. An alphanumeric sender of 14 semi-octets whose eighth character is '@' is taken for seven
// characters with the length rounded up, which senders do; the note in Lenient tells. Where TS 23.038 V9.1.1 has misprints in the
// national tables (Kannada, Tamil, Telugu) the character of the sequence is taken; testdata/national.txt has them all.
package pdu
