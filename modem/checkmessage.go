package modem

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// checkHandler is what the session of a check brings. Messages are refused, so that the network or the SIM keeps them for the gateway.
type checkHandler struct{ c *checker }

var errNotTaken = errors.New("a check takes no messages")

// Deliver refuses.
func (checkHandler) Deliver(context.Context, SIM, *pdu.Deliver) error { return errNotTaken }

// Undecoded refuses.
func (checkHandler) Undecoded(context.Context, SIM, string, error) error { return errNotTaken }

// StatusReport takes those on the number that the check has sent to.
func (h checkHandler) StatusReport(_ context.Context, _ SIM, r *pdu.StatusReport) error {
	if !sameNumber(r.RA.Addr, strings.TrimPrefix(h.c.cfg.To, "+")) {
		return errNotTaken
	}
	select {
	case h.c.reports <- r:
		return nil
	default:
		return errNotTaken
	}
}

// sameNumber compares the last digits: networks report on a number in national or international form.
func sameNumber(a, b string) bool {
	const most = 8
	return a[max(0, len(a)-most):] == b[max(0, len(b)-most):]
}

// Ready sends the message, waits for its report, and ends the check.
func (h checkHandler) Ready(ctx context.Context, m *Modem) {
	if mr, sent := h.c.send(ctx, m); sent {
		h.c.awaitReport(ctx, mr)
		h.c.s.receiving.acks.wait(ctx) // or the network sends the report again
	}
	h.c.done()
}

// anyMR stands for the TP-MR of a modem that tells none.
const anyMR = -1

// send hands the message over.
func (c *checker) send(ctx context.Context, m *Modem) (reference int, sent bool) {
	parts, err := pdu.SplitText(c.cfg.Text, pdu.GSM7, pdu.Options{Dest: pdu.NewAddress(c.cfg.To), StatusReport: true})
	var tpdu []byte
	var mr uint8
	if err == nil {
		tpdu, err = parts[0].TPDU()
	}
	if err == nil {
		mr, err = m.Submit(ctx, tpdu)
	}
	switch {
	case err == nil:
		c.ok("message", fmt.Sprintf("the network has taken it (TP-MR %d)", mr))
		return int(mr), true
	case errors.Is(err, at.ErrNoMR):
		c.ok("message", "the network has taken it; the modem tells no TP-MR")
		return anyMR, true
	case ctx.Err() == nil:
		c.fail("message", err.Error(), mendSend(err))
	}
	return 0, false
}

// awaitReport waits for the final report on the message.
func (c *checker) awaitReport(ctx context.Context, mr int) {
	timer := time.NewTimer(c.cfg.Report)
	defer timer.Stop()
	for {
		select {
		case r := <-c.reports:
			final, delivered := r.Outcome()
			switch {
			case mr != anyMR && int(r.MR) != mr || !final:
				continue
			case delivered:
				c.ok("report", pdu.StatusText(r.ST))
			default:
				c.warn("report", pdu.StatusText(r.ST), "the modem works; look at the number that the message went to")
			}
			return
		case <-timer.C:
			c.warn("report", "none within "+c.cfg.Report.String(), "the recipient may be off, or the operator gives no reports: ask for them only where they come")
			return
		case <-ctx.Done():
			return
		}
	}
}

// mendSend says what to do about a message that was not sent.
func mendSend(err error) string {
	var e *SubmitError
	var refused *at.Error
	switch {
	case errors.As(err, &e) && e.Outcome == Unknown:
		return "it may have gone out: look at the recipient before you try again"
	case at.IsCMS(err, 330) || at.IsCMS(err, 38):
		return "look at the SMSC address and at the SIM's credit"
	case errors.As(err, &refused) && refused.Class() == at.ClassMessage, at.IsCMS(err, 1), at.IsCMS(err, 28), at.IsCMS(err, 30):
		return "look at the number; if it is right, at what the contract of the SIM allows"
	}
	return "try again; if it stays, try the SIM in a telephone: its credit or contract may be at an end"
}

// mendPort says what to do about a port that cannot be opened.
func mendPort(err error) string {
	var absent *PortAbsentError
	var busy *PortBusyError
	var hinted interface{ Hint() string }
	switch {
	case errors.As(err, &absent):
		return "plug the stick in; /dev/serial/by-id shows what is there"
	case errors.As(err, &busy) && strings.HasPrefix(busy.Name, "gsmgate"):
		return "a gateway has it: ask the gateway (gsmgate status, gsmgate modem transcript), or stop it first"
	case errors.As(err, &busy) && busy.Name == "ModemManager":
		return "stop it (systemctl stop ModemManager), and keep it off this stick with a udev rule (ID_MM_DEVICE_IGNORE)"
	case errors.As(err, &busy):
		return "end that program first"
	case errors.As(err, &hinted):
		return hinted.Hint()
	case errors.Is(err, fs.ErrPermission):
		return "become a member of the group that has the port, often dialout, or root"
	case errors.Is(err, ErrNotSerial):
		return "name the serial port of a modem, such as /dev/ttyUSB0"
	}
	return "look into the kernel's log (dmesg)"
}

// ended tells of the error that ended the session of a check.
func (c *checker) ended(err error) {
	names := map[string]string{stepGreet: "answers", stepIdentify: "identity", stepUnlock: "PIN", stepCard: "card", stepSetUp: "set up", stepArm: "indications"}
	name := "network"
	if all := c.s.steps(); c.taken < len(all) {
		name = names[all[c.taken].name]
	}
	if errors.Is(err, errSIMUnusable) {
		reason := c.m.Info().Reason
		c.fail(name, reason, mendSIM(reason))
		return
	}
	c.fail(name, err.Error(), mendSession(err))
}

// mendSIM says what to do about a SIM that cannot be used, by the reason that enter was given.
func mendSIM(reason string) string {
	for _, m := range []struct{ word, mend string }{
		{"none is known", "give it with --pin"},
		{"PUK", "put the SIM into a telephone and give its PUK there"},
		{"tries left", "put the SIM into a telephone and give the right PIN there"},
		{"refused", "find out the right PIN, and give it with --pin; each wrong one costs a try"},
		{"4 to 8 digits", "look at what was given with --pin"},
		{"no SIM", "put a SIM in, the right way round, and plug the stick in again"},
		{"another code", "the SIM or the modem is locked to a network: use another"},
	} {
		if strings.Contains(reason, m.word) {
			return m.mend
		}
	}
	return "take the SIM out and put it back; if it stays so, try it in a telephone"
}

// mendSession says what to do about a modem that has stopped to answer.
func mendSession(err error) string {
	switch {
	case errors.Is(err, at.ErrHung):
		return "another of the stick's ports may be the one for commands; else plug the stick in again"
	case errors.Is(err, at.ErrRestarted):
		return "the modem has started again in the middle: look at its power supply, then try again"
	case errors.Is(err, at.ErrClosed):
		return "the stick was taken out, or has fallen off the bus: look at cable and power"
	}
	return "try again; the transcript shows what was said (--record)"
}
