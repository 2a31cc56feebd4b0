package modem

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"gsmgate/modem/at"
)

// arm tells the modem how to tell of messages, and of the network.
func (s *session) arm(ctx context.Context) error {
	if err := s.refuseForgotten(ctx); err != nil {
		return err
	}
	if err := s.tellIndications(ctx); err != nil {
		return err
	}
	for _, name := range registrations() { // with the cell where the modem knows that [27.007 7.2, 10.1.22]
		if taken, err := s.tell(ctx, "AT"+name+"=2"); taken || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if _, err := s.tell(ctx, "AT"+name+"=1"); err != nil {
			return err
		}
	}
	return nil
}

// tellIndications tells the modem to tell of messages, in the form that it takes.
func (s *session) tellIndications(ctx context.Context) error {
	cnmi, err := s.chooseCNMI(ctx)
	if err != nil {
		return err
	}
	if cnmi == "" {
		s.m.trouble(errNoCNMI)
	}
	s.cnmi.Store(cnmi)
	way, reason := reportWay(cnmi)
	s.m.update(func(i *Info) { i.ReportWay, i.ReportReason = way, reason })
	return nil
}

// armed is the command that turned the indications on, "" when none did.
func (s *session) armed() string {
	command, _ := s.cnmi.Load().(string)
	return command
}

// rearm turns the indications on again: a modem that waited in vain for +CNMA has turned them off by itself [27.005 3.4.4], and one that has
// restarted without a word has forgotten them. What came meanwhile a sweep finds. One that took no form may have been starting yet, and is
// asked at the first look, the second, the fourth and so on.
func (s *session) rearm(ctx context.Context) error {
	if command := s.armed(); command != "" {
		on, err := s.shows(ctx, strings.TrimPrefix(command, "AT+CNMI="))
		if err != nil {
			return err
		}
		if !on {
			s.m.trouble(errDisarmed)
			nudge(s.wake)
		}
		_, err = s.tell(ctx, command)
		return err
	}
	if s.unarmed++; s.unarmed&(s.unarmed-1) != 0 {
		return nil
	}
	if err := s.tellIndications(ctx); err != nil {
		return err
	}
	if s.armed() != "" {
		s.log.Info("the modem tells of messages now", "command", s.armed())
		nudge(s.wake) // for what came before
	}
	return nil
}

// owesReports tells, once for each time that something was sent, whether a sweep may find the reports of which a modem should have told
// that has told of nothing yet.
func (s *session) owesReports() bool {
	i := s.m.Info()
	owes := !s.receiving.told.Load() && i.Unreported > 0 && i.Sent > s.looked
	s.looked = i.Sent
	return owes
}

// reportWay says how a form of AT+CNMI, <mode>,<mt>,<bm>,<ds>,<bfr>, brings status reports.                       [27.005 3.4.1]
func reportWay(cnmi string) (way, reason string) {
	if cnmi == "" {
		return "none", "the modem takes no form of AT+CNMI: reports are found by the sweep, or never"
	}
	switch at.Fields(strings.TrimPrefix(cnmi, "AT+CNMI="))[3] {
	case "1":
		return "straight", ""
	case "2":
		return "stored", ""
	}
	return "none", "the modem takes no form of AT+CNMI with status reports (" + cnmi + ")"
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

var errDisarmed = errors.New("the modem had turned its indications off (AT+CNMI): they are on again")

var errNoCNMI = errors.New("the modem tells of no messages (AT+CNMI): they are found by the sweep")

// cnmiWishes are the forms of AT+CNMI in the order in which they are liked: with phase 2+ messages straight to us, for nothing is then
// left on the SIM when we fall; without it stored ones, for a straight one is acknowledged before we have it. Status reports straight,
// else stored, else none.                                                                                          [27.005 3.4.1]
func cnmiWishes(ack bool) []string {
	straight := []string{"2,2,0,1", "1,2,0,1"}
	stored := []string{"2,1,0,1", "1,1,0,1", "2,1,0,2", "1,1,0,2", "3,1,0,1", "3,1,0,2", "2,1,0,0", "1,1,0,0"}
	first, second := stored, straight
	if ack {
		first, second = straight, stored
	}
	var forms []string
	for _, wish := range slices.Concat(first, second) {
		forms = append(forms, wish+",0", wish+",1") // the buffer flushed or, where the modem does not know that, cleared
	}
	return forms
}

// chooseCNMI asks which values the modem knows, and gives it the form that is liked best among them; those that its profile likes go
// first. A modem that does not say is asked one by one, and a form counts when the modem shows it afterwards.
func (s *session) chooseCNMI(ctx context.Context) (string, error) {
	line, err := s.ask(ctx, "AT+CNMI=?", at.Prefix("+CNMI:"))
	if err != nil {
		return "", err
	}
	known := at.Fields(at.Params(line))
	for _, form := range slices.Concat(s.profile.CNMI, cnmiWishes(s.ack)) {
		if line != "" && !allows(known, form) || s.profile.Avoids(form) {
			continue
		}
		command := "AT+CNMI=" + form
		taken, err := s.tell(ctx, command)
		if err == nil && taken {
			taken, err = s.shows(ctx, form)
		}
		if taken || err != nil {
			return command, err
		}
	}
	return "", nil
}

// shows tells whether the modem has kept what it was told of messages and reports. One that does not show it is believed.
func (s *session) shows(ctx context.Context, form string) (bool, error) {
	line, err := s.ask(ctx, "AT+CNMI?", at.Prefix("+CNMI:"))
	have, want := at.Fields(at.Params(line)), at.Fields(form)
	return err == nil && (line == "" || len(have) < 4 || have[1] == want[1] && have[3] == want[3]), err
}

func allows(known []string, form string) bool {
	for i, v := range at.Fields(form) {
		if i < len(known) && !at.InRange(known[i], int(v[0]-'0')) {
			return false
		}
	}
	return true
}

// chooseStorage puts new messages into the memory that the profile likes, or where there is most room, and notes which memories may hold
// old ones.                                                                                                        [27.005 3.2.2]
func (s *session) chooseStorage(ctx context.Context) error {
	line, err := s.ask(ctx, "AT+CPMS=?", at.Prefix("+CPMS:"))
	if err != nil {
		return err
	}
	sets := at.Fields(at.Params(line))
	best, most := "", -1
	for _, name := range []string{"SM", "ME"} {
		if line != "" && !strings.Contains(line, `"`+name+`"`) {
			continue
		}
		answer, err := s.ask(ctx, fmt.Sprintf("AT+CPMS=%q", name), at.Prefix("+CPMS:"))
		if err != nil {
			return err
		}
		_, total, ok := usage(answer)
		if !ok {
			continue
		}
		s.storage = append(s.storage, name)
		if total = s.liking(name, total); total > most && takesNew(sets, name) {
			best, most = name, total
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

// takesNew tells whether the third set of memories, that for new messages, has the name: some modems keep them off ME.
func takesNew(sets []string, name string) bool {
	return len(sets) < 3 || !strings.Contains(sets[2], `"`) || strings.Contains(sets[2], `"`+name+`"`)
}

// liking puts what the profile likes before all sizes. An empty memory takes nothing, whoever likes it.
func (s *session) liking(name string, total int) int {
	if i := slices.Index(s.profile.Storage, name); i >= 0 && total > 0 {
		return 1<<30 - i
	}
	return total
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
