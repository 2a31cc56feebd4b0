package discover

import (
	"slices"
	"strings"
)

// vendor is a maker of modems. Its rows say what its devices are before anybody has asked them.
type vendor struct {
	id       string
	name     string
	guess    []int    // the interface that mostly takes AT and brings URCs, then the next; asking goes before it
	disks    []string // products that are sticks in storage mode; "*": all that show a disk alone
	no       []string // products that are no modems
	evidence string
}

// vendors returns the table.
func vendors() []vendor {
	return []vendor{
		{id: "12d1", name: "Huawei", guess: []int{2, 0, 1}, disks: []string{"*"},
			evidence: "E173, E3131: 0 data, 1 diagnosis, 2 PCUI with the URCs; 12d1:1446 and 12d1:1f01 are the disk"},
		{id: "19d2", name: "ZTE", guess: []int{1, 2, 3}, disks: []string{"*"},
			evidence: "MF180, MF190: 0 diagnosis, 1 AT, 2 or 3 data; 19d2:2000 is the disk"},
		{id: "2c7c", name: "Quectel", guess: []int{2, 3}, evidence: "EC25: 0 diagnosis, 1 NMEA, 2 AT, 3 data"},
		{id: "05c6", name: "Qualcomm", guess: []int{2, 3, 1}, disks: []string{"1000", "2000", "2001", "6503", "9024", "f000"}, no: []string{"9008", "900e"},
			evidence: "05c6:9090, 9003 (UC20): 2 AT, 3 data; 05c6:1000 is the disk of many; 9008 is the boot loader"},
		{id: "1e0e", name: "SIMCom", guess: []int{2, 3}, disks: []string{"f000"}, evidence: "SIM7600 (9001): 0 diagnosis, 1 NMEA, 2 AT, 3 data, 4 audio"},
		{id: "1199", name: "Sierra Wireless", guess: []int{3, 2, 0}, disks: []string{"0fff"},
			evidence: "MC7304: 0 DM, 2 NMEA, 3 AT; 1199:0fff is TRU-Install"},
		{id: "1bc7", name: "Telit", guess: []int{0, 2, 4}, evidence: "HE910 (0021): ACM 0; LE910 (1201): 4 and 5"},
		{id: "1e2d", name: "Cinterion", guess: []int{0, 2, 4}, evidence: "EHS6 (0058), PLS8 (0061): ACM 0 and 2 first"},
		{id: "0681", name: "Siemens", guess: []int{0}, evidence: "HC25, MC75: ACM"},
		{id: "1546", name: "u-blox", guess: []int{0, 2}, no: []string{"01a4", "01a5", "01a6", "01a7", "01a8", "01a9"},
			evidence: "LISA, SARA, TOBY: ACM 0 and 2; 01a4 to 01a9 are satellite receivers"},
		{id: "1410", name: "Novatel", guess: []int{0, 1}, disks: []string{"5010", "5020", "5030", "5031", "5041", "5059"}, evidence: "MC545; 1410:5010 is the disk"},
		{id: "0af0", name: "Option", guess: []int{0, 2}, disks: []string{"*"}, evidence: "iCON 225; 0af0:6971 and others are the disk"},
		{id: "1c9e", name: "Longcheer", guess: []int{2, 1}, disks: []string{"*"}, evidence: "Alcatel X060, 4G Systems W14; 1c9e:f000 is the disk"},
		{id: "1bbb", name: "TCT, Alcatel", guess: []int{2, 1, 0}, disks: []string{"*"}, evidence: "X200, L100; 1bbb:f000 is the disk"},
		{id: "16d8", name: "C-motech", guess: []int{0}, disks: []string{"*"}, evidence: "CHU-628S; 16d8:6281 is the disk"},
		{id: "2001", name: "D-Link", guess: []int{2, 1}, disks: []string{"a706", "a707", "a708", "a805", "a80b", "ab00"}, evidence: "DWM-156, DWM-157"},
		{id: "2357", name: "TP-Link", guess: []int{1, 2}, disks: []string{"0200", "f000"}, evidence: "MA180, MA260"},
		{id: "0bdb", name: "Ericsson", guess: []int{1, 3}, evidence: "F3507g, F5521gw: ACM 1 and 3"},
		{id: "413c", name: "Dell", guess: []int{2, 3}, evidence: "5520 to 5808 cards, by the drivers option and sierra"},
		{id: "2cb7", name: "Fibocom", guess: []int{2, 0}, evidence: "L610, FM150: by the driver option, or ACM"},
	}
}

func vendorOf(id string) (vendor, bool) {
	table := vendors()
	i := slices.IndexFunc(table, func(v vendor) bool { return v.id == id })
	if i < 0 {
		return vendor{}, false
	}
	return table[i], true
}

// modemDrivers make serial ports of modems alone.
func modemDrivers() []string { return []string{"option", "qcserial", "sierra", "ipw", "hso"} }

// anyDrivers serve modems and other things: the vendor decides.
func anyDrivers() []string { return []string{"cdc_acm", "usbserial_generic", "usbserial"} }

// Guess puts the interface numbers of the device's ports into the order in which they are likely to be the one that takes AT and brings
// URCs. It is a guess: the ports are asked.
func (d Device) Guess() []int {
	v, _ := vendorOf(d.Vendor)
	var order []int
	for _, n := range v.guess {
		if slices.ContainsFunc(d.Ports, func(p Port) bool { return p.Interface == n }) {
			order = append(order, n)
		}
	}
	for _, p := range d.Ports {
		if !slices.Contains(order, p.Interface) {
			order = append(order, p.Interface)
		}
	}
	return order
}

// modeOf says what a device can be used for; "" for a mouse.
func modeOf(d Device, functions []function) Mode {
	v, known := vendorOf(d.Vendor)
	if slices.Contains(v.no, strings.ToLower(d.Product)) {
		known = false
	}
	switch {
	case slices.ContainsFunc(d.Ports, func(p Port) bool {
		return slices.Contains(modemDrivers(), p.Driver) || known && slices.Contains(anyDrivers(), p.Driver)
	}):
		return Modem
	case len(d.Ports) > 0:
		return Adapter
	case !known || len(functions) == 0:
		return ""
	case all(functions, "08"):
		if slices.Contains(v.disks, "*") || slices.Contains(v.disks, strings.ToLower(d.Product)) {
			return Storage
		}
		return ""
	case slices.ContainsFunc(functions, isNetwork):
		return Network
	case slices.ContainsFunc(functions, func(f function) bool { return f.class == "ff" && f.driver == "" }):
		return Driverless
	}
	return ""
}

func all(functions []function, class string) bool {
	return !slices.ContainsFunc(functions, func(f function) bool { return f.class != class })
}

// isNetwork tells a network function by its driver or class: CDC, RNDIS.
func isNetwork(f function) bool {
	return slices.Contains([]string{"cdc_ether", "cdc_ncm", "cdc_mbim", "huawei_cdc_ncm", "qmi_wwan", "rndis_host"}, f.driver) ||
		f.class == "02" || f.class == "e0"
}
