package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// A modem that is back in text mode, because it has restarted without a word or because another program wanted it, shows messages in
// another form until that is noticed. Whether it waits for an acknowledgement then is not certain, for it may have forgotten AT+CSMS, too.

// inTextMode tells whether a message came in the form of text mode: the modem has forgotten its settings without a word. In PDU mode the
// header has a name, or nothing, and the length; in text mode a number and a time, or the fields of a report. What follows tells nothing:
// a text in UCS-2 is hexadecimal, too. [27.005 3.4.1]
func inTextMode(u at.URC) bool { return u.Kind == at.KindMessage && len(at.Fields(u.Args)) > 2 }

var (
	errTextMode = fmt.Errorf("%w (text mode)", at.ErrRestarted)
	errTextForm = errors.New("it came in the form of text mode")
)

// keepTime bounds how long the end of a session waits for what is stored only there.
const keepTime = 10 * time.Second

// setPDUMode sets it at once, before what waits to be sent.
func (s *session) setPDUMode(ctx context.Context) {
	_, _ = s.at.Do(ctx, at.Command{Text: "AT+CMGF=0", Urgent: true})
}

// leaveTextMode sets PDU mode and ends the session: what else the modem has forgotten nobody knows.
func (s *session) leaveTextMode(ctx context.Context) {
	s.setPDUMode(ctx)
	s.end(errTextMode)
}

// leavesTextMode asks for the mode, after an answer that PDU mode does not have, sets PDU mode if it was the other, and says whether it was.
// The session is to end then.
func (r *receiver) leavesTextMode(ctx context.Context) bool {
	line, err := r.s.ask(ctx, "AT+CMGF?", at.Prefix("+CMGF:"))
	if err != nil || line == "" || at.Params(line) != "1" {
		return false
	}
	r.s.setPDUMode(ctx)
	return true
}

// checkMode ends the session of a modem that cannot show its messages because it is back in text mode, in which AT+CMGL=4 means nothing,
// and says whether it did.
func (r *receiver) checkMode(ctx context.Context) bool {
	is := r.leavesTextMode(ctx)
	if is {
		r.s.end(errTextMode)
	}
	return is
}

// inTextForm tells whether a memory showed a message as text mode does: "REC UNREAD".                            [27.005 3.1 <stat>]
func inTextForm(rec at.Record) bool {
	return slices.ContainsFunc(at.Fields(at.Params(rec.Line)), func(f string) bool { return strings.HasPrefix(f, "REC ") })
}

// textual handles a +CMT or +CDS in the form of text mode. A report is all there. Of a message the alphabet and the header are not, so it
// is to come again as a PDU; unless it is certain that it does, what there is is kept.
func (r *receiver) textual(ctx context.Context, u heard) {
	if u.early { // the modem was set up since
		defer r.checkMode(ctx)
	} else {
		defer r.s.end(errTextMode)
		r.s.setPDUMode(ctx)
	}
	if strings.EqualFold(u.Name, "+CDS") {
		r.textReport(ctx, u.URC)
		return
	}
	if r.comesAgain(ctx) && !u.early {
		return
	}
	_ = r.keep(ctx, u.Name+": "+u.Args+"\n"+u.PDU, nil, errTextForm)
}

// textReport stores a status report, and acknowledges it if that is wanted.
func (r *receiver) textReport(ctx context.Context, u at.URC) {
	fields := at.Fields(u.Args)
	fields[2] = plainNumber(fields[2])
	report, err := pdu.TextReport(fields)
	if err != nil {
		err = r.keep(ctx, u.Name+": "+u.Args, nil, err)
	} else {
		err = r.keep(ctx, u.Name+": "+u.Args, report, nil)
	}
	if r.s.ack {
		_ = r.answer(ctx, err)
	}
}

// comesAgain has the network send again the message that was shown last, and says whether it is certain that it will: a modem that has
// forgotten that it is in phase 2+ has acknowledged the message by itself.                                  [27.005 3.2.1, 3.4.4]
func (r *receiver) comesAgain(ctx context.Context) bool {
	if !r.s.ack {
		return false
	}
	a, err := r.s.at.Do(ctx, at.Command{Text: "AT+CSMS?", Accept: at.Prefix("+CSMS:"), Urgent: true})
	refused := r.answer(ctx, errTextForm)
	return err == nil && at.Fields(at.Params(a.First()))[0] == "1" && refused == nil
}

// keep is storeDecoded for what may not come again: it does not end with the session.
func (r *receiver) keep(ctx context.Context, line string, m any, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keepTime)
	defer cancel()
	return r.storeDecoded(ctx, line, m, err)
}
