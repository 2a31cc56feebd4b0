package httpchan

// The words behind a channel's token in the URLs that its provider calls.
const (
	reportWord   = "report"
	incomingWord = "incoming"
)

// callURL is where the provider tells us of something; "" when it cannot.
func (ch *Channel) callURL(word string) string {
	if ch.base == "" {
		return ""
	}
	return ch.base + "/" + ch.name + "/" + ch.token + "/" + word
}
