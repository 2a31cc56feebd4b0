package modemsim

import (
	"slices"
	"time"
)

// reportFaults counts the sends to come whose reports go wrong.
type reportFaults struct {
	double, lose, wrong, swap, temporary, late int
	by                                         time.Duration // of late
}

// take uses up one of each.
func (f *reportFaults) take() (r Rule) {
	r.DoubleReport, r.NoReport, r.WrongMR, r.SwapReport = take(&f.double), take(&f.lose), take(&f.wrong), take(&f.swap)
	if take(&f.temporary) {
		r.Temporary = 0x30 // congestion, and the service centre still tries [23.040 9.2.3.15]
	}
	if take(&f.late) {
		r.ReportDelay = f.by
	}
	return r
}

// with adds what goes wrong with the report.
func (r Rule) with(o Rule) Rule {
	r.NoReport, r.DoubleReport = r.NoReport || o.NoReport, r.DoubleReport || o.DoubleReport
	r.WrongMR, r.SwapReport = r.WrongMR || o.WrongMR, r.SwapReport || o.SwapReport
	r.Temporary = max(r.Temporary, o.Temporary)
	r.ReportDelay += o.ReportDelay
	return r
}

// reports makes the status reports of a segment.
func (n *Network) reports(sender string, s Segment, r Rule, submitted, now time.Time) (out [][]byte) {
	n.mu.Lock()
	ahead := time.Until(n.clock(sender))
	n.mu.Unlock()
	submitted, now = submitted.Add(ahead), now.Add(ahead)
	if r.WrongMR {
		s.MR += 100
	}
	if r.Temporary != 0 {
		out = append(out, buildReport(&s, submitted, now, r.Temporary))
	}
	out = append(out, buildReport(&s, submitted, now, r.ST))
	if r.DoubleReport {
		out = append(out, out[len(out)-1])
	}
	return out
}

// keptFor is how long a report waits for the one that is to come before it.
const keptFor = time.Minute

// report posts the reports of one segment, or keeps them until the next ones are posted.
func (n *Network) report(sender string, reports [][]byte, keep bool) {
	n.mu.Lock()
	box := n.mailboxes[numberKey(sender)]
	switch {
	case box == nil:
		reports = nil
	case keep:
		box.kept = append(box.kept, reports...)
		reports = nil
		n.later(keptFor, func(time.Time) { n.report(sender, nil, false) })
	default:
		reports, box.kept = append(slices.Clone(reports), box.kept...), nil
	}
	n.mu.Unlock()
	for _, tpdu := range reports {
		n.post(sender, mobileTerminated{tpdu: tpdu, report: true})
	}
}

// clock is the time of the service centre for the SIM with that number. The caller holds n.mu.
func (n *Network) clock(number string) time.Time {
	if box := n.mailboxes[numberKey(number)]; box != nil {
		return time.Now().Add(box.clock)
	}
	return time.Now()
}

// mangled is the order in which the segments of a message to a SIM come, where a fault says so.
func (n *Network) mangled(number string, segments int) (order []int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	box := n.mailboxes[numberKey(number)]
	double := box != nil && take(&box.doubleParts)
	reverse := box != nil && take(&box.reverseParts)
	if !double && !reverse {
		return nil
	}
	for i := range segments {
		order = append(order, i+1)
		if double {
			order = append(order, i+1)
		}
	}
	if reverse {
		slices.Reverse(order)
	}
	return order
}

// mend ends the faults of the mailbox of a modem's SIM.
func (n *Network) mend(m *Modem) {
	n.boxed(m, func(box *mailbox) { box.clock, box.doubleParts, box.reverseParts = 0, 0, 0 })
}

// boxed changes the mailbox of the SIM in a modem.
func (n *Network) boxed(m *Modem, change func(*mailbox)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if box := n.box(m); box != nil {
		change(box)
	}
}

// JumpClock makes the service centre's clock, for the SIM in the modem, d ahead of the true time, or behind it.
func (m *Modem) JumpClock(d time.Duration) { m.net.boxed(m, func(box *mailbox) { box.clock = d }) }

// DoubleParts makes each segment of the next n messages to the SIM come twice.
func (m *Modem) DoubleParts(n int) { m.net.boxed(m, func(box *mailbox) { box.doubleParts = n }) }

// ReverseParts makes the segments of the next n messages to the SIM come last one first.
func (m *Modem) ReverseParts(n int) { m.net.boxed(m, func(box *mailbox) { box.reverseParts = n }) }

// DoubleReports makes the reports of the next n sends come twice.
func (m *Modem) DoubleReports(n int) { m.locked(func() { m.faults.reports.double = n }) }

// LoseReports makes the reports of the next n sends not come.
func (m *Modem) LoseReports(n int) { m.locked(func() { m.faults.reports.lose = n }) }

// WrongReports makes the reports of the next n sends have another TP-MR.
func (m *Modem) WrongReports(n int) { m.locked(func() { m.faults.reports.wrong = n }) }

// SwapReports makes the reports of the next n sends come after that of the send behind them.
func (m *Modem) SwapReports(n int) { m.locked(func() { m.faults.reports.swap = n }) }

// TemporaryReports makes a report that the service centre still tries come before those of the next n sends.
func (m *Modem) TemporaryReports(n int) { m.locked(func() { m.faults.reports.temporary = n }) }

// LateReports makes the reports of the next n sends come so much later.
func (m *Modem) LateReports(n int, d time.Duration) {
	m.locked(func() { m.faults.reports.late, m.faults.reports.by = n, d })
}
