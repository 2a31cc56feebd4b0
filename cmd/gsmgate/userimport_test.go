package main

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// Whatever the file, it is read or refused, and each user has its line.
func FuzzParseUsers(f *testing.F) {
	f.Add("SystemID,Password\na,b\n\nc,\"d\ne\"\n")
	f.Add("\ufeffsystem_id;password_sha1;Credits;address ranges\na;DC21;1.5;+31* +32*\n")
	f.Add("Name,Address Range(s),enabled,cert_names\na,,maybe,x;y\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := parseUsers("f", strings.NewReader(text))
		if (err == nil) == (len(rows) == 0) {
			t.Fatalf("%d users and %v", len(rows), err)
		}
		lines, last := strings.Count(text, "\n")+strings.Count(text, "\r")+1, 1
		for _, r := range rows {
			if r.line <= last || r.line > lines {
				t.Fatalf("line %d after %d, of %d", r.line, last, lines)
			}
			last = r.line
		}
	})
}

func TestParseUsers_EveryColumn(t *testing.T) {
	rows, err := parseUsers("f", strings.NewReader(`SystemID,Password,Credits,Enabled,Address Range(s),Alphabet,Long_Form,cert auth,MaxSessions,window,rate,keep_count,KeepHours,allowed_from,cert_names,receipt_form,refund
acme,"se cret ",1.5,no,+3161* +3162*,latin1,udh,none,1,2,3,4,5,10.0.0.1 10.0.0.2;10.0.0.3,Acme Ltd; a.example,text,parts
`))
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	u := rows[0].user
	if u.Name != "acme" || u.Password != "se cret " || *u.Millicredits != 1500 || *u.Enabled || len(u.AddressRanges) != 2 {
		t.Errorf("%+v", u)
	}
	if *u.Alphabet != "latin1" || *u.LongForm != "udh" || *u.CertAuth != "" || *u.MaxSessions != 1 || *u.Window != 2 || *u.Rate != 3 || *u.KeepCount != 4 || *u.KeepHours != 5 || *u.ReceiptForm != "text" || *u.Refund != "parts" {
		t.Errorf("%+v", u.UserSettings)
	}
	if strings.Join(*u.AllowedFrom, "|") != "10.0.0.1|10.0.0.2|10.0.0.3" || strings.Join(*u.CertNames, "|") != "Acme Ltd|a.example" {
		t.Errorf("%q %q", *u.AllowedFrom, *u.CertNames)
	}
}

// The table of another system as its database exports it: tabs, NULL for nothing.
func TestParseUsers_TabsAndNULL_AsExported(t *testing.T) {
	rows, err := parseUsers("f", strings.NewReader("SystemID\tPasswordHash\tCredits\tAddressRange\r\n"+
		"Test1\tDC215545BA63D605FBCD647A9555270F566D918B\t100\tNULL\r\n"+
		"Test2\tDC215545BA63D605FBCD647A9555270F566D918B\t\t+31688776655\r\n"))
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	if one := rows[0].user; one.Name != "Test1" || *one.Millicredits != 100_000 || len(one.AddressRanges) != 0 {
		t.Errorf("%+v", one)
	}
	if two := rows[1].user; two.Name != "Test2" || two.Millicredits != nil || strings.Join(two.AddressRanges, "|") != "+31688776655" {
		t.Errorf("%+v", two)
	}
}

// Databases on Windows export UTF-16 with a mark at its beginning.
func TestParseUsers_UTF16(t *testing.T) {
	text := "SystemID,PasswordHash,Credits\r\nTest1,DC215545BA63D605FBCD647A9555270F566D918B,100\r\n"
	for name, write := range map[string]func([]byte, uint16) []byte{"little endian": binary.LittleEndian.AppendUint16, "big endian": binary.BigEndian.AppendUint16} {
		raw := write(nil, 0xFEFF)
		for _, c := range text {
			raw = write(raw, uint16(c))
		}
		rows, err := parseUsers("export.csv", bytes.NewReader(raw))
		if err != nil || len(rows) != 1 || rows[0].user.Name != "Test1" {
			t.Errorf("%s: %v, %v", name, rows, err)
		}
	}
}
