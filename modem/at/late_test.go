package at

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// talking runs fn with a modem that answers the PDUs with one entry of answers after the other, and the commands of the later ones with
// what stands before '|'.
func talking(t *testing.T, answers []string, fn func(t *testing.T, r *rig)) {
	t.Helper()
	n := 0
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			before, _, has := strings.Cut(answers[n], "|")
			if has {
				return said(before) + "\r\n> "
			}
			return "\r\n> "
		case aSent:
			_, after, has := strings.Cut(answers[n], "|")
			if !has {
				after = answers[n]
			}
			n++
			if after == "" {
				return silent
			}
			return said(after)
		}
		return ""
	}, fn)
}

// said writes words as lines: "5" is a reference with its OK, "5-" one without, "OK" and "E38" final results, "~" a wait of 5 s.
func said(words string) string {
	out := ""
	for _, w := range strings.Fields(words) {
		switch {
		case w == "~":
			time.Sleep(5 * time.Second)
		case w == "OK":
			out += "\r\nOK\r\n"
		case w[0] == 'E':
			out += "\r\n+CMS ERROR: " + w[1:] + "\r\n"
		case strings.HasSuffix(w, "-"):
			out += "\r\n+CMGS: " + w[:len(w)-1] + "\r\n"
		default:
			out += "\r\n+CMGS: " + w + "\r\n\r\nOK\r\n"
		}
	}
	return out
}

// fate is what SendPDU says: a TP-MR, "?" for unknown, or the code of an error.
func fate(mr uint8, err error) string {
	var se *SendError
	var refused *Error
	switch {
	case err == nil:
		return fmt.Sprint(mr)
	case errors.As(err, &se) && se.Unknown():
		return "?"
	case errors.As(err, &refused):
		return fmt.Sprintf("E%d", refused.Code)
	}
	return err.Error()
}

// Each answer goes to the message that it is of, or to none: never to the next one.
func TestSendPDU_LateAnswers_NeverTheNextMessages(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string // to one message after the other
		want    string
	}{
		"late reference with the next command's echo":      {[]string{"10", "11", "12", "", "13|14", "15"}, "10 11 12 ? 14 15"},
		"late reference behind the next Ctrl-Z":            {[]string{"10", "11", "12", "", "13 14", "15"}, "10 11 12 ? 14 15"},
		"its OK apart":                                     {[]string{"10", "11", "12", "", "13- 14- OK OK", "15"}, "10 11 12 ? 14 15"},
		"and the answer itself is an error":                {[]string{"10", "11", "12", "", "13 E38", "14"}, "10 11 12 ? E38 14"},
		"late error, then the answer":                      {[]string{"10", "11", "12", "", "E500 13", "14"}, "10 11 12 ? 13 14"},
		"late error, then an error":                        {[]string{"10", "11", "12", "", "E500 E38", "13"}, "10 11 12 ? E38 13"},
		"one error for two":                                {[]string{"10", "11", "12", "", "E500", "13"}, "10 11 12 ? ? 13"},
		"never answered, number used":                      {[]string{"10", "11", "12", "", "14", "15"}, "10 11 12 ? 14 15"},
		"never answered, number not used":                  {[]string{"10", "11", "12", "", "13", "14"}, "10 11 12 ? 13 14"},
		"late, when the next is long gone":                 {[]string{"10", "11", "12", "", "14", "15", "13 16"}, "10 11 12 ? 14 15 16"},
		"late, behind the answer":                          {[]string{"10", "11", "12", "", "14- 13- OK OK", "15"}, "10 11 12 ? 14 15"},
		"two late ones":                                    {[]string{"10", "11", "12", "", "", "13 14 15", "16"}, "10 11 12 ? ? 15 16"},
		"the first message of all, then both":              {[]string{"", "10 11", "12"}, "? 11 12"},
		"the first message of all, late behind the answer": {[]string{"", "11 10", "12"}, "? 11 12"},
		"the first message of all, its OK apart":           {[]string{"", "11- 10- OK OK", "12"}, "? 11 12"},
		"the first message of all, lost":                   {[]string{"", "11", "12"}, "? 11 12"},
		"a modem that does not count":                      {[]string{"0", "0", "", "0 0", "0"}, "0 0 ? 0 0"},
		"over the end of the numbers":                      {[]string{"253", "254", "255", "", "0 1", "2"}, "253 254 255 ? 1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			talking(t, c.answers, func(t *testing.T, r *rig) {
				var got []string
				for range c.answers {
					got = append(got, fate(r.SendPDU(t.Context(), aSize, aPDU)))
				}
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("got %s, want %s", s, c.want)
				}
				if _, err := r.Do(t.Context(), Command{Text: "AT"}); err != nil {
					t.Errorf("then: %v", err)
				}
			})
		})
	}
}

