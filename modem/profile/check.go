package profile

import (
	"errors"
	"regexp"
	"strings"
)

// isPart checks a part of an answer: they are looked for in lower case.
func isPart(s string) error {
	if s == "" || s != strings.ToLower(s) || len(s) > maxText || !isShown(s) {
		return errors.New("a part of the answer in lower case has its place here")
	}
	return nil
}

// isCommand checks a command that the gateway may give by itself: none that takes a PIN, that locks or that sends.
func isCommand(s string) error {
	if !strings.HasPrefix(s, "AT") || len(s) > maxText || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' }) {
		return errors.New("a command begins with AT and has no control characters")
	}
	upper := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	for _, no := range []string{"+CPIN=", "+CPIN2=", "+CLCK=", "+CPWD=", "+CMGS", "+CMSS", "+CMGD", "+CMGC", "+CUSD", "ATD", "A/"} {
		if strings.Contains(upper, no) {
			return errors.New("a profile may not give a PIN, lock, dial, send or delete")
		}
	}
	return nil
}

// isName checks the name of a line, "^RSSI:".
func isName(s string) error {
	if len(s) < 2 || len(s) > 32 || strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return errors.New(`the name of a line, such as "^RSSI:", has its place here`)
	}
	return nil
}

func isMemory(s string) error {
	if s != "SM" && s != "ME" {
		return errors.New("SM or ME has its place here")
	}
	return nil
}

func isForm(s string) error {
	if ok, _ := regexp.MatchString(`^[0-3](,[0-3]){4}$`, s); !ok {
		return errors.New("the five numbers of AT+CNMI have their place here, such as 2,1,0,1,0")
	}
	return nil
}

func isFormStart(s string) error {
	if ok, _ := regexp.MatchString(`^[0-3](,[0-3]){0,4}$`, s); !ok {
		return errors.New("the first numbers of AT+CNMI have their place here, such as 2,2")
	}
	return nil
}
