package smpp

import "strings"

// MessageState is message_state. [SMPP34 5.2.28]
type MessageState uint8

// The message states; 0 and 9 are those of 5.0. [SMPP50 4.7.15]
const (
	StateScheduled     MessageState = 0
	StateEnroute       MessageState = 1
	StateDelivered     MessageState = 2
	StateExpired       MessageState = 3
	StateDeleted       MessageState = 4
	StateUndeliverable MessageState = 5
	StateAccepted      MessageState = 6
	StateUnknown       MessageState = 7
	StateRejected      MessageState = 8
	StateSkipped       MessageState = 9
)

// Final reports whether a message in this state stays in it.
func (s MessageState) Final() bool {
	return s != StateScheduled && s != StateEnroute && s <= StateSkipped
}

func (s MessageState) success() bool { return s == StateDelivered || s == StateAccepted }

// String returns the name of the specification, such as "UNDELIVERABLE".
func (s MessageState) String() string {
	names := [...]string{"SCHEDULED", "ENROUTE", "DELIVERED", "EXPIRED", "DELETED",
		"UNDELIVERABLE", "ACCEPTED", "UNKNOWN", "REJECTED", "SKIPPED"}
	if int(s) < len(names) {
		return names[s]
	}
	return "UNKNOWN"
}

// ReceiptWord returns the word of seven letters that stands for the state in
// the text of a receipt, such as "UNDELIV". [SMPP34 Appendix B]
func (s MessageState) ReceiptWord() string {
	words := [...]string{"SCHEDLD", "ENROUTE", "DELIVRD", "EXPIRED", "DELETED",
		"UNDELIV", "ACCEPTD", "UNKNOWN", "REJECTD", "SKIPPED"}
	if int(s) < len(words) {
		return words[s]
	}
	return "UNKNOWN"
}

// ParseReceiptWord returns the state that a word of a receipt means: those of
// Appendix B, the full names, and words that real providers use instead. The
// word of no known meaning is StateUnknown and false.
func ParseReceiptWord(word string) (MessageState, bool) {
	w := strings.ToUpper(word)
	for s := StateScheduled; s <= StateSkipped; s++ {
		if w == s.ReceiptWord() || w == s.String() {
			return s, true
		}
	}
	switch w {
	case "DELIVERY", "DELIVER", "DELIVD", "DLVRD", "READ":
		return StateDelivered, true
	case "UNDELIVERED", "UNDELIVRD", "UNDELIVD", "UNDLVRD", "FAILED", "FAIL", "ERROR":
		return StateUndeliverable, true
	case "ACKED", "SUBMITD", "SUBMITTED":
		return StateAccepted, true
	case "BUFFRED", "BUFFERED", "BUFFERD", "ROUTED", "SENT", "PENDING", "QUEUED", "RETRY":
		return StateEnroute, true
	case "REJECT", "BLOCKED", "SPAM":
		return StateRejected, true
	case "CANCELED", "CANCELLED", "CANCELD", "DELETE":
		return StateDeleted, true
	case "EXPIRE", "EXPIRD", "TIMEOUT":
		return StateExpired, true
	}
	return StateUnknown, false
}