// A status report shows that a submit without an answer went out, and by which number: an answer with it is not the next message's.
func TestSendPDU_ReportOnAMessageWithoutAnswer_ItsLateAnswerIsKnown(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string // to one message after the other
		reports []uint8  // on which messages, before the last but one goes out
		want    string
		during  bool // they come while the answer is waited for
	}{
		"the next is refused, the late answer comes":      {[]string{"10", "11", "12", "", "E38 13", "14"}, []uint8{13}, "10 11 12 ? E38 14", false},
		"the late answer comes first":                     {[]string{"10", "11", "12", "", "13 14", "15"}, []uint8{13}, "10 11 12 ? 14 15", false},
		"the late answer comes alone":                     {[]string{"10", "11", "12", "", "13", "15"}, []uint8{13}, "10 11 12 ? ? 15", false},
		"two without an answer, a report on the second":   {[]string{"10", "11", "12", "", "", "E38 13 14", "15"}, []uint8{14}, "10 11 12 ? ? E38 15", false},
		"the report comes while its answer is waited for": {[]string{"10", "11", "12", "", "E38 13", "14"}, []uint8{13}, "10 11 12 ? E38 14", true},
		"a report on an older message tells nothing":      {[]string{"10", "11", "12", "", "E500 13", "14"}, []uint8{12, 9}, "10 11 12 ? 13 14", false},
		"a modem that does not count: it tells nothing":   {[]string{"7", "7", "7", "", "E500 7", "7"}, []uint8{7}, "7 7 7 ? 7 7", false},
		"a report on a number far ahead tells nothing":    {[]string{"10", "11", "12", "", "E500 13", "14"}, []uint8{40}, "10 11 12 ? 13 14", false},
		"the first message of all, then an error and it":  {[]string{"", "E38 1", "2"}, []uint8{1}, "? ? 2", true},
		"the second, of which the report came before":     {[]string{"10", "", "E38 11", "12"}, []uint8{11}, "10 ? ? 12", false},
		"the first of all, and a report on an older one":  {[]string{"", "E38 5", "6"}, []uint8{4}, "? 5 6", false},
		"the number was used, and no answer comes at all": {[]string{"10", "11", "12", "", "14", "15"}, []uint8{13}, "10 11 12 ? 14 15", false},
	} {
		t.Run(name, func(t *testing.T) {
			talking(t, c.answers, func(t *testing.T, r *rig) {
				var got []string
				for i := range c.answers {
					for _, mr := range c.reports {
						switch {
						case c.during && c.answers[i] == "":
							time.AfterFunc(time.Second, func() { r.Reported(mr) })
						case !c.during && i == len(c.answers)-2:
							r.Reported(mr)
						}
					}
					got = append(got, fate(r.SendPDU(t.Context(), aSize, aPDU)))
				}
				if s := strings.Join(got, " "); s != c.want {
					t.Errorf("got %s, want %s", s, c.want)
				}
			})
		})
	}
}

// What is owed is forgotten: a modem that lost one answer is not waited for ever after.
func TestSendPDU_AnswerLostLongAgo_NothingIsInDoubt(t *testing.T) {
	talking(t, []string{"10", "11", "12", "", "E38"}, func(t *testing.T, r *rig) {
		for range 4 {
			_, _ = r.SendPDU(t.Context(), aSize, aPDU)
		}
		time.Sleep(lateLife)
		from := time.Now()
		if got := fate(r.SendPDU(t.Context(), aSize, aPDU)); got != "E38" || time.Since(from) > time.Second {
			t.Errorf("got %s after %v", got, time.Since(from))
		}
	})
}

// The prompt of a command that was given up comes when the step is being found again: nothing is written to it.
func TestSendPDU_PromptWhileTheStepIsFound_NothingGoesOut(t *testing.T) {
	n := 0
	talk(t, Options{}, func(f *fake, c string) string {
		switch {
		case c == cmgs:
			if n++; n == 1 {
				return silent
			}
			return "\r\n> "
		case c == "<esc>" && n == 1:
			n++
			return "\r\n> " // late
		case c == aSent:
			return "\r\n+CMGS: 7\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if se := sendErr(t, r); se.Submitted {
			t.Errorf("got %+v", se)
		}
		if got := fate(r.SendPDU(t.Context(), aSize, aPDU)); got != "7" || r.count(aSent) != 1 {
			t.Errorf("got %s, %d PDUs", got, r.count(aSent))
		}
	})
}

// Ctrl-Z is written once a message, whatever becomes of it.
func TestSendPDU_CtrlZ_OnceAMessage(t *testing.T) {
	talking(t, []string{"10", "", "E500", "12"}, func(t *testing.T, r *rig) {
		for range 4 {
			_, _ = r.SendPDU(t.Context(), aSize, aPDU)
		}
		if n := r.count(aSent); n != 4 {
			t.Errorf("%d PDUs", n)
		}
		if n := r.count("<ctrl-z>"); n != 0 {
			t.Errorf("%d bare Ctrl-Z", n)
		}
	})
}
