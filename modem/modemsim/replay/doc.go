// Package replay plays the modem's side of a recorded conversation, so that what a stick in the field has said becomes a test.
//
// # What it promises
//
// A command gets what was recorded for it, in the order of the recording. Queries may be repeated and left out, as drivers do that poll:
// one that was recorded once is answered as it was last. Commands that come in another order than recorded are answered all the same.
// A command that was never recorded gets ERROR and is complained about in Problems. Numbers, texts, PINs and PDUs are not compared, for a
// recording may hold none.
//
// What came between two answers in the recording comes after the answer here, with the time between scaled. After a border of two
// sessions the next connection goes on; the last session is played again and again.
//
// # What it leaves to others
//
// A recording holds lines: noise, missing line ends and lone octets are the business of the simulator in the package above, which shares
// no code with our driver, as this one does for the format of the file.
package replay
