package modem

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"gsmgate/modem/at"
	"gsmgate/modem/pdu"
)

// forms gives the forms to try, the likeliest first: that which was taken before, that of the modem's profile, that of its character set.
func (d *dialogue) forms(ctx context.Context) []pdu.USSDForm {
	d.mu.Lock()
	first := d.hint()
	d.mu.Unlock()
	if first == "" {
		line, _ := d.s.ask(ctx, "AT+CSCS?", at.Prefix("+CSCS:")) // [27.007 5.5]
		switch at.Fields(strings.ToUpper(at.Params(line)))[0] {
		case "UCS2":
			first = pdu.USSDUCS2
		case "HEX":
			first = pdu.USSDSeptet
		}
	}
	all := []pdu.USSDForm{first, pdu.USSDPlain, pdu.USSDPacked, pdu.USSDUCS2}
	return slices.DeleteFunc(all, func(f pdu.USSDForm) bool { return f == "" })
}

// ussdForm is what the modem's profile says of USSD, "" where it says nothing.
func (s *session) ussdForm() pdu.USSDForm {
	if f := pdu.USSDForm(s.profile.USSD); f != pdu.USSDPlain {
		return f
	}
	return "" // plain is in the character set: ask
}

// wantsOtherForm tells whether a refusal may be for the form of the text: nothing has gone out then.
func wantsOtherForm(err error) bool {
	var refused *at.Error
	if !errors.As(err, &refused) {
		return false
	}
	switch refused.Result {
	case at.ResultError, at.ResultUnsupported:
		return true
	case at.ResultCME:
		return slices.Contains([]int{4, 24, 25, 26, 27, 50, 100}, refused.Code)
	}
	return false
}

// parse reads "<m>[,<str>[,<dcs>]]", the text with quotes or without, as leniently as it can. The caller holds d.mu.
func (d *dialogue) parse(args string) (status int, text string) {
	m, rest, _ := strings.Cut(args, ",")
	status, err := strconv.Atoi(strings.TrimSpace(m))
	if err != nil {
		status, rest = 0, args
	}
	dcs := pdu.NoDCS
	from, to := strings.IndexByte(rest, '"'), strings.LastIndexByte(rest, '"')
	switch {
	case from >= 0 && to > from:
		text = rest[from+1 : to]
		dcs = dcsOf(strings.Trim(rest[to+1:], ", "))
	case from >= 0:
		text = rest[from+1:]
	default:
		text = rest
		if i := strings.LastIndexByte(rest, ','); i >= 0 && dcsOf(rest[i+1:]) != pdu.NoDCS {
			text, dcs = rest[:i], dcsOf(rest[i+1:])
		}
	}
	return status, pdu.DecodeUSSD(text, dcs, d.hint())
}

// hint is the form in which the modem takes texts, and is likely to show them; "" when nothing is known of it. The caller holds d.mu.
func (d *dialogue) hint() pdu.USSDForm {
	if d.form != "" {
		return d.form
	}
	return d.s.ussdForm()
}

func dcsOf(s string) int {
	dcs, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || dcs < 0 || dcs > 255 {
		return pdu.NoDCS
	}
	return dcs
}
