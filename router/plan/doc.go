// Package plan chooses by which channel a message goes: ordered rules, what the
// channels cost, and how they stand.
//
// # Words
//
// A rule is a storage.Route, made for asking. It is for a message when all that
// it says of user, source, destination, kind of text, time and parts holds. Rules
// are asked by their order; of the same order the one with the longer prefix of
// the destination comes first, then one that names the user, then the older one.
//
// A candidate is a channel that a rule for the message names. The rule's strategy
// puts its candidates in a row. Behind them come those of the next rule that
// holds, unless the rule is the last one; a channel counts once. Candidates that
// are ready come before all that are not, and those that lack the quality a rule
// asks for behind the others of the rule. A channel that is not there, that cannot
// carry the message or whose price list does not serve the destination is lost.
//
// # Promises
//
// A Plan is made once and never changed. A choice depends on nothing but the plan,
// the query and the facts; it takes a few hundred nanoseconds, whatever the number
// of rules and prefixes, and allocates nothing. Telling it to people may.
package plan
