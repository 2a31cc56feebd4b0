package modemsim

import "time"

// Modem is one AT interpreter on a pty, with a SIM.
type Modem struct{}

// Path is the link to its pty.
func (m *Modem) Path() string { return "" }

// IMEI is the serial number, as AT+CGSN gives it.
func (m *Modem) IMEI() string { return "" }

// Number is the number of its SIM.
func (m *Modem) Number() string { return "" }

// ICCID is the SIM's.
func (m *Modem) ICCID() string { return "" }

// SIMState is what +CPIN? would say: "READY", "SIM PIN", "SIM PUK" …
func (m *Modem) SIMState() string { return "" }

// PINTries are the tries left for the PIN and the PUK.
func (m *Modem) PINTries() (pin, puk int) { return 0, 0 }

// Stored is the number of messages in a memory: "SM", "ME", "SR".
func (m *Modem) Stored(memory string) int { return 0 }

// Transcript is the last AT lines, oldest first: ">" before what the client sent, "<" before what the modem sent.
func (m *Modem) Transcript() []string { return nil }

// Hang makes the modem deaf and dumb for d; 0 is until Clear. What is sent to it meanwhile is lost.
func (m *Modem) Hang(d time.Duration) {}

// FailSends makes the next n sends end with +CMS ERROR: code.
func (m *Modem) FailSends(n, code int) {}

// FailSendsCME makes the next n sends end with +CME ERROR: code.
func (m *Modem) FailSendsCME(n, code int) {}

// LoseAnswers makes the next n sends reach the network without an answer.
func (m *Modem) LoseAnswers(n int) {}

// LateAnswers makes the answers of the next n sends come d after Ctrl-Z. The network takes the message at its usual time. With busy, the
// modem answers nothing else meanwhile; without, it takes commands and the answer bursts in between.
func (m *Modem) LateAnswers(n int, d time.Duration, busy bool) {}

// LosePrompts makes the next n prompts not come; data is taken all the same.
func (m *Modem) LosePrompts(n int) {}

// ReportsFirst makes the reports of the next n sends come before the +CMGS answer.
func (m *Modem) ReportsFirst(n int) {}

// URCInsideAnswers puts an unsolicited line between the lines of the next n answers.
func (m *Modem) URCInsideAnswers(n int) {}

// CROnly makes lines end with CR instead of CR LF.
func (m *Modem) CROnly(on bool) {}

// PromptWithoutSpace makes the prompt ">" instead of "> ".
func (m *Modem) PromptWithoutSpace(on bool) {}

// Garbage sends n octets of line noise now.
func (m *Modem) Garbage(n int) {}

// URC sends an unsolicited line now.
func (m *Modem) URC(line string) {}

// Reboot restarts the modem: all settings are as after power-on, and the PIN is asked for again. It answers after d.
func (m *Modem) Reboot(d time.Duration) {}

// Unplug closes the pty and removes the link.
func (m *Modem) Unplug() {}

// Replug powers the modem on again on a new pty under the same link.
func (m *Modem) Replug() error { return nil }

// LoseNetwork takes the registration away for d; 0 is until Clear.
func (m *Modem) LoseNetwork(d time.Duration) {}

// FillStorage fills a memory ("SM", "ME") with old read messages, but leaves this many places free.
func (m *Modem) FillStorage(memory string, leave int) {}

// Clear ends all faults, and an unplugged modem stays unplugged.
func (m *Modem) Clear() {}

// Ring is a call from that number: n times RING, with +CLIP when it is on.
func (m *Modem) Ring(from string, n int) {}

// Command injects a fault by a line such as "hang 60s" or "fail 3 38"; FaultHelp lists them.
func (m *Modem) Command(line string) error { return nil }
