package modemsim

import (
	"fmt"
	"strings"
)

// faultCommands are all faults, by what they harm.
func faultCommands() []faultCommand {
	var all []faultCommand
	for _, group := range [][]faultCommand{modemFaults(), lineFaults(), sendFaults(), cardFaults(), networkFaults()} {
		all = append(all, group...)
	}
	return append(all, faultCommand{"clear", "ends all faults", plain((*Modem).Clear)})
}

func modemFaults() []faultCommand {
	return []faultCommand{
		{"hang [TIME]", "deaf and dumb", lasting((*Modem).Hang, "0s")},
		{"reboot [TIME]", "restarts, and answers after TIME", lasting((*Modem).Reboot, "10s")},
		{"unplug [TIME]", "out, and in again after TIME", func(a *faultArgs) action {
			if len(a.words) == 0 {
				return plain((*Modem).Unplug)(a)
			}
			return lasting((*Modem).UnplugFor, "")(a)
		}},
		{"replug", "in again", func(*faultArgs) action { return (*Modem).Replug }},
		{"unknown [VERB …]", "knows none of these verbs, such as +CPINR", func(a *faultArgs) action {
			verbs := a.rest()
			return func(m *Modem) error { m.Unknown(verbs...); return nil }
		}},
		{"forget-cnmi", "indications off, without a word", plain((*Modem).ForgetCNMI)},
		{"text-mode", "back to +CMGF=1, without a word", plain((*Modem).ForgetPDUMode)},
		{"forget-phase2", "back to +CSMS=0: it acknowledges by itself", plain((*Modem).ForgetPhase2)},
		{"fill SM|ME [FREE]", "storage full but for FREE places", func(a *faultArgs) action {
			mem, leave := strings.ToUpper(a.next("SM")), a.number(0)
			if mem != "SM" && mem != "ME" {
				a.wrong("%q is no memory", mem)
			}
			return func(m *Modem) error { m.FillStorage(mem, leave); return nil }
		}},
		{"ring NUMBER [TIMES]", "a call", func(a *faultArgs) action {
			from, n := a.next("+31600000000"), a.number(3)
			return func(m *Modem) error { m.Ring(from, n); return nil }
		}},
	}
}

func lineFaults() []faultCommand {
	return []faultCommand{
		{"cr-only [on|off]", "lines end with CR", switched((*Modem).CROnly)},
		{"bare-prompt [on|off]", `the prompt is ">"`, switched((*Modem).PromptWithoutSpace)},
		{"stuck-echo [on|off]", "echoes, whatever ATE says", switched((*Modem).StickEcho)},
		{"garbage [N]", "N octets of noise", counted((*Modem).Garbage, 100)},
		{"zeroes [N]", "N binary zeroes", counted((*Modem).Zeroes, 100)},
		{"flood TIME [EVERY]", "^BOOT and ^RSSI all the time, even while it hangs", func(a *faultArgs) action {
			d, every := a.duration("1m"), a.duration("200ms")
			return func(m *Modem) error { m.Flood(d, every); return nil }
		}},
		{"urc LINE", "an unsolicited line", func(a *faultArgs) action {
			line := strings.Join(a.rest(), " ")
			return func(m *Modem) error { m.URC(line); return nil }
		}},
		{"urc-inside [N]", "one inside the next N answers", counted((*Modem).URCInsideAnswers, 1)},
		{"cut [N]", "the next N answers break off", counted((*Modem).CutAnswers, 1)},
		{"double-final [N]", "the next N result codes come twice", counted((*Modem).DoubleFinals, 1)},
		{"lose-prompt [N]", "the next N prompts do not come", counted((*Modem).LosePrompts, 1)},
		{"prompt-twice [N]", "the next N prompts come twice", counted((*Modem).PromptTwice, 1)},
	}
}

