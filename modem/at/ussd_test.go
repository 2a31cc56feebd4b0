package at

import (
	"context"
	"slices"
	"testing"
	"time"
)

func TestURC_USSDOfSeveralLines_OneText(t *testing.T) {
	for name, c := range map[string]struct{ said, want string }{
		"menu":              {"\r\n+CUSD: 1,\"Main\r\n1: Balance\r\n*: back\r\nOK\",15\r\n", "+CUSD 1,\"Main\n1: Balance\n*: back\nOK\",15"},
		"without dcs":       {"\r\n+CUSD: 0,\"a\r\nb\"\r\n", "+CUSD 0,\"a\nb\""},
		"one line":          {"\r\n+CUSD: 0,\"ends with a number 15\",15\r\n", `+CUSD 0,"ends with a number 15",15`},
		"quotes within":     {"\r\n+CUSD: 0,\"the \"Super\" bundle\",15\r\n", `+CUSD 0,"the "Super" bundle",15`},
		"no text":           {"\r\n+CUSD: 4\r\n", "+CUSD 4"},
		"septets":           {"\r\n+CUSD: 0,\"\x02 1\r\n\x04 2\",15\r\n", "+CUSD 0,\"\x02 1\n\x04 2\",15"},
		"the end got lost":  {"\r\n+CUSD: 0,\"cut off\r\n+CREG: 5\r\n", "+CUSD 0,\"cut off"},
		"the rest is later": {"\r\n+CUSD: 0,\"cut off\r\n", "+CUSD 0,\"cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			script := func(*fake, string) string { return "" }
			talk(t, Options{}, script, func(t *testing.T, r *rig) {
				r.fake.say(c.said)
				time.Sleep(3 * time.Second)
				if _, err := r.Do(context.Background(), Command{Text: "AT"}); err != nil {
					t.Error("the next command:", err)
				}
				if got := r.drainURCs(); len(got) == 0 || got[0] != c.want {
					t.Errorf("got %q", got)
				}
			})
		})
	}
}

func TestURC_USSDWithinAnAnswer_AnswerIsWhole(t *testing.T) {
	script := func(_ *fake, command string) string {
		if command == "AT+CSQ" {
			return "\r\n+CUSD: 0,\"a\r\nb\",15\r\n\r\n+CSQ: 21,99\r\n\r\nOK\r\n"
		}
		return ""
	}
	talk(t, Options{}, script, func(t *testing.T, r *rig) {
		a, err := r.Do(context.Background(), Command{Text: "AT+CSQ", Accept: Prefix("+CSQ:")})
		if err != nil || a.First() != "+CSQ: 21,99" {
			t.Errorf("%+v, %v", a, err)
		}
		if got := r.drainURCs(); !slices.Equal(got, []string{"+CUSD 0,\"a\nb\",15"}) {
			t.Errorf("got %q", got)
		}
	})
}
