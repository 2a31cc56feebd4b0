package modem

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"gsmgate/modem/at"
)

// observe tells what a step of bringing the modem up has found.
func (c *checker) observe(ctx context.Context, step string) error {
	c.taken++
	switch step {
	case stepGreet:
		c.greeted()
	case stepIdentify:
		c.identified()
	case stepUnlock:
		return c.unlocked(ctx)
	case stepCard:
		c.card()
		return c.remember(ctx)
	case stepSetUp:
		c.setUp()
	case stepArm:
		c.armed()
	}
	return nil
}

func (c *checker) greeted() {
	if c.s.echoes {
		c.warn("answers", "yes, and shows each command again although told not to (ATE0)", "it can be used; a firmware update may mend it")
		return
	}
	c.ok("answers", "yes, without echo")
}

func (c *checker) identified() {
	i := c.m.Info()
	text := strings.TrimSpace(i.Manufacturer+" "+i.Model) + ", firmware " + orNone(i.Revision) + ", IMEI " + orNone(i.IMEI) + ", handled as " + c.s.profile.Name
	if i.IMEI == "" || i.Model == "" {
		c.warn("identity", text, "the modem does not tell all (AT+CGMM, AT+CGSN): name it by its path")
		return
	}
	c.ok("identity", text)
}

func orNone(s string) string {
	if s == "" {
		return "not told"
	}
	return s
}

// unlocked tells the tries that are left, where the modem does.
func (c *checker) unlocked(ctx context.Context) error {
	left, known, err := c.s.triesLeft(ctx, "SIM PIN")
	switch {
	case err != nil:
		return err
	case !known:
		c.ok("PIN", "the SIM is open; the modem does not tell how many tries are left")
	case left < 3:
		c.warn("PIN", fmt.Sprintf("the SIM is open; %d tries are left", left), "give the right PIN once, in a telephone if need be: that makes them 3 again")
	default:
		c.ok("PIN", fmt.Sprintf("the SIM is open; %d tries are left", left))
	}
	return nil
}

func (c *checker) card() {
	i := c.m.Info()
	text := "ICCID " + i.SIM.ICCID + ", IMSI " + orNone(i.SIM.IMSI) + ", number " + orNone(i.SIM.Number)
	if at.ICCIDOf(i.SIM.ICCID) == "" {
		c.warn("card", text, "the modem does not tell the ICCID: counters stay with what stands for it")
		return
	}
	c.ok("card", text)
}

// remember notes how the modem tells of messages now.
func (c *checker) remember(ctx context.Context) error {
	line, err := c.s.ask(ctx, "AT+CNMI?", at.Prefix("+CNMI:"))
	if err != nil {
		return err
	}
	if line != "" {
		c.restore = append(c.restore, "AT+CNMI="+at.Params(line))
	}
	line, err = c.s.ask(ctx, "AT+CSMS?", at.Prefix("+CSMS:"))
	if err == nil && line != "" && at.Fields(at.Params(line))[0] == "0" {
		c.restore = append(c.restore, "AT+CSMS=0")
	}
	return err
}

func (c *checker) setUp() {
	i := c.m.Info()
	if i.SMSC == "" {
		c.fail("SMSC", "the SIM holds no service-centre address", `ask the operator for it, and write it to the SIM: AT+CSCA="+…"`)
	} else {
		c.ok("SMSC", i.SMSC)
	}
	if c.s.ack {
		c.ok("acknowledgement", "phase 2+: a message is acknowledged when it is on disk")
	} else {
		c.warn("acknowledgement", "the modem acknowledges by itself (AT+CSMS)", "nothing to do: messages go by way of the SIM's storage")
	}
	switch {
	case len(c.s.storage) == 0:
		c.warn("storage", "the modem tells of none (AT+CPMS)", "nothing to do while messages come straight")
	case i.StoredTotal > 0 && i.StoredUsed >= i.StoredTotal:
		c.warn("storage", fmt.Sprintf("%s is full, %d of %d", c.s.storage[0], i.StoredUsed, i.StoredTotal),
			"nothing comes in until there is room; the gateway takes what lies there and deletes it")
	default:
		c.ok("storage", fmt.Sprintf("%s, %d of %d used", c.s.storage[0], i.StoredUsed, i.StoredTotal))
	}
}

// armed tells what of AT+CNMI was taken: <mode>,<mt>,<bm>,<ds>,<bfr>.                                        [27.005 3.4.1]
func (c *checker) armed() {
	fields := at.Fields(strings.TrimPrefix(c.s.armed(), "AT+CNMI="))
	if len(fields) < 4 {
		c.warn("indications", "none: the modem takes no form of AT+CNMI", "messages are found by a sweep every half minute")
		c.warn("reports", "none are told", "nothing to do: they are found by the sweep, or never")
		return
	}
	const straight, stored = "straight", "stored, and told of"
	c.ok("indications", map[string]string{"1": stored, "2": straight}[fields[1]]+" ("+c.s.armed()+")")
	if way, told := map[string]string{"1": straight, "2": stored}[fields[3]]; told {
		c.ok("reports", way)
		return
	}
	c.warn("reports", "the modem tells of no status reports", "messages end as sent; their delivery stays unknown")
}

// network waits for a registration, and looks at operator and signal.
func (c *checker) network(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, c.cfg.Network)
	defer cancel()
	err := c.s.search(limit)
	i := c.m.Info()
	switch {
	case err == nil && i.Roaming:
		c.warn("network", "registered, roaming", "each message may cost more; choose another SIM if that is not meant")
	case err == nil:
		c.ok("network", "registered at home")
	case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		c.fail("network", "not within "+c.cfg.Network.String()+": "+i.Reason, "look at the aerial, at the SIM's contract, and whether the network still has the radio of this modem")
		return errChecked
	default:
		return err
	}
	if i.Operator == "" {
		c.warn("operator", "not told", "nothing to do")
	} else {
		c.ok("operator", i.Operator)
	}
	c.signal(i.Signal)
	return nil
}

// weakSignal is -103 dBm: below it sending often fails.
const weakSignal = 5

func (c *checker) signal(rssi int) {
	dBm := -113 + 2*rssi // [27.007 8.5]
	switch {
	case rssi == NoSignal:
		c.warn("signal", "not told", "nothing to do")
	case rssi < weakSignal:
		c.warn("signal", fmt.Sprintf("weak, %d dBm", dBm), "give it a better aerial or another place")
	default:
		c.ok("signal", fmt.Sprintf("%d dBm", dBm))
	}
}
