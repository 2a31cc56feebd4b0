//go:build interop

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smstools is Debian's smsd: a spool of files.
type smstools struct {
	t    *testing.T
	dir  string
	next int
}

// smstoolsConf is for a modem that shows status reports as they come.
const smstoolsConf = `
devices = GSM1
outgoing = DIR/outgoing
checked = DIR/checked
incoming = DIR/incoming
failed = DIR/failed
sent = DIR/sent
report = DIR/report
logfile = DIR/smsd-tells.log
infofile = DIR/smsd.working
pidfile = DIR/smsd.pid
loglevel = 5
delaytime = 0
delaytime_mainprocess = 0
errorsleeptime = 1
blocktime = 1
receive_before_send = no
autosplit = 3
internal_combine = yes
incoming_utf8 = yes
executable_check = no

[GSM1]
device = MODEM
incoming = yes
report = yes
init = AT+CPMS="SM","SM","SM"
init2 = AT+CSMS=1;+CNMI=2,0,0,1,0
using_routed_status_report = yes
routed_status_report_cnma = yes
decode_unicode_text = yes
baudrate = 115200
rtscts = no
`

// bringSmstools gives smsd a modem.
func bringSmstools(t *testing.T) *atAir {
	t.Helper()
	smsd := debianProgram(t, "smsd")
	bank := atBank(t, nil)
	s := &smstools{t: t, dir: t.TempDir()}
	for _, spool := range []string{"outgoing", "checked", "incoming", "failed", "sent", "report"} {
		if err := os.Mkdir(filepath.Join(s.dir, spool), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(s.dir, "smsd.conf")
	text := strings.NewReplacer("DIR", s.dir, "MODEM", bank.Paths()[0]).Replace(smstoolsConf)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { showEnd(t, filepath.Join(s.dir, "smsd-tells.log")) })
	runProgram(t, s.dir, smsd, "-t", "-c", conf)
	return &atAir{t: t, bank: bank, p: s}
}

// submit writes a file beside the spool, and moves it there whole.
func (s *smstools) submit(to, text string) {
	s.t.Helper()
	s.next++
	name := fmt.Sprintf("m%03d", s.next)
	file := "To: " + strings.TrimPrefix(to, "+") + "\nAlphabet: UTF-8\n\n" + text
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(file), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(s.dir, "outgoing", name)); err != nil {
		s.t.Fatal(err)
	}
}

// spooled are the headers and texts of the files in a spool.
func (s *smstools) spooled(spool string) (all [][2]string) {
	files, _ := filepath.Glob(filepath.Join(s.dir, spool, "*"))
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			continue // moved meanwhile
		}
		head, text, _ := strings.Cut(string(raw), "\n\n")
		all = append(all, [2]string{head + "\n", text})
	}
	return all
}

func (s *smstools) texts(from string) (all []string) {
	for _, m := range s.spooled("incoming") {
		if strings.Contains(m[0], "From: "+strings.TrimPrefix(from, "+")+"\n") {
			all = append(all, m[1])
		}
	}
	return all
}

func (s *smstools) delivered(to string) (n int) {
	for _, m := range s.spooled("report") {
		if strings.Contains(m[0], "From: "+strings.TrimPrefix(to, "+")+"\n") && strings.Contains(m[1], "Status: 0,Ok") {
			n++
		}
	}
	return n
}

// smsd cannot write beyond the basic plane: a text ends there. It puts the two
// septets of a euro sign into two segments. Its alphabet is Latin-9, where
// ¤ is a euro sign.
func TestInterop_Smstools_SendsEveryText(t *testing.T) {
	bringSmstools(t).sends(wrongs{
		"emoji":               {text: "hi "},
		"emoji at the border": {text: strings.Repeat("ж", 66)},
		"euro at the border":  {warning: "ends with ESC"},
		"GSM":                 {text: strings.ReplaceAll(atTexts()["GSM"], "¤", "€")},
	})
}

// smsd cannot read what is beyond U+7FFF: a segment ends there, or has the
// octets as they are when it begins so. The ¤ is a euro sign here too.
func TestInterop_Smstools_HearsEveryText(t *testing.T) {
	bringSmstools(t).hears(wrongs{
		"emoji":               {text: "hi "},
		"emoji at the border": {text: strings.Repeat("ж", 66) + "\xd8=\xde"},
		"Chinese of 70":       {text: "关系的精神相对待人人生"},
		"GSM":                 {text: strings.ReplaceAll(atTexts()["GSM"], "¤", "€")},
	})
}
