package smpp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Receipt is the text of a delivery receipt. [SMPP34 Appendix B]
type Receipt struct {
	ID         string    // message_id as the SMSC writes it in receipts
	Sub        int       // parts submitted
	Dlvrd      int       // parts delivered
	SubmitDate time.Time // to the minute, or the second where a provider gives it
	DoneDate   time.Time
	State      MessageState
	Err        string // three characters, of the network or the SMSC
	Text       string // the first 20 characters of the message
}

// ErrNoReceipt is the error of a text that holds no receipt.
var ErrNoReceipt = errors.New("smpp: not the text of a delivery receipt")

const (
	receiptDate    = "0601021504"
	receiptTextMax = 20
)

// Format writes the receipt as in Appendix B, dates in their own zone and a
// zero one as zeros. Text is cut to 20 characters.
func (r Receipt) Format() string {
	return fmt.Sprintf("id:%s sub:%03d dlvrd:%03d submit date:%s done date:%s stat:%s err:%s text:%s",
		r.ID, min(max(r.Sub, 0), 999), min(max(r.Dlvrd, 0), 999), formatReceiptDate(r.SubmitDate), formatReceiptDate(r.DoneDate),
		r.State.ReceiptWord(), formatErr(r.Err), firstRunes(r.Text, receiptTextMax))
}

func formatReceiptDate(t time.Time) string {
	if t.IsZero() {
		return strings.Repeat("0", len(receiptDate))
	}
	year, month, day := t.Date()
	hour, minute, _ := t.Clock()
	var b [len(receiptDate)]byte
	for i, n := range [...]int{year % 100, int(month), day, hour, minute} { // Format takes five times as long
		b[2*i], b[2*i+1] = '0'+byte(n/10), '0'+byte(n%10)
	}
	return string(b[:])
}

func formatErr(s string) string {
	if len(s) < 3 {
		return strings.Repeat("0", 3-len(s)) + s
	}
	return s[:3]
}

func firstRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// ParseReceipt reads the text of a receipt; dates are taken as those of loc
// (nil: UTC), since the text names no zone.
//
// Providers vary it: keys in any case and order, with a blank, an underscore or
// nothing in "submit date", left out or added; blanks or commas between fields
// and blanks after a colon; dates with seconds, a century or a zone; words of
// their own for stat; a NUL at the end. Only id and stat are needed; what cannot
// be read in the rest stays zero. A text without both is ErrNoReceipt.
func ParseReceipt(text string, loc *time.Location) (Receipt, error) {
	if loc == nil {
		loc = time.UTC
	}
	var r Receipt
	rest, hasStat := strings.TrimRight(text, "\x00"), false
	for {
		rest = strings.TrimLeft(rest, receiptBlanks)
		if rest == "" {
			break
		}
		key, after := receiptKey(rest)
		value := strings.TrimLeft(after, receiptBlanks)
		switch next, _ := receiptKey(value); {
		case key == "":
			_, rest = cutWord(rest)
		case key == "text":
			r.Text = after
			if r.ID != "" && hasStat {
				return r, nil // what looks like a field now is a part of the text
			}
			rest = after
		case next != "":
			rest = value // "err: text:" has no value for err
		default:
			value, rest = cutWord(value)
			r.set(key, value, loc)
			hasStat = hasStat || key == "stat"
		}
	}
	if r.ID == "" || !hasStat {
		return Receipt{}, ErrNoReceipt
	}
	return r, nil
}

const receiptBlanks = " \t\r\n,;"

// cutWord returns the first word of s, and what follows it.
func cutWord(s string) (word, rest string) {
	if n := strings.IndexAny(s, receiptBlanks); n >= 0 {
		return s[:n], s[n:]
	}
	return s, ""
}

// receiptKey returns the known key that s begins with, in lower case and
// without blanks, and what follows its colon; "" when there is none.
func receiptKey(s string) (key, after string) {
	const longest = len("submit date :")
	colon := strings.IndexByte(s[:min(len(s), longest)], ':')
	if colon < 0 {
		return "", ""
	}
	key = strings.TrimRight(strings.ToLower(s[:colon]), " ")
	if word, ok := strings.CutSuffix(key, "date"); ok {
		key = strings.TrimRight(word, " _-") + "date"
	}
	switch key {
	case "id", "sub", "dlvrd", "submitdate", "donedate", "stat", "err", "text":
		return key, s[colon+1:]
	}
	return "", ""
}

func (r *Receipt) set(key, value string, loc *time.Location) {
	switch key {
	case "id":
		r.ID = value
	case "sub":
		r.Sub = count(value)
	case "dlvrd":
		r.Dlvrd = count(value)
	case "submitdate":
		r.SubmitDate = receiptTime(value, loc)
	case "donedate":
		r.DoneDate = receiptTime(value, loc)
	case "stat":
		r.State, _ = ParseReceiptWord(value)
	case "err":
		r.Err = value
	}
}

func count(s string) int {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// receiptTime reads a date by its length; one that cannot be read is zero.
func receiptTime(s string, loc *time.Location) time.Time {
	if len(s) == timeLen {
		if t, err := ParseTime(s, time.Time{}); err == nil && s[15] != 'R' {
			return t
		}
	}
	layout := receiptDate
	switch {
	case len(s) == 12 && !centuryFirst(s):
		layout = "060102150405"
	case len(s) == 12:
		layout = "200601021504"
	case len(s) == 14:
		layout = "20060102150405"
	}
	t, err := time.ParseInLocation(layout, s, loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// centuryFirst reports whether twelve digits are YYYYMMDDhhmm rather than
// YYMMDDhhmmss: those that are no date the usual way.
func centuryFirst(s string) bool {
	_, err := time.Parse("060102150405", s)
	return err != nil
}
