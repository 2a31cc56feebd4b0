package profile

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestFind_AnswersOfKnownModels_TheirRow(t *testing.T) {
	t.Parallel()
	table := Builtin()
	for _, c := range []struct{ maker, model, firmware, want string }{
		{"huawei", "E173", "11.126.85.00.209", "Huawei E-series"},
		{"ZTE CORPORATION", "MF190", "BD_P673A2V1.0.0B09", "ZTE"},
		{"SIMCOM_Ltd", "SIMCOM_SIM800L", "", "SIMCom 800/900"},
		{"", "SIMCOM_SIM900", "", "SIMCom 800/900"},
		{"SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "", "SIMCom 7000 and later"},
		{"INCORPORATED", "A7670E-FASE", "", "SIMCom 7000 and later"},
		{"Quectel_Ltd", "Quectel_M95", "M95FAR02A08", "Quectel M"},
		{" FOXCOM MODEM", "Quectel_M26", "", "Quectel M"},
		{"Quectel", "EC25", "", "Quectel UC/EC"},
		{"Sierra Wireless, Incorporated", "MC7304", "", "Sierra"},
		{"WAVECOM MODEM", "MULTIBAND 900E 1800", "", "Wavecom"},
		{"SIEMENS", "MC35i", "", "Siemens"},
		{"Cinterion", "BGS2-W", "", "Cinterion"},
		{"Telit", "HE910", "", "Telit"},
		{"u-blox", "SARA-U270", "", "u-blox"},
		{"gsmgate", "SIM-1", "1.0", "plain"},
		{"", "", "", "plain"},
	} {
		if got := table.Find(c.maker, c.model, c.firmware).Name; got != c.want {
			t.Errorf("%s %s: %s, want %s", c.maker, c.model, got, c.want)
		}
	}
}

func TestBuiltin_EachRow_HasEvidenceAndWhatTheDriverNeeds(t *testing.T) {
	t.Parallel()
	for _, r := range Builtin().Rows() {
		if r.Evidence == "" || len(r.ICCID) == 0 || len(r.Reset) == 0 || len(r.Radio) != 2 || r.Boot <= 0 || r.USSD == "" {
			t.Errorf("%+v", r)
		}
	}
}

func TestWith_OwnRows_GoFirstAndTakeTheRestFromTheirLike(t *testing.T) {
	t.Parallel()
	table, err := Builtin().With("own.json", []byte(`[
		{"name": "stick of the shop", "like": "Huawei E-series", "model": ["e3531"], "firmware": ["22."], "cnmi_avoid": ["2,2"], "phase2": false},
		{"name": "ZTE", "manufacturer": ["zte"], "init": [], "boot": "1m"},
		{"name": "plain", "ussd": "ucs2-hex"}]`))
	if err != nil {
		t.Fatal(err)
	}
	own := table.Find("huawei", "E3531", "22.521")
	if own.Name != "stick of the shop" || !own.Avoids("2,2,0,1,0") || own.Avoids("2,1,0,1,0") || own.Phase2 || !own.CMMS || own.USSD != USSDPackedHex ||
		own.Tries == nil || own.Tries.PIN != 3 {
		t.Errorf("own: %+v", own)
	}
	if r := table.Find("huawei", "E3531", "21.0"); r.Name != "Huawei E-series" {
		t.Errorf("other firmware: %s", r.Name)
	}
	if r := table.Find("ZTE", "MF180", ""); len(r.Init) != 0 || time.Duration(r.Boot) != time.Minute || r.Tries != nil {
		t.Errorf("replaced: %+v", r)
	}
	if r := table.Find("nobody", "", ""); r.Name != Plain || r.USSD != USSDUCS2 || len(r.ICCID) != 4 {
		t.Errorf("plain: %+v", r)
	}
	n := 0
	for _, r := range table.Rows() {
		if r.Name == "ZTE" || r.Name == Plain {
			n++
		}
	}
	if n != 2 || len(Builtin().Rows()) != len(table.Rows())-1 {
		t.Errorf("%d rows, %d of the replaced", len(table.Rows()), n)
	}
}

func TestMarshal_ReadAgain_TheSameTable(t *testing.T) {
	t.Parallel()
	table, err := Builtin().With("own.json", []byte(`[{"name": "a", "model": ["x"], "reset": [], "radio": [], "pin_tries": null, "iccid": []}]`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(table, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	again, err := Builtin().With("again.json", text)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again.Rows(), table.Rows()) {
		t.Errorf("got %+v\nwant %+v", again.Rows(), table.Rows())
	}
}

// Each file of testdata/wrong has one mistake; its first line, put before the list by the test, is the error.
func TestWith_WrongFiles_FileLineRowAndFieldNamed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wrong/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, text, _ := strings.Cut(string(raw), "\n")
		_, err = Builtin().With("own.json", []byte(text))
		var e *Error
		if !errors.As(err, &e) || err.Error() != want {
			t.Errorf("%s: got  %v\nwant %s", file, err, want)
		}
	}
}

func FuzzWith(f *testing.F) {
	f.Add([]byte(`[{"name": "a", "model": ["x"], "like": "plain", "cnmi": ["2,1,0,1,0"]}, {"name": "plain"}]`))
	f.Add(builtin)
	files, _ := filepath.Glob("testdata/wrong/*.txt")
	for _, file := range files {
		if raw, err := os.ReadFile(file); err == nil {
			f.Add(raw[strings.Index(string(raw), "\n")+1:])
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		table, err := Builtin().With("f", text)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Line > 1+strings.Count(string(text), "\n") {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := json.Marshal(table)
		if err == nil {
			var other *Table
			other, err = Builtin().With("g", again)
			if err == nil && !reflect.DeepEqual(other.Rows(), table.Rows()) {
				t.Fatalf("read again: %+v\nbefore: %+v", other.Rows(), table.Rows())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}