func sendFaults() []faultCommand {
	return []faultCommand{
		{"fail [N [CMS]]", "the next N sends end with +CMS ERROR", coded((*Modem).FailSends, 500)},
		{"failcme [N [CME]]", "the same with +CME ERROR", coded((*Modem).FailSendsCME, cmeUnknown)},
		{"refuse NUMBER CMS", "all sends to NUMBER do; 0 ends it", func(a *faultArgs) action {
			number, code := a.next(""), a.number(38)
			if number == "" {
				a.wrong("no number")
			}
			return func(m *Modem) error { m.RefuseNumber(number, code); return nil }
		}},
		{"brown-out [N [TIME]]", "it restarts at each of the next N sends, and answers after TIME", func(a *faultArgs) action {
			n, d := a.number(1), a.duration("10s")
			return func(m *Modem) error { m.BrownOut(n, d); return nil }
		}},
		{"lose-answer [N]", "the next N sends are taken without an answer", counted((*Modem).LoseAnswers, 1)},
		{"cut-send [N]", "or with half an answer", counted((*Modem).CutSends, 1)},
		{"late [N [TIME [busy]]]", "or with an answer TIME after Ctrl-Z", func(a *faultArgs) action {
			n, d, busy := a.number(1), a.duration("30s"), a.flag("busy", "free", "free")
			return func(m *Modem) error { m.LateAnswers(n, d, busy); return nil }
		}},
		{"half-pdu [N [taken]]", "half of the next N PDUs gets lost; taken: the modem does not mind", func(a *faultArgs) action {
			n, taken := a.number(1), a.flag("taken", "refused", "refused")
			return func(m *Modem) error { m.ShortenPDUs(n, taken); return nil }
		}},
		{"mr-constant [N|off]", "every send has TP-MR N", func(a *faultArgs) action {
			if len(a.words) > 0 && a.words[0] == "off" {
				a.rest()
				return plain((*Modem).CountMR)(a)
			}
			n := a.number(0)
			if n > 255 {
				a.wrong("TP-MR is from 0 to 255")
			}
			return func(m *Modem) error { m.ConstantMR(byte(n)); return nil }
		}},
		{"latency LOW [HIGH [long]]", "network time of a send; long: seldom near HIGH", func(a *faultArgs) action {
			low := a.duration("50ms")
			high, long := a.duration(low.String()), a.flag("long", "even", "even")
			return func(m *Modem) error { m.SpreadLatency(low, high, long); return nil }
		}},
	}
}

func cardFaults() []faultCommand {
	return []faultCommand{
		{"pin PIN [TRIES]", "the SIM asks for its PIN again", func(a *faultArgs) action {
			pin, tries := a.next("1234"), a.number(pinTries)
			return func(m *Modem) error { m.AskPIN(pin, tries); return nil }
		}},
		{"puk [dead]", "the SIM is blocked, or for good", func(a *faultArgs) action {
			dead := a.flag("dead", "blocked", "blocked")
			return func(m *Modem) error { m.BlockSIM(dead); return nil }
		}},
		{"pin2 [TIME]", "+CPIN? asks for the PIN2", lasting((*Modem).AskPIN2, "0s")},
		{"sim-busy [TIME]", "the SIM is not ready", lasting((*Modem).BusySIM, "30s")},
		{"sim-failure [TIME]", "the SIM cannot be read", lasting((*Modem).BreakSIM, "0s")},
		{"no-sim [TIME]", "the SIM is out", lasting((*Modem).TakeSIM, "0s")},
		{"swap-sim MODEM", "changes SIMs with another modem; both restart", func(a *faultArgs) action {
			n := a.number(0)
			return func(m *Modem) error {
				if n >= len(*m.peers) {
					return fmt.Errorf("there is no modem %d", n)
				}
				m.SwapSIM((*m.peers)[n])
				return nil
			}
		}},
	}
}

func networkFaults() []faultCommand {
	return []faultCommand{
		{"no-network [TIME]", "no registration", lasting((*Modem).LoseNetwork, "0s")},
		{"deny [TIME]", "registration denied", lasting((*Modem).Deny, "0s")},
		{"signal RSSI", "what +CSQ says", counted((*Modem).SetSignal, 20)},
		{"clock TIME", "the service centre's clock is so far ahead, or -TIME behind", func(a *faultArgs) action {
			d := a.offset("1h")
			return func(m *Modem) error { m.JumpClock(d); return nil }
		}},
		{"double-parts [N]", "segments of the next N messages to the SIM come twice", counted((*Modem).DoubleParts, 1)},
		{"reverse-parts [N]", "or last one first", counted((*Modem).ReverseParts, 1)},
		{"report-first [N]", "reports of the next N sends come before their answers", counted((*Modem).ReportsFirst, 1)},
		{"report-double [N]", "or twice", counted((*Modem).DoubleReports, 1)},
		{"report-lose [N]", "or not at all", counted((*Modem).LoseReports, 1)},
		{"report-wrong [N]", "or with another TP-MR", counted((*Modem).WrongReports, 1)},
		{"report-swap [N]", "or after the next one", counted((*Modem).SwapReports, 1)},
		{"report-temporary [N]", "or behind a temporary one", counted((*Modem).TemporaryReports, 1)},
		{"report-late [N [TIME]]", "or so much later", func(a *faultArgs) action {
			n, d := a.number(1), a.duration("1m")
			return func(m *Modem) error { m.LateReports(n, d); return nil }
		}},
	}
}
