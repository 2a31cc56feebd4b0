//go:build interop

package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"gsmgate/modem/modemsim"
)

// gammu is Debian's gammu-smsd: folders of files.
type gammu struct {
	t         *testing.T
	dir, conf string
}

const gammuConf = `
[gammu]
device = MODEM
connection = at115200
synchronizetime = no

[smsd]
service = files
logfile = DIR/gammu-smsd-tells.log
debuglevel = 1
inboxpath = DIR/inbox/
outboxpath = DIR/outbox/
sentsmspath = DIR/sent/
errorsmspath = DIR/error/
inboxformat = unicode
transmitformat = auto
outboxformat = detail
deliveryreport = log
commtimeout = 1
sendtimeout = 30
receivefrequency = 0
statusfrequency = 0
loopsleep = 1
checksecurity = 0
checkbattery = 0
checksignal = 0
checknetwork = 0
`

// bringGammu gives gammu-smsd a modem that shows status reports and does not
// store them: of stored ones gammu reads only that they are there.
func bringGammu(t *testing.T) *atAir {
	t.Helper()
	smsd := debianProgram(t, "gammu-smsd")
	bank := atBank(t, func(_ int, m *modemsim.ModemConfig) { m.CNMIRanges[3] = "0,1" })
	g := &gammu{t: t, dir: t.TempDir()}
	for _, spool := range []string{"inbox", "outbox", "sent", "error"} {
		if err := os.Mkdir(filepath.Join(g.dir, spool), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	g.conf = filepath.Join(g.dir, "smsdrc")
	text := strings.NewReplacer("DIR", g.dir, "MODEM", bank.Paths()[0]).Replace(gammuConf)
	if err := os.WriteFile(g.conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { showEnd(t, filepath.Join(g.dir, "gammu-smsd-tells.log")) })
	runProgram(t, g.dir, smsd, "-c", g.conf)
	return &atAir{t: t, bank: bank, p: g}
}

func (g *gammu) submit(to, text string) {
	g.t.Helper()
	args := []string{"-c", g.conf, "TEXT", to, "-autolen", "1000"}
	if strings.ContainsFunc(text, func(r rune) bool { return gsmSize(r) == 0 }) {
		args = append(args, "-unicode")
	}
	out, err := exec.Command(debianProgram(g.t, "gammu-smsd-inject"), append(args, "-textutf8", text)...).CombinedOutput()
	if err != nil {
		g.t.Fatalf("gammu-smsd-inject: %v\n%s", err, out)
	}
}

// texts reads the files of the inbox: IN<date>_<time>_<serial>_<number>_<part>.txt,
// in UTF-16. Those of one message have one serial. What is behind a NUL was in
// gammu's memory, and is none of the text.
func (g *gammu) texts(from string) (all []string) {
	files, _ := filepath.Glob(filepath.Join(g.dir, "inbox", "IN*_"+from+"_*.txt"))
	slices.Sort(files)
	last := ""
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			g.t.Error(err)
			continue
		}
		message := f[:strings.LastIndex(f, "_")]
		if message != last {
			all = append(all, "")
		}
		last = message
		text, _, _ := strings.Cut(utf16Text(raw), "\x00")
		all[len(all)-1] += text
	}
	return all
}

// utf16Text reads a file that begins with a byte order mark.
func utf16Text(raw []byte) string {
	order := binary.ByteOrder(binary.BigEndian)
	if len(raw) >= 2 && raw[0] == 0xFF && raw[1] == 0xFE {
		order = binary.LittleEndian
	}
	var units []uint16
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, order.Uint16(raw[i:]))
	}
	return strings.TrimPrefix(string(utf16.Decode(units)), "\ufeff")
}

func (g *gammu) delivered(to string) int {
	raw, _ := os.ReadFile(filepath.Join(g.dir, "gammu-smsd-tells.log"))
	return strings.Count(string(raw), fmt.Sprintf("Delivery report: Delivered to %s", to))
}

func TestInterop_Gammu_SendsEveryText(t *testing.T) { bringGammu(t).sends(nil) }

func TestInterop_Gammu_HearsEveryText(t *testing.T) { bringGammu(t).hears(nil) }
