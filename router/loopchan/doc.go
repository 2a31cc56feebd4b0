// Package loopchan is a channel without a far end, for trying a configuration: it
// takes messages, reports on them and answers them by rule.
//
// What becomes of a message follows from the settings, from the number of its
// recipient and from its own number, and from nothing else. So it is the same at
// every run, and after a restart of the gateway the reports still come that were
// due. Numbers that end in 9900 and two more digits are those of Numbers: each
// provokes one outcome. Of the others a share fails that is set.
//
// It promises what a provider does: a report for each message that it took, no
// sooner than the delay that is set.
package loopchan
