// Package price knows what a part costs: lists of prices by prefix and time, how
// they are read from a table, and what an import changes.
//
// # Words
//
// A price holds for the destinations that begin with its prefix, from its start
// until the next price of the same prefix starts, or until its end. Of the
// prefixes that have a price at a time the longest counts. A blocked price says
// that the destination is not served, whatever a shorter prefix says.
//
// Money is whole millicredits a part; people write credits, 0.035.
//
// # Promises
//
// A List is made once and never changed; a lookup allocates nothing. Nothing here
// does I/O or reads a clock.
package price
