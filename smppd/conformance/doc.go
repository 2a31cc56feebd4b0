// Package conformance states what this SMSC offers of SMPP 3.4: each PDU, optional parameter,
// command_status, field and timer with yes, part or no.
//
// table.txt is the statement. Its rows name the clauses that the code implements, in the form of
// the comments beside that code, and the tests that hold them. A test of this package reads the
// source of the module and fails when a row says more than there is: a PDU, tag or status that the
// codec knows and the table does not, a clause that stands nowhere in the code, a yes without a
// test, a test that there is not.
//
//	yes   as the specification says
//	part  not all of it; the note says what
//	no    not offered; the note says what the ESME gets instead
package conformance
