package modem

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gsmgate/modem/at"
)

// registrations are the domains in which a modem may be registered for SMS: circuit switched, and LTE.           [27.007 7.2, 10.1.22]
func registrations() []string { return []string{"+CREG", "+CEREG"} }

// note takes a state of registration, from an answer or a URC.
func (s *session) note(name string, state int) {
	s.regMu.Lock()
	defer s.regMu.Unlock()
	s.reg[strings.ToUpper(name)] = state
}

// noteURC takes "+CREG: 2": the state is the first field of a URC.
func (s *session) noteURC(name, args string) {
	if state, err := strconv.Atoi(at.Fields(args)[0]); err == nil {
		s.note(name, state)
	}
}

// registered tells whether some domain is: 1 at home, 5 roaming, 6 and 7 the same for SMS only. A modem that knows none of the commands
// is taken at its word when it sends.
func (s *session) registered() bool {
	s.regMu.Lock()
	defer s.regMu.Unlock()
	known := 0
	for _, name := range registrations() {
		state, ok := s.reg[name]
		if ok {
			known++
		}
		if ok && (state == 1 || state == 5 || state == 6 || state == 7) {
			return true
		}
	}
	return known == 0
}

func (s *session) roaming() bool {
	s.regMu.Lock()
	defer s.regMu.Unlock()
	state := s.reg["+CREG"]
	if state == 0 {
		state = s.reg["+CEREG"]
	}
	return state == 5 || state == 7
}

// registrationText says why the modem is not registered.
func (s *session) registrationText() string {
	s.regMu.Lock()
	defer s.regMu.Unlock()
	state, ok := s.reg["+CREG"]
	if !ok {
		state = s.reg["+CEREG"]
	}
	switch state {
	case 0:
		return "no network, and the modem does not search for one"
	case 2:
		return "searching for a network"
	case 3:
		return "the network denies registration"
	}
	return fmt.Sprintf("not registered (state %d)", state)
}

// askRegistration reads the state of all domains.
func (s *session) askRegistration(ctx context.Context) error {
	for _, name := range registrations() {
		s.regMu.Lock()
		_, known := s.reg[name]
		skip := s.poll > 0 && !known
		s.regMu.Unlock()
		if skip {
			continue
		}
		line, err := s.ask(ctx, "AT"+name+"?", at.RegistrationAnswer(name))
		if err != nil {
			return err
		}
		if line == "" {
			continue
		}
		fields := at.Fields(at.Params(line))
		if len(fields) < 2 { // a quote that never ends
			continue
		}
		if state, err := strconv.Atoi(fields[1]); err == nil {
			s.note(name, state)
		}
	}
	s.poll++
	return nil
}

// search waits for a network. When that takes long the radio is turned on, or off and on.
func (s *session) search(ctx context.Context) error {
	since, first := time.Now(), true
	for {
		if err := s.askRegistration(ctx); err != nil {
			return err
		}
		if s.registered() {
			return s.lookAround(ctx)
		}
		s.m.enter(Searching, s.registrationText())
		if first {
			if err := s.radioOn(ctx); err != nil {
				return err
			}
		}
		first = false
		if time.Since(since) > s.cfg.Lost {
			since = time.Now()
			if err := s.cycleRadio(ctx); err != nil {
				return err
			}
		}
		if err := s.idle(ctx, s.cfg.Register); err != nil {
			return err
		}
	}
}

// radioOn turns on a radio that is off: AT+CFUN=4 survives a restart of some modems.                              [27.007 8.2]
func (s *session) radioOn(ctx context.Context) error {
	line, err := s.ask(ctx, "AT+CFUN?", at.Prefix("+CFUN:"))
	if err != nil {
		return err
	}
	if mode := at.Fields(at.Params(line))[0]; mode == "0" || mode == "4" {
		_, err = s.at.Do(ctx, at.Command{Text: "AT+CFUN=1", Wait: time.Minute})
	}
	return lost(err)
}

func (s *session) cycleRadio(ctx context.Context) error {
	for _, command := range []string{"AT+CFUN=4", "AT+CFUN=1"} {
		if _, err := s.at.Do(ctx, at.Command{Text: command, Wait: time.Minute}); lost(err) != nil {
			return err
		}
	}
	return nil
}

// look asks an idle or long busy modem for a sign of life.
func (s *session) look(ctx context.Context) error {
	if err := s.askRegistration(ctx); err != nil {
		return err
	}
	if c := s.at.Counts(); c.Dropped+c.Broken > s.receiving.lost {
		s.receiving.lost = c.Dropped + c.Broken
		nudge(s.wake)
	}
	if s.cnmi != "" { // a modem that waited in vain for +CNMA has turned the indications off by itself [27.005 3.4.4]
		if _, err := s.tell(ctx, s.cnmi); err != nil {
			return err
		}
	}
	return s.lookAround(ctx)
}

// lookAround reads the signal, and now and then whose network it is.                                        [27.007 8.5, 7.3]
func (s *session) lookAround(ctx context.Context) error {
	line, err := s.ask(ctx, "AT+CSQ", at.Prefix("+CSQ:"))
	if err != nil {
		return err
	}
	signal, err := strconv.Atoi(at.Fields(at.Params(line))[0])
	if err != nil || signal < 0 || signal > NoSignal {
		signal = NoSignal
	}
	roaming := s.roaming()
	s.m.update(func(i *Info) { i.Signal, i.Roaming = signal, roaming })
	if s.m.Info().Operator != "" && s.poll%10 != 1 {
		return nil
	}
	line, err = s.ask(ctx, "AT+COPS?", at.Prefix("+COPS:"))
	if err != nil {
		return err
	}
	if fields := at.Fields(at.Params(line)); len(fields) > 2 {
		s.m.update(func(i *Info) { i.Operator = fields[2] })
	}
	return nil
}
