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
	at := ch.base + "/" + ch.name + "/" + ch.token
	if word != "" {
		at += "/" + word
	}
	return at
}

// CallURLs are where the provider is to call for reports and with messages; "" when
// it cannot, or tells nothing. They hold a secret.
func (ch *Channel) CallURLs() (report, incoming string) {
	if ch.d.Reports != nil {
		report = ch.callURL(reportWord)
	}
	if ch.d.Incoming != nil {
		incoming = ch.callURL(incomingWord)
	}
	return report, incoming
}
