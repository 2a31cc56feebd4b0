package modem

import (
	"context"
	"strconv"
	"strings"

	"gsmgate/modem/at"
)

// step is a step of bringing a modem up.
type step struct {
	name string
	take func(context.Context) error
}

// The steps of bringing a modem up, in their order.
const (
	stepGreet    = "greet"
	stepIdentify = "identify"
	stepUnlock   = "unlock"
	stepCard     = "card"
	stepSetUp    = "set up"
	stepArm      = "arm"
)

func (s *session) steps() []step {
	return []step{{stepGreet, s.greet}, {stepIdentify, s.identify}, {stepUnlock, s.unlock}, {stepCard, s.identifySIM}, {stepSetUp, s.setUp}, {stepArm, s.arm}}
}

// bringUp takes a modem from the open port to where it waits for a network.
func (s *session) bringUp(ctx context.Context) error {
	if s.m.Info().State != Failed { // one that does not answer stays so until it does
		s.m.enter(Initialising, "waiting for the modem to answer")
	}
	for _, step := range s.steps() {
		if err := step.take(ctx); err != nil {
			return err
		}
		select {
		case err := <-s.fault:
			return err
		default:
		}
		if s.observe == nil {
			continue
		}
		if err := s.observe(ctx, step.name); err != nil {
			return err
		}
	}
	s.patience = 0
	return nil
}

// greet finds the step with the modem and sets the form of its answers.
func (s *session) greet(ctx context.Context) error {
	if err := s.at.Sync(ctx); err != nil {
		return err
	}
	s.m.setTalks(true)
	s.m.enter(Initialising, "asking the modem what it is")
	if _, err := s.tell(ctx, "ATE0"); err != nil {
		return err
	}
	a, err := s.at.Do(ctx, at.Command{Text: "AT+CMEE=1"}) // errors as numbers [27.007 9.1]
	if err == nil && !a.Echoed {
		s.at.GuardEcho()
	}
	s.echoes = a.Echoed
	return lost(err)
}

