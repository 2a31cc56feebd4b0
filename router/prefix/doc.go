// Package prefix finds the longest of many prefixes that a number begins with.
//
// # Words
//
// A number is 1 to 20 of the characters 0 to 9, * and #. A Key is up to 16 of
// them in one machine word, so that numbers sort as their digits do and a prefix
// sorts just before all that begin with it. E.164 knows no number of more than 15
// digits; of what is longer the first 16 count.
//
// # Promises
//
// A Table is built once and never changed: many goroutines may look into it, and
// who has a new one swaps a pointer. A lookup allocates nothing: it is one binary
// search, and a step for each shorter prefix that is asked for.
package prefix
