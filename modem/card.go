package modem

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"gsmgate/modem/at"
)

// Card is what is set for a SIM; a zero field is not.
type Card struct {
	PIN  string
	SMSC string // service-centre address, "+31653131313"; "": the one on the card
}

// The card in the slot can be changed while the modem has power. Some modems tell so, and from all others it is seen when they have been
// without a network: a SIM that was drawn is not registered any more.

// sameCard looks whether the SIM is there, and still the one that the session began with.
func (s *session) sameCard(ctx context.Context) error {
	word, err := s.simState(ctx)
	switch {
	case err != nil:
		return err
	case word == "busy":
		return nil
	case word != "READY":
		return fmt.Errorf("the SIM says %s", word)
	case s.iccid == "":
		return nil
	}
	iccid, err := s.askICCID(ctx)
	if err == nil && iccid != "" && iccid != s.iccid {
		err = errOtherCard
	}
	return err
}

var (
	errOtherCard = errors.New("another SIM is in the modem")
	errCardDrawn = errors.New("the SIM was drawn")
)

// tellSMSC reads the service-centre address of the SIM, and sets it where its record has another.                    [27.005 3.3.1]
func (s *session) tellSMSC(ctx context.Context) error {
	have, wide, err := s.readSMSC(ctx)
	if err != nil {
		return err
	}
	reason := ""
	s.smsc = s.cfg.Card(s.sim.ICCID).SMSC
	switch {
	case s.smsc == "" && have == "":
		reason = "the SIM holds no service-centre address (AT+CSCA?): messages will be refused; set it in the SIM's record"
	case s.smsc == "" || s.smsc == have:
	case !isAddress(s.smsc):
		reason = "the service-centre address in the SIM's record is no number: it is not set"
	default:
		if have, reason, err = s.writeSMSC(ctx, s.smsc, wide); err != nil {
			return err
		}
	}
	before := s.m.Info().SMSCReason
	s.m.update(func(i *Info) { i.SMSC, i.SMSCReason = have, reason })
	if reason != "" && reason != before {
		s.m.trouble(errors.New(reason))
	}
	return nil
}

// readSMSC gives the address; wide says that the modem shows it in UCS-2.
func (s *session) readSMSC(ctx context.Context) (address string, wide bool, err error) {
	line, err := s.ask(ctx, "AT+CSCA?", at.Prefix("+CSCA:"))
	if err != nil || line == "" {
		return "", false, err
	}
	fields := at.Fields(at.Params(line))
	address = plainNumber(fields[0])
	wide = address != fields[0]
	if len(fields) > 1 && fields[1] == "145" && address != "" && address[0] != '+' { // international [24.008 10.5.4.7]
		address = "+" + address
	}
	return address, wide, nil
}

// writeSMSC sets the address, and reads what has become of it.
func (s *session) writeSMSC(ctx context.Context, want string, wide bool) (have, reason string, err error) {
	kind, text := 129, want
	if want[0] == '+' {
		kind = 145
	}
	if wide {
		text = inUCS2(want)
	}
	taken, err := s.tell(ctx, fmt.Sprintf(`AT+CSCA="%s",%d`, text, kind))
	if err != nil {
		return "", "", err
	}
	if have, _, err = s.readSMSC(ctx); err != nil {
		return "", "", err
	}
	switch {
	case have == want:
		s.log.Info("service-centre address set from the SIM's record")
	case taken:
		reason = "the modem has taken the service-centre address of the SIM's record, and shows another"
	default:
		reason = "the modem refuses the service-centre address of the SIM's record"
	}
	return have, reason, nil
}

// isAddress tells whether s is a number of a service centre: at most 20 digits.                                [23.040 9.1.2.5]
func isAddress(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 3 && len(digits) <= 20 && strings.Trim(digits, "0123456789") == ""
}

// inUCS2 is the form of a text for a modem with AT+CSCS="UCS2".                                                      [27.007 5.5]
func inUCS2(s string) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return strings.ToUpper(hex.EncodeToString(b))
}
