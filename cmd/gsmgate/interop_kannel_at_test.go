//go:build interop

package main

import (
	"strings"
	"testing"
)

// kannelAT is Kannel with a modem.
type kannelAT struct {
	*kannel
	numbered map[string]int // number of the message, by recipient
}

// kannelModem are the groups of Kannel's own driver of modems.
const kannelModem = `
group = smsc
smsc = at
smsc-id = modem
modemtype = simulated
device = MODEM
speed = 115200
my-number = NUMBER
sim-buffering = true

group = modems
id = simulated
name = "Simulated"
detect-string = "SIM-1"
init-string = "AT+CNMI=1,2,0,1,0;+CMEE=1"
`

func bringKannelAT(t *testing.T) *atAir {
	t.Helper()
	bank := atBank(t, nil)
	groups := strings.NewReplacer("MODEM", bank.Paths()[0], "NUMBER", bank.Modem(0).Number()).Replace(kannelModem)
	k := &kannelAT{kannel: startKannel(t, "", groups, 1), numbered: map[string]int{}}
	return &atAir{t: t, bank: bank, p: k}
}

func (k *kannelAT) submit(to, text string) {
	k.kannel.submit("", to, text)
	k.numbered[to] = k.next
}

func (k *kannelAT) delivered(to string) int {
	return len(k.reports.wait(1, 0, func(r kannelDLR) bool { return r.n == k.numbered[to] && r.kind == kannelDelivered }))
}

func (k *kannelAT) texts(from string) (all []string) {
	for _, m := range k.kannel.texts.wait(100, 0, func(m kannelText) bool { return m.from == from }) {
		all = append(all, m.text)
	}
	return all
}

func TestInterop_Kannel_AT_SendsEveryText(t *testing.T) { bringKannelAT(t).sends(nil) }

func TestInterop_Kannel_AT_HearsEveryText(t *testing.T) { bringKannelAT(t).hears(nil) }
