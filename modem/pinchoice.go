package modem

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gsmgate/modem/at"
)

// A SIM allows three wrong PINs in a row, over all modems that it is in and all programs that have it. So a PIN is tried at most once a
// SIM until the SIM has taken it, and none where that might be the last try. What was tried is remembered before it is tried; when the
// power went before the answer came, and no try is missing, the SIM has not refused it.
//
// Many modems tell the ICCID only after the PIN. Then the SIM may be any: a PIN set for the place goes first, then that in the record of
// the SIM that was in this modem last, then the common one; the modem stands for the SIM in what is remembered; and a PIN that some SIM
// has refused is tried only where the modem tells that all three tries are there, for then this is another SIM.

// notOpened says why a SIM stays locked; the zero value that it does not.
type notOpened struct{ reason, hint string }

const (
	hintRecord = "set the right PIN in the SIM's record: it is tried at once, and once"
	hintPhone  = "put the SIM into a telephone and give the PIN there: that makes the tries three again"
)

// pinTry is a PIN that may be tried.
type pinTry struct {
	pin     string
	unnamed bool   // the modem does not tell whose SIM it is
	key     string // SIM and PIN, without showing the PIN; without an ICCID the modem stands for the SIM
	guess   string // the key for the SIM that was here last; "" for none
	all     []string
	first   string // keys that count the refusals
	second  string
}

// surely is the key of a refusal that was heard.
func (t pinTry) surely() string { return t.key + "/refused" }

// enterPIN tries the PIN, once.
func (s *session) enterPIN(ctx context.Context) (why notOpened, err error) {
	iccid, err := s.askICCID(ctx)
	if err != nil {
		return why, err
	}
	t := s.choosePIN(iccid)
	if why := unfit(t.pin); why != (notOpened{}) {
		return why, nil
	}
	left, known, err := s.triesLeft(ctx, "SIM PIN")
	if err != nil {
		return why, err
	}
	unspent := known && s.m.unsurePIN == t.key && s.m.unsureTries == left // its answer was lost, and it cost no try
	if why := s.forbidden(t, left, known, unspent); why != (notOpened{}) {
		return why, nil
	}
	s.m.unsurePIN, s.m.unsureTries = t.key, left
	return s.tryPIN(ctx, t)
}

// choosePIN finds the PIN for a SIM; iccid is "" where the modem does not tell it yet.
func (s *session) choosePIN(iccid string) pinTry {
	imei := s.m.Info().IMEI
	t := pinTry{unnamed: iccid == ""}
	who, last := iccid, ""
	if t.unnamed {
		who, last = "imei"+imei, s.lastCard(imei)
	}
	for _, pin := range s.pins(iccid, last) {
		if pin != "" {
			t.pin = pin
			break
		}
	}
	t.key = pinKey(who, t.pin)
	if last != "" {
		t.guess = pinKey(last, t.pin)
	}
	t.all = []string{t.key, pinKey("any", t.pin)}
	if t.unnamed {
		t.all = append(t.all, pinKey("unnamed", t.pin))
	}
	t.first, t.second = who+"/refusal 1", who+"/refusal 2"
	return t
}

// pins are those that may be right, the likeliest first.
func (s *session) pins(iccid, last string) []string {
	c := s.cfg
	if iccid != "" {
		return []string{c.Card(iccid).PIN, c.PINs[iccid], c.PINs[s.m.path], c.PIN}
	}
	pins := []string{c.PINs[s.m.path]}
	if last != "" {
		pins = append(pins, c.Card(last).PIN, c.PINs[last])
	}
	return append(pins, c.PIN)
}

// lastCard is the SIM that was in the modem when it could be read.
func (s *session) lastCard(imei string) string {
	if last := at.ICCIDOf(s.m.Info().SIM.ICCID); last != "" {
		return last
	}
	return s.cfg.LastCard(imei)
}

// forbidden says why a PIN is not to be tried.
func (s *session) forbidden(t pinTry, left int, known, unspent bool) notOpened {
	refused := s.cfg.Refused.Refused
	whole := known && left >= 3
	unspent = unspent || whole && refused(t.key) && !refused(t.surely())
	elsewhere := pinKey("unnamed", t.pin)
	if t.unnamed {
		elsewhere = pinKey("any", t.pin)
	}
	switch {
	case !unspent && (refused(t.key) || t.guess != "" && refused(t.guess)):
		return notOpened{"the SIM has refused this PIN; it is not tried again" + leftWords(left, known), hintRecord}
	case known && left <= 1:
		return notOpened{fmt.Sprintf("only %d tries left for the PIN: it is left to you", left), hintPhone}
	case s.pinTried == t.key:
		return notOpened{"the SIM has taken the PIN and wants it still; it is not tried again", ""}
	case !unspent && !whole && refused(elsewhere):
		return notOpened{"a SIM has refused this PIN, and the modem does not tell whether it was this one; it is not tried" + leftWords(left, known), hintRecord}
	case !known && refused(t.first) && refused(t.second):
		return notOpened{"the SIM has refused two PINs, and the modem does not tell whether more than one try is left", hintPhone}
	}
	return notOpened{}
}