// identify asks who made the modem, and does what such a one needs.
func (s *session) identify(ctx context.Context) error {
	var maker, model, revision, imei string
	for _, q := range []struct {
		to     *string
		name   string
		accept func(string) bool
	}{ // [27.007 5.1-5.4]
		{&maker, "+CGMI", at.Words("+CGMI:")},
		{&model, "+CGMM", at.Words("+CGMM:")},
		{&revision, "+CGMR", at.Words("+CGMR:", "Revision:")},
		{&imei, "+CGSN", at.Digits(14, 17, "+CGSN:")},
	} {
		line, err := s.ask(ctx, "AT"+q.name, q.accept)
		if err != nil {
			return err
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, q.name+":"), "Revision:")
		*q.to = strings.Trim(line, "\" ")
	}
	s.profile = s.cfg.Profiles.Find(maker, model, revision)
	s.at.Chatter(s.profile.Chatter)
	if err := s.claim(ctx, at.DigitsOf(imei)); err != nil {
		return err
	}
	s.m.update(func(i *Info) {
		i.Manufacturer, i.Model, i.Revision, i.IMEI, i.Profile = maker, model, revision, imei, s.profile.Name
	})
	for _, command := range s.profile.Init {
		if _, err := s.tell(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// identifySIM asks whose card it is.
func (s *session) identifySIM(ctx context.Context) error {
	s.patience = busyTries
	iccid, err := s.askICCID(ctx)
	if err != nil {
		return err
	}
	imsi, err := s.ask(ctx, "AT+CIMI", at.Digits(6, 15, "+CIMI:")) // [27.007 5.6]
	if err != nil {
		return err
	}
	number, err := s.ownNumber(ctx)
	if err != nil {
		return err
	}
	sim := SIM{ICCID: iccid, IMSI: at.DigitsOf(imsi, "+CIMI:"), Number: number}
	// What it cannot tell the modem stands for, and what that cannot tell its place: two SIMs must never count as one.
	for _, name := range []string{sim.IMSI, s.m.Info().IMEI, s.m.path} {
		if sim.ICCID == "" {
			sim.ICCID = name
		}
	}
	s.sim, s.iccid = sim, iccid
	s.m.update(func(i *Info) { i.SIM = sim })
	s.cfg.Seen(ctx, s.m.Info())
	return nil
}

// ownNumber reads the SIM's own number, the first where there are several.                                    [27.007 7.1]
func (s *session) ownNumber(ctx context.Context) (string, error) {
	a, err := s.do(ctx, at.Command{Text: "AT+CNUM", Accept: at.Prefix("+CNUM:")})
	for _, r := range a.Records {
		if fields := at.Fields(at.Params(r.Line)); len(fields) > 1 && fields[1] != "" {
			return plainNumber(fields[1]), lost(err)
		}
	}
	return "", lost(err)
}

// plainNumber reads a number that a modem left with AT+CSCS="UCS2" shows as "002B00330031…".                     [27.007 5.5]
func plainNumber(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 4 {
		if i+4 > len(s) {
			return s
		}
		c, err := strconv.ParseUint(s[i:i+4], 16, 16)
		if err != nil || c > 'z' || !strings.ContainsRune("+0123456789*#", rune(c)) {
			return s
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func (s *session) askICCID(ctx context.Context) (string, error) {
	names := []string{"+CCID:", "+ICCID:", "^ICCID:", "+QCCID:", "+CICCID:", "#CCID:", "^SCID:", "!ICCID:", "ICCID:"}
	for _, command := range s.profile.ICCID {
		line, err := s.ask(ctx, command, at.ICCID(names...))
		if err != nil {
			return "", err
		}
		if iccid := at.ICCIDOf(line, names...); iccid != "" {
			return iccid, nil
		}
	}
	return "", nil
}

// setUp sets the modem to what SMS in PDU mode needs.
func (s *session) setUp(ctx context.Context) error {
	s.m.enter(Initialising, "setting the modem up for messages")
	if err := s.must(ctx, "AT+CMGF=0"); err != nil { // [27.005 3.2.3]
		s.wrongPort()
		return err
	}
	if err := s.tellSMSC(ctx); err != nil {
		return err
	}
	var err error
	if s.ack, err = s.tellService(ctx); err != nil {
		return err
	}
	if err := s.chooseStorage(ctx); err != nil {
		return err
	}
	if !s.profile.CMMS {
		s.relay.enough()
		return nil
	}
	taken, err := s.tell(ctx, keepOpen)
	if !taken {
		s.relay.enough()
	}
	return err
}

// tellService asks for phase 2+, in which the modem acknowledges a message when we say so, and not before.       [27.005 3.2.1]
func (s *session) tellService(ctx context.Context) (bool, error) {
	if !s.profile.Phase2 {
		_, err := s.tell(ctx, "AT+CSMS=0")
		return false, err
	}
	line, err := s.ask(ctx, "AT+CSMS=1", at.Prefix("+CSMS:"))
	if err != nil || line == "" {
		if err == nil {
			_, err = s.tell(ctx, "AT+CSMS=0")
		}
		return false, err
	}
	mt, _, _ := strings.Cut(at.Params(line), ",")
	return strings.TrimSpace(mt) != "0", nil
}

// usage reads "+CPMS: <used1>,<total1>,…"; some put the name of the memory before, as the read command does.       [27.005 3.2.2]
func usage(line string) (used, total int, ok bool) {
	fields := at.Fields(at.Params(line))
	if len(fields) > 2 && strings.Trim(fields[0], "0123456789") != "" {
		fields = fields[1:]
	}
	if line == "" || len(fields) < 2 {
		return 0, 0, false
	}
	used, err1 := strconv.Atoi(fields[0])
	total, err2 := strconv.Atoi(fields[1])
	return used, total, err1 == nil && err2 == nil
}
