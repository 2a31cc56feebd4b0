package pdu

import (
	"bytes"
	"errors"
	"testing"
)

func TestLine_StoredSCA(t *testing.T) {
	line, n, err := Line(Address{}, []byte{0x01, 0xAB, 0xFF})
	if line != "0001ABFF" || n != 3 || err != nil {
		t.Errorf("got %s, %d, %v", line, n, err)
	}
}

func TestLine_SCACountsOctetsAndNotInTheLength(t *testing.T) {
	for sca, want := range map[string]string{
		"+19037029920": "07919130079229F0AA", "9037029920": "06810973209902AA", "12345678901234567890": "0B8121436587092143658709AA",
	} {
		line, n, err := Line(NewAddress(sca), []byte{0xAA})
		if line != want || n != 1 || err != nil {
			t.Errorf("%s: got %s, %d, %v", sca, line, n, err)
		}
		got, tpdu, err := ParseLine(line)
		if got != NewAddress(sca) || !bytes.Equal(tpdu, []byte{0xAA}) || err != nil {
			t.Errorf("%s: back came %+v, %x, %v", sca, got, tpdu, err)
		}
	}
}

func TestParseLine_CaseAndBlanks(t *testing.T) {
	sca, tpdu, err := ParseLine("  07919130079229f0aA\r\n")
	if sca.String() != "+19037029920" || !bytes.Equal(tpdu, []byte{0xAA}) || err != nil {
		t.Errorf("got %+v, %x, %v", sca, tpdu, err)
	}
}

func TestParseLine_SCAOfTypeOnly(t *testing.T) {
	sca, tpdu, err := ParseLine("0191AA")
	if sca != (Address{TON: 1, NPI: 1}) || len(tpdu) != 1 || err != nil {
		t.Errorf("got %+v, %x, %v", sca, tpdu, err)
	}
}

func TestParseLine_Refused(t *testing.T) {
	for in, want := range map[string]error{
		"": ErrTruncated, "  ": ErrTruncated, "0": ErrHex, "0x": ErrHex, "00 01": ErrHex, "\"00\"": ErrHex,
		"0791": ErrTruncated, "FF": ErrLength, "0C0000000000000000000000000000": ErrLength, "0391F1F200": ErrDigit,
	} {
		if _, _, err := ParseLine(in); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", in, err, want)
		}
	}
}
