package modem

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"gsmgate/modem/at"
)

// registrations are the domains in which a modem may be registered for SMS: circuit switched, and LTE.           [27.007 7.2, 10.1.22]
func registrations() []string { return []string{"+CREG", "+CEREG"} }

// Values of <stat>.                                                                                             [27.007 7.2]
const (
	regOff       = 0
	regHome      = 1
	regSearching = 2
	regDenied    = 3
	regUnknown   = 4
	regRoaming   = 5
	regHomeSMS   = 6
	regRoamSMS   = 7
	regEmergency = 8
)

// note takes a state of registration, from an answer or a URC: <stat>, and in mode 2 <lac>, <ci> and <AcT>. news says that it was another.
func (s *session) note(name string, fields []string) (news bool) {
	state, err := strconv.Atoi(fields[0])
	if err != nil {
		return false
	}
	name = strings.ToUpper(name)
	s.regMu.Lock()
	defer s.regMu.Unlock()
	before, known := s.reg[name]
	where := s.cells[name]
	s.reg[name] = state
	cell, told := cellOf(name, fields[1:])
	switch {
	case told:
		s.cells[name] = cell
	case !isRegistered(state):
		delete(s.cells, name)
	}
	return !known || before != state || where != s.cells[name]
}

// cellOf reads <lac>,<ci>[,<AcT>].
func cellOf(name string, fields []string) (c Cell, told bool) {
	if len(fields) < 2 || !isHexNumber(fields[0]) || !isHexNumber(fields[1]) {
		return c, false
	}
	c = Cell{Area: strings.ToUpper(fields[0]), ID: strings.ToUpper(fields[1])}
	if name == "+CEREG" {
		c.Access = "E-UTRAN"
	}
	if len(fields) > 2 {
		if word, known := accessWord(fields[2]); known {
			c.Access = word
		}
	}
	return c, true
}

func isHexNumber(s string) bool {
	return s != "" && len(s) <= 16 && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// accessWord names an access technology.                                                                        [27.007 7.2 <AcT>]
func accessWord(field string) (string, bool) {
	words := []string{"GSM", "GSM Compact", "UTRAN", "EDGE", "HSDPA", "HSUPA", "HSPA", "E-UTRAN", "EC-GSM-IoT", "NB-IoT", "E-UTRAN (5GCN)", "NR", "NG-RAN", "EN-DC"}
	n, err := strconv.Atoi(strings.TrimSpace(field))
	if err != nil || n < 0 || n >= len(words) {
		return "", false
	}
	return words[n], true
}

func isRegistered(state int) bool {
	return state == regHome || state == regRoaming || state == regHomeSMS || state == regRoamSMS
}

// noteURC takes "+CREG: 2": the state is the first field of a URC. One that says nothing new is no reason to ask the modem anything: it
// may be its answer to that, in a form that is not known.
func (s *session) noteURC(name, args string) (news bool) { return s.note(name, at.Fields(args)) }

// standing is the state that counts among the domains: one that is registered, else the one that says most. known is false for a modem
// that knows none of the commands.
func (s *session) standing() (name string, state int, known bool) {
	s.regMu.Lock()
	defer s.regMu.Unlock()
	order := []int{regHome, regRoaming, regHomeSMS, regRoamSMS, regDenied, regSearching, regEmergency, regUnknown, regOff}
	rank := func(state int) int {
		if i := slices.Index(order, state); i >= 0 {
			return i
		}
		return len(order)
	}
	for _, n := range registrations() {
		if now, ok := s.reg[n]; ok && (!known || rank(now) < rank(state)) {
			name, state, known = n, now, true
		}
	}
	return name, state, known
}

// registered tells whether some domain is. A modem that knows none of the commands is taken at its word when it sends.
func (s *session) registered() bool {
	_, state, known := s.standing()
	return !known || isRegistered(state)
}

// denied tells whether the network wants nothing of this SIM or modem.
func (s *session) denied() bool {
	_, state, known := s.standing()
	return known && state == regDenied
}

// registrationText says why the modem is not registered.
func (s *session) registrationText() string {
	switch _, state, _ := s.standing(); state {
	case regOff:
		return "no network, and the modem does not search for one"
	case regSearching:
		return "searching for a network"
	case regDenied:
		return "the network denies registration"
	case regEmergency:
		return "the network allows emergency calls only"
	default:
		return "not registered (state " + strconv.Itoa(state) + ")"
	}
}

// registrationHint says what a person can do about it.
func (s *session) registrationHint() string {
	if s.denied() {
		return "see that the SIM is active and paid, and that its network takes this modem (IMEI) and its radio; try it in a telephone"
	}
	return ""
}

// showNetwork puts into the info where the modem is registered.
func (s *session) showNetwork() {
	name, state, known := s.standing()
	s.regMu.Lock()
	cell := s.cells[name]
	s.regMu.Unlock()
	word := map[int]string{regOff: "off", regHome: "home", regHomeSMS: "home", regRoaming: "roaming", regRoamSMS: "roaming",
		regSearching: "searching", regDenied: "denied", regEmergency: "emergency"}[state]
	if word == "" || !known {
		word = "unknown"
	}
	s.m.update(func(i *Info) { i.Registration, i.Roaming, i.Cell = word, word == "roaming", cell })
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
		if fields := at.Fields(at.Params(line)); line != "" && len(fields) > 1 { // a quote may never end
			s.note(name, fields[1:])
		}
	}
	s.poll++
	s.showNetwork()
	return nil
}

