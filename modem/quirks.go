package modem

import "strings"

// quirk is a row of the table of modems that differ. Rows are tried from the top; the first that matches counts, and the last, the plain
// one, matches all.
type quirk struct {
	name         string
	manufacturer string   // a part of the answer to AT+CGMI, in lower case; "" for any
	model        string   // a part of the answer to AT+CGMM, in lower case; "" for any
	init         []string // commands after the identification; an ERROR is no harm
	iccid        []string // commands that ask for the ICCID, the first that answers counts
	tries        string   // command that asks for the PIN tries left
	triesName    string   // the name of its answer
	triesField   int      // which field of the answer is the number
	evidence     string
}

// quirks returns the table.
func quirks() []quirk {
	return []quirk{
		{name: "Huawei", manufacturer: "huawei", init: []string{"AT^CURC=0"}, iccid: []string{"AT^ICCID?", "AT+CCID"},
			tries: "AT^CPIN?", triesName: "^CPIN:", triesField: 1,
			evidence: "E173, E1750, E3131: ^BOOT and ^RSSI several times a second; ^CPIN: SIM PIN,3,10,3,10,3"},
		{name: "SIMCom", manufacturer: "simcom", iccid: []string{"AT+CCID", "AT+CICCID"},
			tries: "AT+SPIC", triesName: "+SPIC:", triesField: 0,
			evidence: "SIM800, SIM900: AT+CCID answers with the bare number; SIM7600 has AT+CICCID; +SPIC: 3,10,0,10"},
		{name: "SIM800", model: "sim800", iccid: []string{"AT+CCID"}, tries: "AT+SPIC", triesName: "+SPIC:", triesField: 0,
			evidence: "boards whose AT+CGMI is empty or SIMCOM_Ltd"},
		{name: "Quectel", manufacturer: "quectel", iccid: []string{"AT+QCCID", "AT+CCID"},
			tries: `AT+QPINC="SC"`, triesName: "+QPINC:", triesField: 1,
			evidence: `UC15, EC25, M95: AT+QCCID; +QPINC: "SC",3,10`},
		{name: "ZTE", manufacturer: "zte", init: []string{"AT+ZOPRT=5"}, iccid: []string{"AT+ICCID", "AT+CCID"},
			evidence: "MF180, MF190: stay offline until AT+ZOPRT=5"},
		{name: "Telit", manufacturer: "telit", iccid: []string{"AT#CCID", "AT+CCID"}, tries: "AT#PCT", triesName: "#PCT:", triesField: 0,
			evidence: "GE864, HE910: #CCID, #PCT: 3"},
		{name: "Cinterion", manufacturer: "cinterion", iccid: []string{"AT^SCID", "AT+CCID"}, tries: "AT^SPIC", triesName: "^SPIC:",
			evidence: "BGS2, EHS6: ^SCID, ^SPIC: 3"},
		{name: "plain", iccid: []string{"AT+CCID", "AT+ICCID", "AT^ICCID?", "AT+QCCID"}, evidence: "27.007 and what most understand"},
	}
}

// quirkOf finds the row of a modem.
func quirkOf(manufacturer, model string) quirk {
	table := quirks()
	for _, q := range table {
		if strings.Contains(strings.ToLower(manufacturer), q.manufacturer) && strings.Contains(strings.ToLower(model), q.model) {
			return q
		}
	}
	return table[len(table)-1]
}
