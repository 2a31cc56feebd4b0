package router

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"gsmgate/storage"
)

// DefaultCallbackWindow is how many posts to a callback are without an answer at
// most, when its user has no number of its own.
const DefaultCallbackWindow = 4

// Bounds of callbacks.
const (
	maxCallbackURL    = 2048
	maxCallbackSecret = 256
	maxCallbackWindow = 64
)

// words of the settings.
var (
	deliveries   = [...]string{"smpp", "callback", "both"}
	callbackFors = [...]string{"mo", "receipts"}
)

// applyCallback writes what s says of the callback into u. Without a URL there is
// nothing left of one.
func (s UserSettings) applyCallback(u *storage.User) error {
	take(&u.Callback, s.Callback)
	take(&u.CallbackSecret, s.CallbackSecret)
	take(&u.CallbackWindow, s.CallbackWindow)
	if s.CallbackFor != nil {
		kinds, err := callbackFor(*s.CallbackFor)
		if err != nil {
			return err
		}
		u.CallbackFor = kinds
	}
	if s.Callback != nil && *s.Callback == "" {
		u.CallbackSecret, u.CallbackFor, u.CallbackWindow, u.Deliver = "", "", 0, ""
	}
	take(&u.Deliver, s.Deliver)
	return nil
}

// callbackFor gives the form in which the kinds are kept: both are "".
func callbackFor(words []string) (string, error) {
	for _, word := range words {
		if !slices.Contains(callbackFors[:], word) {
			return "", invalid("callback_for", fmt.Sprintf("no kind %.20q goes to a callback", word), "use mo, receipts or both of them")
		}
	}
	words = slices.Compact(slices.Sorted(slices.Values(words)))
	if len(words) == 1 {
		return words[0], nil
	}
	return "", nil
}

// CallbackFor are the words of what goes to the user's callback.
func CallbackFor(u *storage.User) []string {
	if u.CallbackFor == "" {
		return callbackFors[:]
	}
	return []string{u.CallbackFor}
}

// Deliver is the word for how a user's receipts and MO reach it.
func Deliver(u *storage.User) string {
	switch {
	case u.Deliver != "":
		return u.Deliver
	case u.Callback != "":
		return "callback"
	}
	return "smpp"
}

func checkCallback(u *storage.User) error {
	if err := checkWord("deliver", u.Deliver, deliveries[:]); err != nil {
		return err
	}
	if u.CallbackWindow < 0 || u.CallbackWindow > maxCallbackWindow {
		return invalid("callback_window", fmt.Sprintf("callback_window %d is out of range", u.CallbackWindow), fmt.Sprintf("use 1 to %d; 0 is %d", maxCallbackWindow, DefaultCallbackWindow))
	}
	if len(u.CallbackSecret) > maxCallbackSecret || strings.ContainsFunc(string(u.CallbackSecret), unicode.IsControl) {
		return invalid("callback_secret", "the secret of the callback cannot be used", fmt.Sprintf("use 1 to %d characters", maxCallbackSecret))
	}
	if u.Callback != "" {
		return checkCallbackURL(u.Callback)
	}
	if u.CallbackSecret != "" || u.CallbackFor != "" || u.CallbackWindow != 0 || u.Deliver != "" && u.Deliver != "smpp" {
		return invalid("callback", "there is no callback", "name its URL in callback too")
	}
	return nil
}

// checkCallbackURL wants a URL that something can be posted to. A name and a
// password have no place in it: what is posted is signed.
func checkCallbackURL(text string) error {
	bad := func(why string) error {
		return invalid("callback", "the callback cannot be used: "+why, "use a URL such as https://example.com/sms")
	}
	if len(text) > maxCallbackURL {
		return bad("it is too long")
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return bad("it is no URL")
	case u.Scheme != "https" && u.Scheme != "http":
		return bad("its scheme is not https or http")
	case u.User != nil:
		return bad("it has a user name or a password")
	case u.Hostname() == "" || u.Opaque != "":
		return bad("it names no host")
	case strings.Contains(text, "#"):
		return bad("it has a fragment")
	case !port(u):
		return bad("its port is none")
	}
	return nil
}

// port says whether the URL has a port that there is, or none.
func port(u *url.URL) bool {
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return u.Port() == "" && !strings.HasSuffix(u.Host, ":") || err == nil && n > 0
}