// simEvery is how many looks at the registration pass before the SIM is looked at too.
const simEvery = 5

// search waits for a network. When that takes long the radio is turned on, or off and on.
func (s *session) search(ctx context.Context) error {
	since := time.Now()
	for n := 0; ; n++ {
		if err := s.askRegistration(ctx); err != nil {
			return err
		}
		found := s.registered()
		if n > 0 && (found || n%simEvery == 0) {
			if err := s.sameCard(ctx); err != nil {
				return err
			}
		}
		if found {
			return s.lookAround(ctx)
		}
		s.m.enterHint(Searching, s.registrationText(), s.registrationHint())
		if n == 0 {
			if err := s.radioOn(ctx); err != nil {
				return err
			}
		}
		if time.Since(since) > s.cfg.Lost {
			since = time.Now()
			if err := s.climbForNetwork(ctx); err != nil {
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

// look asks an idle or long busy modem for a sign of life.
func (s *session) look(ctx context.Context) error {
	if err := s.askRegistration(ctx); err != nil {
		return err
	}
	if s.poll%simEvery == 0 { // a card may be changed so quickly that nothing is heard of it
		if err := s.sameCard(ctx); err != nil {
			return err
		}
	}
	if err := s.ussd.arm(ctx); err != nil {
		return err
	}
	if c := s.at.Counts(); c.Dropped+c.Broken > s.receiving.lost {
		s.receiving.lost = c.Dropped + c.Broken
		nudge(s.wake)
	}
	if s.owesReports() {
		nudge(s.wake)
	}
	if err := s.rearm(ctx); err != nil {
		return err
	}
	if s.cfg.Card(s.sim.ICCID).SMSC != s.smsc || s.m.Info().SMSC == "" { // somebody has set another, or it was not told yet
		if err := s.tellSMSC(ctx); err != nil {
			return err
		}
	}
	return s.lookAround(ctx)
}

// lookAround reads the signal, and now and then whose network it is.
func (s *session) lookAround(ctx context.Context) error {
	if err := s.measure(ctx); err != nil {
		return err
	}
	s.showNetwork()
	if s.m.Info().Operator != "" && s.poll%10 != 1 {
		return nil
	}
	return s.askOperator(ctx)
}

// strength is how a modem tells the power that it receives.
type strength uint8

const (
	strengthUntold strength = iota // nobody has asked yet
	strengthCSQ                    // AT+CSQ alone
	strengthCESQ                   // AT+CESQ too
)

// measure reads the signal.                                                                                    [27.007 8.5, 8.69]
func (s *session) measure(ctx context.Context) error {
	line, err := s.ask(ctx, "AT+CSQ", at.Prefix("+CSQ:"))
	if err != nil {
		return err
	}
	signal, err := strconv.Atoi(at.Fields(at.Params(line))[0])
	if err != nil || signal < 0 || signal > 31 {
		signal = NoSignal
	}
	dBm := 0
	if signal != NoSignal {
		dBm = -113 + 2*signal
	}
	if s.power != strengthCSQ {
		line, err := s.ask(ctx, "AT+CESQ", at.Prefix("+CESQ:"))
		if err != nil {
			return err
		}
		s.power = strengthCSQ
		if line != "" {
			s.power = strengthCESQ
		}
		if better, ok := receivedPower(line); ok {
			dBm = better
		}
	}
	s.m.update(func(i *Info) { i.Signal, i.SignalDBM = signal, dBm })
	return nil
}

// receivedPower reads "+CESQ: <rxlev>,<ber>,<rscp>,<ecno>,<rsrq>,<rsrp>": one of the three is that of the radio in use.   [27.007 8.69]
func receivedPower(line string) (dBm int, ok bool) {
	fields := at.Fields(at.Params(line))
	for _, v := range []struct{ field, most, zero int }{{5, 97, -141}, {2, 96, -121}, {0, 63, -111}} {
		if len(fields) <= v.field || line == "" {
			continue
		}
		if n, err := strconv.Atoi(fields[v.field]); err == nil && n >= 0 && n <= v.most {
			return v.zero + n, true
		}
	}
	return 0, false
}

// askOperator reads the number and the name of the network.                                                         [27.007 7.3]
func (s *session) askOperator(ctx context.Context) error {
	number, name := "", ""
	if taken, err := s.tell(ctx, "AT+COPS=3,2"); err != nil {
		return err
	} else if taken {
		if number, err = s.readOperator(ctx); err != nil {
			return err
		}
		if _, err := s.tell(ctx, "AT+COPS=3,0"); err != nil {
			return err
		}
	}
	name, err := s.readOperator(ctx)
	if err != nil || name == "" {
		return err
	}
	if (len(number) != 5 && len(number) != 6) || strings.Trim(number, "0123456789") != "" {
		number = ""
	}
	s.m.update(func(i *Info) { i.Operator, i.PLMN = name, number })
	return nil
}

func (s *session) readOperator(ctx context.Context) (string, error) {
	line, err := s.ask(ctx, "AT+COPS?", at.Prefix("+COPS:"))
	if fields := at.Fields(at.Params(line)); err == nil && len(fields) > 2 {
		return fields[2], nil
	}
	return "", err
}
