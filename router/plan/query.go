package plan

import (
	"strings"

	"gsmgate/storage"
)

// Class is what a message is made of: one of the first three, and Flash beside it.
type Class uint8

const (
	GSM7 Class = 1 << iota
	Unicode
	Binary
	Flash
)

// classes are the words for it.
var classes = [...]string{"gsm7", "unicode", "binary", "flash"}

// String names all that it is.
func (c Class) String() string {
	var words []string
	for i, w := range classes {
		if c&(1<<i) != 0 {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// Query is what is known of a message when its way is chosen.
type Query struct {
	User   string
	Source string
	Dest   string // digits; a + at the start means nothing
	Class  Class
	Parts  int
	At     storage.Time
}

// Facts say how the channels stand. A call must be quick.
type Facts interface {
	// Channel says how the channel with the number of Plan.Channels stands.
	Channel(n int) State
	// Turn counts the choices of a rule that takes turns.
	Turn(rule int) uint32
}

// State is how a channel stands towards one message.
type State struct {
	Missing  bool // there is no such channel
	Disabled bool // there is one, and it is to rest
	Unfit    bool // it cannot carry the message
	Ready    bool
	Quality  int // percent of what it took that was delivered; UnknownQuality
}

// UnknownQuality is that of a channel of which too little is known: none is held
// against it.
const UnknownQuality = -1

// extra are the characters beyond ASCII of the GSM alphabet and its extension
// [23.038 6.2.1].
const extra = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€"

// TextClass says whether the GSM alphabet has room for a text.
func TextClass(text string) Class {
	for _, r := range text {
		switch {
		case r >= ' ' && r < 0x7F && r != '`', r == '\n', r == '\r', r == '\f':
		case r < 0x80, !strings.ContainsRune(extra, r):
			return Unicode
		}
	}
	return GSM7
}

// plain is an address as it is compared: a + at its start means nothing.
func plain(s string) string { return strings.TrimPrefix(s, "+") }
