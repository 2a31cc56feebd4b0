package smppchan_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// The command_ids of SMPP 3.4 that an ESME sends, typed in from the specification.
const (
	resp         = 0x80000000
	genericNack  = 0x80000000
	bindRX       = 0x00000001
	bindTX       = 0x00000002
	querySM      = 0x00000003
	submitSM     = 0x00000004
	deliverSM    = 0x00000005
	unbind       = 0x00000006
	replaceSM    = 0x00000007
	cancelSM     = 0x00000008
	bindTRX      = 0x00000009
	enquireLink  = 0x00000015
	submitMulti  = 0x00000021
	dataSM       = 0x00000103
	broadcastSM  = 0x00000111
	queryBcast   = 0x00000112
	cancelBcast  = 0x00000113
	nobodysID    = 0x00000999
	nobodysReply = 0x80000999
)

// pdu puts octets after a header whose command_length is right; the sequence_number is filled in
// by who sends it.
func pdu(id uint32, fields ...string) []byte {
	body := strings.Join(fields, "")
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	return append(b, body...)
}

// withLength is a header that says any length, and what follows it.
func withLength(length, id, seq uint32, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, length)
	b = binary.BigEndian.AppendUint32(b, id)
	b = append(b, 0, 0, 0, 0)
	return append(binary.BigEndian.AppendUint32(b, seq), rest...)
}

// A field is one mandatory parameter: its name in the specification and the octets of a request
// that is in order.
type field struct{ name, octets string }

const nul = "\x00"

// anyText is what submit_sm and submit_multi share after the destination.
var anyText = []field{
	{"esm_class", nul}, {"protocol_id", nul}, {"priority_flag", nul},
	{"schedule_delivery_time", nul}, {"validity_period", nul}, {"registered_delivery", nul},
	{"replace_if_present_flag", nul}, {"data_coding", nul}, {"sm_default_msg_id", nul},
	{"sm_length", "\x05"}, {"short_message", "Hello"}, {"tlvs", ""},
}

var source = []field{{"source_addr_ton", "\x01"}, {"source_addr_npi", "\x01"}, {"source_addr", "3197001\x00"}}
var destination = []field{{"dest_addr_ton", "\x01"}, {"dest_addr_npi", "\x01"}, {"destination_addr", "31612345678\x00"}}
var serviceType = field{"service_type", nul}

// request puts a PDU together, some of its fields changed: name, octets, name, octets …
func request(id uint32, fields []field, changes []string) []byte {
	fields = slices.Clone(fields)
	for i := 0; i < len(changes); i += 2 {
		at := slices.IndexFunc(fields, func(f field) bool { return f.name == changes[i] })
		if at < 0 {
			panic(fmt.Sprintf("no field %s in %08X", changes[i], id))
		}
		fields[at].octets = changes[i+1]
	}
	var all []string
	for _, f := range fields {
		all = append(all, f.octets)
	}
	return pdu(id, all...)
}

func submit(changes ...string) []byte {
	return request(submitSM, slices.Concat([]field{serviceType}, source, destination, anyText), changes)
}

func multi(changes ...string) []byte {
	dests := []field{{"number_of_dests", "\x01"}, {"dest_addresses", "\x01\x01\x0131612345678\x00"}}
	return request(submitMulti, slices.Concat([]field{serviceType}, source, dests, anyText), changes)
}

func data(changes ...string) []byte {
	rest := []field{{"esm_class", nul}, {"registered_delivery", nul}, {"data_coding", nul}, {"tlvs", "\x04\x24\x00\x05Hello"}}
	return request(dataSM, slices.Concat([]field{serviceType}, source, destination, rest), changes)
}

// lastID stands for the message_id that was answered last.
const lastID = "########"

var messageID = field{"message_id", lastID + nul}

func query(changes ...string) []byte {
	return request(querySM, append([]field{messageID}, source...), changes)
}

func cancel(changes ...string) []byte {
	return request(cancelSM, slices.Concat([]field{serviceType, messageID}, source, destination), changes)
}

func replace(changes ...string) []byte {
	rest := []field{{"schedule_delivery_time", nul}, {"validity_period", nul}, {"registered_delivery", nul},
		{"sm_default_msg_id", nul}, {"sm_length", "\x05"}, {"short_message", "Other"}}
	return request(replaceSM, slices.Concat([]field{messageID}, source, rest), changes)
}

// bindPDU takes system_id and password without their NUL when they are given as such.
func bindPDU(id uint32, changes ...string) []byte {
	fields := []field{{"system_id", "acme\x00"}, {"password", "secret\x00"}, {"system_type", nul}, {"interface_version", "\x34"},
		{"addr_ton", nul}, {"addr_npi", nul}, {"address_range", nul}}
	changes = slices.Clone(changes)
	for i := 1; i < len(changes); i += 2 {
		if changes[i-1] != "interface_version" && !strings.HasSuffix(changes[i], nul) {
			changes[i] += nul
		}
	}
	return request(id, fields, changes)
}
