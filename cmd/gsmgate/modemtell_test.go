package main

import (
	"regexp"
	"strings"
	"testing"

	"gsmgate/provisioning"
)

func TestModemShow_WhatIsWrong_Shown(t *testing.T) {
	var m provisioning.ModemDetail
	m.StoredUsed, m.StoredTotal = 5, 5
	m.StorageAlarm, m.StorageHint = "memory SM holds 5 of 5 messages", "delete them in a phone"
	m.ReportWay, m.ReportReason = "none", "the modem takes no form of AT+CNMI"
	m.SMSCReason = "the SIM holds no service-centre address"
	var out strings.Builder
	if err := printModem(&out, m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"storage alarm  memory SM holds 5 of 5 messages; delete them in a phone\n",
		"reports        none; the modem takes no form of AT+CNMI\n",
		"SMSC           the SIM holds no service-centre address\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestModemListAndStatus_WhatIsWrongWithAReadyModem_Shown(t *testing.T) {
	full := provisioning.Modem{Path: "/dev/ttyUSB0", State: "ready", Sends: "yes", StorageAlarm: "memory SM holds 5 of 5 messages", StorageHint: "delete them in a phone"}
	parked := provisioning.Modem{Path: "/dev/ttyUSB1", State: "ready", Sends: "parked", SendsReason: "until 10:00: the modem has restarted"}
	away := provisioning.Modem{Path: "/dev/ttyUSB2", State: "absent", Reason: "no such port", Hint: "plug it in", Sends: "no", SendsReason: "no such port"}
	well := provisioning.Modem{Path: "/dev/ttyUSB3", State: "ready", Sends: "yes", Operator: "KPN"}
	all := []provisioning.Modem{full, parked, away, well}
	for want, print := range map[string]func(*strings.Builder) error{
		`ready; memory SM holds 5 of 5 messages; delete them in a phone |ready; parked: until 10:00: the modem has restarted |absent: no such port |ready +KPN`:        func(b *strings.Builder) error { return printStatus(b, provisioning.Status{Modems: all}) },
		` yes .*  memory SM holds 5 of 5 messages; delete them in a phone| parked .*  until 10:00: the modem has restarted| no .*  no such port; plug it in| yes .* -`: func(b *strings.Builder) error { return printModems(b, all) },
	} {
		var out strings.Builder
		if err := print(&out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")[1:]
		for i, pattern := range strings.Split(want, "|") {
			if pattern = strings.TrimSpace(pattern); !regexp.MustCompile(pattern).MatchString(lines[i]) {
				t.Errorf("no %q in %q", pattern, lines[i])
			}
		}
	}
}
