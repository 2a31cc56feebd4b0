package main

import (
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
