package modem

import (
	"context"
	"errors"
	"fmt"
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
	s.m.enter(Initialising, "asking the modem what it is")
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
	return nil
}

// greet finds the step with the modem and sets the form of its answers.
func (s *session) greet(ctx context.Context) error {
	if err := s.at.Sync(ctx); err != nil {
		return err
	}
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
	s.quirk = quirkOf(maker, model)
	if err := s.claim(ctx, at.DigitsOf(imei)); err != nil {
		return err
	}
	s.m.update(func(i *Info) { i.Manufacturer, i.Model, i.Revision, i.IMEI = maker, model, revision, imei })
	for _, command := range s.quirk.init {
		if _, err := s.tell(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// identifySIM asks whose card it is.
func (s *session) identifySIM(ctx context.Context) error {
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
	s.sim = sim
	s.m.update(func(i *Info) { i.SIM = sim })
	return nil
}

// ownNumber reads the SIM's own number, the first where there are several.                                    [27.007 7.1]
func (s *session) ownNumber(ctx context.Context) (string, error) {
	a, err := s.at.Do(ctx, at.Command{Text: "AT+CNUM", Accept: at.Prefix("+CNUM:")})
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
	names := []string{"+CCID:", "+ICCID:", "^ICCID:", "+QCCID:", "+CICCID:", "#CCID:", "^SCID:", "ICCID:"}
	for _, command := range s.quirk.iccid {
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
		return err
	}
	line, err := s.ask(ctx, "AT+CSCA?", at.Prefix("+CSCA:")) // [27.005 3.3.1]
	if err != nil {
		return err
	}
	smsc := ""
	if line != "" {
		smsc = plainNumber(at.Fields(at.Params(line))[0])
	}
	s.m.update(func(i *Info) { i.SMSC = smsc })
	if smsc == "" {
		s.m.trouble(errNoSMSC)
	}
	if s.ack, err = s.tellService(ctx); err != nil {
		return err
	}
	if err := s.chooseStorage(ctx); err != nil {
		return err
	}
	_, err = s.tell(ctx, "AT+CMMS=2") // keep the link up between messages [27.005 3.5.6]
	return err
}

var errNoSMSC = errors.New("the SIM holds no service-centre address (AT+CSCA?): messages will be refused")

// tellService asks for phase 2+, in which the modem acknowledges a message when we say so, and not before.       [27.005 3.2.1]
func (s *session) tellService(ctx context.Context) (bool, error) {
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

// chooseStorage puts new messages where there is most room, and notes which memories may hold old ones.          [27.005 3.2.2]
func (s *session) chooseStorage(ctx context.Context) error {
	line, err := s.ask(ctx, "AT+CPMS=?", at.Prefix("+CPMS:"))
	if err != nil {
		return err
	}
	best, most := "", -1
	for _, name := range []string{"SM", "ME"} {
		if line != "" && !strings.Contains(line, `"`+name+`"`) {
			continue
		}
		answer, err := s.ask(ctx, fmt.Sprintf("AT+CPMS=%q", name), at.Prefix("+CPMS:"))
		if err != nil {
			return err
		}
		if _, total, ok := usage(answer); ok {
			s.storage = append(s.storage, name)
			if total > most {
				best, most = name, total
			}
		}
	}
	if best == "" {
		return nil
	}
	if s.storage[0] != best {
		s.storage[0], s.storage[1] = s.storage[1], s.storage[0]
	}
	_, err = s.selectStorage(ctx, best)
	return err
}

// selectStorage makes name the memory to read from and, where the modem allows it, the one for new messages.
func (s *session) selectStorage(ctx context.Context, name string) (bool, error) {
	for _, command := range []string{fmt.Sprintf("AT+CPMS=%q,%q,%q", name, name, name), fmt.Sprintf("AT+CPMS=%q", name)} {
		answer, err := s.ask(ctx, command, at.Prefix("+CPMS:"))
		if err != nil {
			return false, err
		}
		if used, total, ok := usage(answer); ok {
			s.m.update(func(i *Info) { i.StoredUsed, i.StoredTotal = used, total })
			return true, nil
		}
	}
	return false, nil
}

// usage reads "+CPMS: <used1>,<total1>,…".
func usage(line string) (used, total int, ok bool) {
	fields := at.Fields(at.Params(line))
	if line == "" || len(fields) < 2 {
		return 0, 0, false
	}
	used, err1 := strconv.Atoi(fields[0])
	total, err2 := strconv.Atoi(fields[1])
	return used, total, err1 == nil && err2 == nil
}

// arm tells the modem how to tell of messages, and of the network.
func (s *session) arm(ctx context.Context) error {
	if err := s.refuseForgotten(ctx); err != nil {
		return err
	}
	cnmi, err := s.chooseCNMI(ctx)
	if err != nil {
		return err
	}
	if cnmi == "" {
		s.m.trouble(errNoCNMI)
	}
	s.cnmi = cnmi
	for _, command := range []string{"AT+CREG=1", "AT+CEREG=1"} { // [27.007 7.2, 10.1.22]
		if _, err := s.tell(ctx, command); err != nil {
			return err
		}
	}
	return nil
}

// refuseForgotten makes the network send again what the modem has shown to a process that is gone: nobody acknowledges it any more, and
// when the modem gives up waiting it turns the indications off.                                              [27.005 3.4.4, 4.7]
func (s *session) refuseForgotten(ctx context.Context) error {
	if !s.ack || s.receiving.shown.Load() > 0 { // one that was shown to us will be acknowledged
		return nil
	}
	_, err := s.tell(ctx, "AT+CNMA=2") // refused when nothing waits
	return err
}

var errNoCNMI = errors.New("the modem tells of no messages (AT+CNMI): they are found by the sweep")

// cnmiWishes are the forms of AT+CNMI in the order in which they are liked: with phase 2+ messages straight to us, for nothing is then
// left on the SIM when we fall; without it stored ones, for a straight one is acknowledged before we have it. Status reports straight,
// else stored, else none.                                                                                          [27.005 3.4.1]
func cnmiWishes(ack bool) [][5]int {
	straight := [][5]int{{2, 2, 0, 1, 0}, {1, 2, 0, 1, 0}}
	stored := [][5]int{{2, 1, 0, 1, 0}, {1, 1, 0, 1, 0}, {2, 1, 0, 2, 0}, {1, 1, 0, 2, 0}, {3, 1, 0, 1, 0}, {3, 1, 0, 2, 0},
		{2, 1, 0, 0, 0}, {1, 1, 0, 0, 0}}
	if ack {
		return append(straight, stored...)
	}
	return append(stored, straight...)
}

// chooseCNMI asks which values the modem knows, and gives it the form that is liked best among them; each with the buffer flushed or,
// where the modem does not know that, cleared. A modem that does not say is asked one by one.
func (s *session) chooseCNMI(ctx context.Context) (string, error) {
	line, err := s.ask(ctx, "AT+CNMI=?", at.Prefix("+CNMI:"))
	if err != nil {
		return "", err
	}
	known := at.Fields(at.Params(line))
	for _, wish := range cnmiWishes(s.ack) {
		for _, flush := range []int{0, 1} {
			wish[4] = flush
			if line != "" && !allows(known, wish) {
				continue
			}
			command := fmt.Sprintf("AT+CNMI=%d,%d,%d,%d,%d", wish[0], wish[1], wish[2], wish[3], wish[4])
			if taken, err := s.tell(ctx, command); taken || err != nil {
				return command, err
			}
		}
	}
	return "", nil
}

func allows(known []string, wish [5]int) bool {
	for i, v := range wish {
		if i < len(known) && !at.InRange(known[i], v) {
			return false
		}
	}
	return true
}