func leftWords(left int, known bool) string {
	if !known {
		return ""
	}
	return fmt.Sprintf("; %d tries are left", left)
}

func unfit(pin string) notOpened {
	switch {
	case pin == "":
		return notOpened{"the SIM wants a PIN, and none is known", "set it in the SIM's record, or for all SIMs with --pin"}
	case len(pin) < 4 || len(pin) > 8 || strings.Trim(pin, "0123456789") != "": // [31.101 9.5.1]
		return notOpened{"the PIN that was given is not 4 to 8 digits; it is not tried", hintRecord}
	}
	return notOpened{}
}

// pinKey names a SIM and a PIN.
func pinKey(who, pin string) string {
	sum := sha256.Sum256([]byte(who + "/" + pin))
	return who + "/" + hex.EncodeToString(sum[:8])
}

// note remembers a try before it is made; accepted takes it back.
func (s *session) notePIN(t pinTry) (accepted func() error, err error) {
	count := t.first
	if s.cfg.Refused.Refused(t.first) {
		count = t.second
	}
	var ours []string
	for _, key := range append(t.all, count) {
		if s.cfg.Refused.Refused(key) && key != t.key {
			continue // it is of another try, which this one does not make good
		}
		if err := s.cfg.Refused.Refuse(key); err != nil {
			return nil, err
		}
		ours = append(ours, key)
	}
	return func() error {
		var all []error
		for _, key := range append(ours, t.first, t.second, t.surely()) {
			all = append(all, s.cfg.Refused.Accept(key))
		}
		return errors.Join(all...)
	}, nil
}

func (s *session) tryPIN(ctx context.Context, t pinTry) (why notOpened, err error) {
	accepted, err := s.notePIN(t)
	if err != nil {
		return notOpened{fmt.Sprintf("the PIN is not tried, for that cannot be noted down: %v", err), "see that the data directory can be written"}, nil
	}
	s.pinTried = t.key
	_, err = s.at.Do(ctx, at.Command{Text: fmt.Sprintf(`AT+CPIN="%s"`, t.pin), Wait: simAccept})
	var refused *at.Error
	switch {
	case errors.As(err, &refused):
		s.m.unsurePIN = ""
		s.m.trouble(err)
		if err := s.cfg.Refused.Refuse(t.surely()); err != nil {
			s.m.trouble(err)
		}
		left, known, err := s.triesLeft(ctx, "SIM PIN")
		return notOpened{"the SIM has refused the PIN; it is not tried again" + leftWords(left, known), hintRecord}, err
	case err != nil:
		return why, err
	}
	for until := time.Now().Add(simAccept); time.Now().Before(until); {
		word, err := s.simState(ctx)
		if err != nil {
			return why, err
		}
		switch {
		case word == "READY", strings.HasPrefix(word, "PH-"): // the lock of the network comes after the PIN
			return why, accepted()
		case word == "SIM PUK":
			return why, nil
		}
		if err := s.idle(ctx, time.Second); err != nil {
			return why, err
		}
	}
	return notOpened{"the SIM has taken the PIN and wants it still; it is not tried again", ""}, nil
}

// triesLeft reads how often a wrong code, "SIM PIN" or "SIM PUK", may yet be given, where the modem tells.              [27.007 8.65]
func (s *session) triesLeft(ctx context.Context, code string) (left int, known bool, err error) {
	a, err := s.at.Do(ctx, at.Command{Text: fmt.Sprintf(`AT+CPINR="%s"`, code), Accept: at.Prefix("+CPINR:")})
	if lost(err) != nil {
		return 0, false, err
	}
	for _, r := range a.Records {
		if fields := at.Fields(at.Params(r.Line)); len(fields) > 1 && strings.EqualFold(fields[0], code) {
			left, known = count(fields[1])
			return left, known, nil
		}
	}
	t := s.profile.Tries
	if t == nil {
		return 0, false, nil
	}
	line, err := s.ask(ctx, t.Ask, at.Prefix(t.Answer))
	field := map[string]int{"SIM PIN": t.PIN, "SIM PUK": t.PUK}[code]
	if fields := at.Fields(strings.TrimPrefix(line, t.Answer)); line != "" && len(fields) > field {
		left, known = count(fields[field])
	}
	return left, known, err
}

func count(field string) (n int, ok bool) {
	n, err := strconv.Atoi(strings.TrimSpace(field))
	return n, err == nil && n >= 0
}
