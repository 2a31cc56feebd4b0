package loopchan

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// report makes due what is said of part i, counted from when it was tried, and the
// answer of its handset.
func (ch *Channel) report(m *storage.Message, i int, f fate) {
	if f.never {
		return
	}
	final := storage.Report{Lane: ch.lane, Match: m.ID.String(), Ref: reference(m, i), State: storage.Delivered, Cause: f.cause,
		Dedupe: "loop " + ch.lane + " " + reference(m, i)}
	if f.state != 0 {
		final.State = f.state
	}
	at := m.Parts[i].Tried.Time().Add(ch.settings.report + f.late)
	reports := []storage.Report{final}
	if f.notice {
		notice := final
		notice.State, notice.Dedupe = storage.Enroute, ""
		reports = []storage.Report{notice, final}
	}
	if f.twice {
		reports = append(reports, final)
	}
	var answer *storage.Message
	if i == len(m.Parts)-1 && f.answers != "" {
		answer = ch.answerTo(m, f.answers)
	}
	ch.due.add(at, func() { ch.tell(reports, answer) })
}

// retry is when something is tried again that could not be stored.
const retry = time.Second

// tell stores the answer of a handset and the reports, one after the other: were
// the reports first, nobody would know of the answer after a restart.
func (ch *Channel) tell(reports []storage.Report, answer *storage.Message) {
	if answer == nil {
		ch.tellReports(reports)
		return
	}
	own := *answer
	ch.in.Submit(&own, func(_ storage.ID, err error) {
		if again(err) {
			ch.due.add(ch.now().Add(retry), func() { ch.tell(reports, answer) })
			return
		}
		if err == nil {
			ch.count(func(c *Counts) { c.Received++ })
		} else if !errors.Is(err, storage.ErrDuplicate) {
			ch.log.Warn("the answer of a handset was not taken", "err", err)
		}
		ch.due.add(time.Time{}, func() { ch.tellReports(reports) })
	})
}

// again says whether something may be stored another time.
func again(err error) bool {
	var re *router.Error
	return errors.As(err, &re) && re.Code == router.Busy
}

func (ch *Channel) tellReports(reports []storage.Report) {
	rep := reports[0]
	rep.At = storage.TimeOf(ch.now())
	rep.Text = fmt.Sprintf("loopback: %s", router.StateWord(rep.State))
	ch.in.Report(rep, func(err error) {
		switch {
		case again(err):
			ch.due.add(ch.now().Add(retry), func() { ch.tellReports(reports) })
			return
		case err != nil:
			ch.log.Warn("a report was not taken", "err", err)
		default:
			ch.count(func(c *Counts) { c.Receipts++ })
		}
		if len(reports) > 1 {
			ch.due.add(time.Time{}, func() { ch.tellReports(reports[1:]) })
		}
	})
}

// answerTo is what the handset says to m, from its number to that of m.
func (ch *Channel) answerTo(m *storage.Message, text string) *storage.Message {
	return &storage.Message{
		Kind: storage.MO, Origin: ch.lane, Source: m.Dest, Dest: m.From(), Text: strings.ReplaceAll(text, "*", m.Text),
		Dedupe: []string{"loop " + ch.lane + " answer " + m.ID.String()},
	}
}
