// Package at speaks AT to one modem: commands and their answers, the dialogue that hands over a message, and the lines that the modem
// sends by itself.
//
// # Words
//
//   - command: one line to the modem, "AT+CREG?"; at most one is under way.
//
//   - information line: a line of a command's answer, "+CREG: 0,1"; it is taken only when the command's Accept knows it.
//
//   - final result: the line that ends an answer, "OK", "ERROR", "+CMS ERROR: 38".       [V.250 5.7.1] [27.005 3.2.5] [27.007 9.2]
//
//   - URC: an unsolicited result code, "+CMTI: \"SM\",3"; some have a second line, the PDU.  [27.005 3.4.1]
//
//   - prompt: the ">" after which a modem waits for a PDU and Ctrl-Z.                     [27.005 4.3]
//
//   - transcript: lines of both directions with their times, as a [Recorder] keeps them, and as a file that people read and a simulator
//     plays; [Transcript] describes its form.
//
// # Promises
//
//   - Deadlines are absolute: a flood of URCs does not move them.
//   - URCs come out of [Engine.URCs] in the order in which they came in, whatever command is under way. The queue is bounded; what
//     does not fit is counted, and messages are the last to be dropped.
//   - A late answer is never taken for the answer of the next command: after a time-out the engine speaks to the modem only to find the
//     step again (see sync.go), and gives the port up when it cannot.
//   - [Engine.SendPDU] says of each failure whether Ctrl-Z had gone out: before it nothing was sent, after it an answer is an answer and
//     silence is an outcome that nobody knows.
//   - No bytes from a modem make it panic, wait for ever, or grow.
//
// What the answers mean is left to package modem, and the PDUs to modem/pdu.
package at
