package at

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func newTraceLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: LevelTrace}))
}

const (
	aPDU  = "0011000B911316325476F80000AA0AE8329BFD4697D9EC37"
	aSize = 23
	cmgs  = "AT+CMGS=23"
	aSent = aPDU + "<ctrl-z>"
)

func TestSendPDU_Prompts_AllForms(t *testing.T) {
	for name, prompt := range map[string]string{"standard": "\r\n> ", "no space": "\r\n>", "CR only": "\r> ", "echoed": cmgs + "\r\r\n> ",
		"after a URC": "\r\n+CMTI: \"SM\",1\r\n\r\n> ", "after a message": "\r\n+CMT: ,3\r\n00AABB\r\n\r\n> "} {
		t.Run(name, func(t *testing.T) {
			talk(t, Options{}, func(f *fake, c string) string {
				switch c {
				case cmgs:
					return prompt
				case aSent:
					return "\r\n+CREG: 1\r\n\r\n+CMGS: 17\r\n\r\n+CDS: 2\r\n00AABB\r\n\r\nOK\r\n"
				}
				return ""
			}, func(t *testing.T, r *rig) {
				for range 3 {
					if mr, err := r.SendPDU(t.Context(), aSize, aPDU); err != nil || mr != 17 {
						t.Errorf("got %d, %v", mr, err)
					}
				}
			})
		})
	}
}

// sendErr runs one failing SendPDU and returns the error.
func sendErr(t *testing.T, r *rig) *SendError {
	t.Helper()
	_, err := r.SendPDU(t.Context(), aSize, aPDU)
	var se *SendError
	if !errors.As(err, &se) {
		t.Fatalf("got %v, want a SendError", err)
	}
	return se
}

func TestSendPDU_ErrorInsteadOfPrompt_Refused(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == cmgs {
			return "\r\n+CMS ERROR: 304\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if se := sendErr(t, r); se.Submitted || se.Unknown() || !IsCMS(se, 304) {
			t.Errorf("got %+v", se)
		}
	})
}

func TestSendPDU_LostPrompt_EscapedAndRefused(t *testing.T) {
	lost := 1
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			if lost--; lost >= 0 {
				f.inPDU = true // it waits for the PDU, and did not say so
				return silent
			}
			return "\r\n> "
		case aSent:
			return "\r\n+CMGS: 18\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if se := sendErr(t, r); se.Submitted || !errors.Is(se, ErrNoPrompt) {
			t.Errorf("got %+v", se)
		}
		if mr, err := r.SendPDU(t.Context(), aSize, aPDU); err != nil || mr != 18 {
			t.Errorf("the next got %d, %v", mr, err)
		}
		if n := r.count(aSent); n != 1 {
			t.Errorf("the modem got the PDU %d times", n)
		}
	})
}

func TestSendPDU_NetworkRefuses_NotUnknown(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			return "\r\n> "
		case aSent:
			return "\r\n+CMS ERROR: 38\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if se := sendErr(t, r); !se.Submitted || se.Unknown() || !IsCMS(se, 38) {
			t.Errorf("got %+v", se)
		}
	})
}

func TestSendPDU_NoAnswerEver_Unknown(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			return "\r\n> "
		case aSent:
			return silent
		}
		return ""
	}, func(t *testing.T, r *rig) {
		from := time.Now()
		if se := sendErr(t, r); !se.Unknown() || !errors.Is(se, ErrTimeout) {
			t.Errorf("got %+v", se)
		}
		if took := time.Since(from); took < time.Minute || took > 75*time.Second {
			t.Errorf("took %v", took)
		}
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); err != nil {
			t.Errorf("the engine lost step: %v", err)
		}
	})
}

func TestSendPDU_AnswerJustTooLate_Found(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			return "\r\n> "
		case aSent:
			time.Sleep(62 * time.Second)
			return "\r\n+CMGS: 44\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if mr, err := r.SendPDU(t.Context(), aSize, aPDU); err != nil || mr != 44 {
			t.Errorf("got %d, %v", mr, err)
		}
	})
}

func TestSendPDU_OKLostAfterReference_Sent(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			return "\r\n> "
		case aSent:
			return "\r\n+CMGS: 45\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		from := time.Now()
		if mr, err := r.SendPDU(t.Context(), aSize, aPDU); err != nil || mr != 45 || time.Since(from) > 5*time.Second {
			t.Errorf("got %d, %v after %v", mr, err, time.Since(from))
		}
	})
}

// A modem that works in the background answers after the engine has found its step: the reference must not go to a later message.
func TestSendPDU_AnswerOutOfTurn_NotTakenForNext(t *testing.T) {
	next, sends := 10, 0
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			if sends == 6 {
				return "\r\n+CMGS: 13\r\n\r\nOK\r\n\r\n> " // the fourth, now
			}
			return "\r\n> "
		case aSent:
			sends++
			mr := next
			next++
			switch sends {
			case 4:
				return silent
			case 6:
				return fmt.Sprintf("\r\n+CMGS: 250\r\n\r\nOK\r\n\r\n+CMGS: %d\r\n\r\nOK\r\n", mr) // somebody else's
			}
			return fmt.Sprintf("\r\n+CMGS: %d\r\n\r\nOK\r\n", mr)
		}
		return ""
	}, func(t *testing.T, r *rig) {
		for i := range 8 {
			mr, err := r.SendPDU(t.Context(), aSize, aPDU)
			if i == 3 {
				if err == nil {
					t.Error("the fourth had no answer")
				}
				continue
			}
			want := uint8(10 + i)
			if err != nil || mr != want {
				t.Errorf("send %d: got %d, %v, want %d", i, mr, err, want)
			}
			if i == 4 { // its reference is out of the row too, but no later answer came: it must stand
				_, _ = r.Do(t.Context(), Command{Text: "AT"})
			}
		}
	})
}

// What modems say some seconds after their start means that the answer will not come; just after the port was opened it means nothing, and
// an answer that comes all the same is taken.
func TestSendPDU_StartWordsInsteadOfAnAnswer_NotWaitedForLong(t *testing.T) {
	for _, c := range []struct {
		says           string
		opened, answer time.Duration
		least, most    time.Duration
		sent           bool
	}{
		{"SMS Ready", time.Hour, time.Hour, 10 * time.Second, 16 * time.Second, false},
		{"+QIND: SMS DONE", time.Hour, time.Hour, 10 * time.Second, 16 * time.Second, false},
		{"^RSSI: 12", time.Hour, time.Hour, time.Minute, 63 * time.Second, false},
		{"Call Ready", time.Second, 40 * time.Second, 40 * time.Second, 41 * time.Second, true},
		{"Call Ready", time.Hour, 8 * time.Second, 8 * time.Second, 9 * time.Second, true},
	} {
		t.Run(fmt.Sprint(c.says, c.opened, c.answer), func(t *testing.T) {
			talk(t, Options{}, func(f *fake, heard string) string {
				switch heard {
				case cmgs:
					return "\r\n> "
				case aSent:
					time.AfterFunc(time.Second, func() { f.say("\r\n" + c.says + "\r\n") })
					time.AfterFunc(c.answer, func() { f.say("\r\n+CMGS: 7\r\n\r\nOK\r\n") })
					return silent
				}
				return ""
			}, func(t *testing.T, r *rig) {
				time.Sleep(c.opened)
				from := time.Now()
				mr, err := r.SendPDU(t.Context(), aSize, aPDU)
				if took := time.Since(from); (err == nil && mr == 7) != c.sent || took < c.least || took > c.most {
					t.Errorf("got %d, %v after %v", mr, err, took)
				}
			})
		})
	}
}

func TestSendPDU_RestartAfterPDU_Unknown(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case cmgs:
			return "\r\n> "
		case aSent:
			return "\r\nRDY\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if se := sendErr(t, r); !se.Unknown() || !errors.Is(se, ErrRestarted) {
			t.Errorf("got %+v", se)
		}
	})
}

func TestSendPDU_EchoThoughOff_NothingSent(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == cmgs {
			return cmgs + "\r\r\n> " // rebooted: text mode, echo
		}
		return ""
	}, func(t *testing.T, r *rig) {
		r.GuardEcho()
		if se := sendErr(t, r); se.Submitted || !errors.Is(se, ErrRestarted) {
			t.Errorf("got %+v", se)
		}
		if r.count(aSent) != 0 || r.fake.inPDU {
			t.Error("the PDU went out to a modem in text mode")
		}
	})
}

func TestSendPDU_CancelledAfterCtrlZ_AnswerWaitedFor(t *testing.T) {
	for wait, known := range map[time.Duration]bool{2 * time.Second: true, 20 * time.Second: false} {
		talk(t, Options{}, func(f *fake, c string) string {
			switch c {
			case cmgs:
				return "\r\n> "
			case aSent:
				time.Sleep(wait)
				return "\r\n+CMGS: 46\r\n\r\nOK\r\n"
			}
			return ""
		}, func(t *testing.T, r *rig) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			mr, err := r.SendPDU(ctx, aSize, aPDU)
			var se *SendError
			if known && (err != nil || mr != 46) || !known && (!errors.As(err, &se) || !se.Unknown()) {
				t.Errorf("answer after %v: got %d, %v", wait, mr, err)
			}
			time.Sleep(time.Minute)
		})
	}
}

func TestSendPDU_PortDies_BeforeRefusedAfterUnknown(t *testing.T) {
	for at, unknown := range map[string]bool{cmgs: false, aSent: true} {
		talk(t, Options{}, func(f *fake, c string) string {
			if c == at {
				f.conn.Close()
				return silent
			}
			if c == cmgs {
				return "\r\n> "
			}
			return ""
		}, func(t *testing.T, r *rig) {
			if se := sendErr(t, r); se.Unknown() != unknown || !errors.Is(se, ErrClosed) || strings.Count(se.Error(), ErrClosed.Error()) != 1 {
				t.Errorf("dead at %q: got %+v", at, se)
			}
		})
	}
}

func TestError_CodesAndWords_Classed(t *testing.T) {
	for line, want := range map[string]struct {
		class Class
		text  string
	}{
		"+CMS ERROR: 38":                   {ClassBusy, "AT+CMGS: +CMS ERROR: 38 (network out of order)"},
		"+CMS ERROR:304":                   {ClassMessage, "AT+CMGS: +CMS ERROR: 304 (invalid PDU mode parameter)"},
		"+CMS ERROR: network out of order": {ClassBusy, "AT+CMGS: +CMS ERROR: 38 (network out of order)"},
		"+CMS ERROR: 42":                   {ClassBusy, "AT+CMGS: +CMS ERROR: 42 (congestion)"},
		"+CMS ERROR: 999":                  {ClassAmbiguous, "AT+CMGS: +CMS ERROR: 999 (not in the standard)"},
		"+CME ERROR: 10":                   {ClassModem, "AT+CMGS: +CME ERROR: 10 (SIM not inserted)"},
		"+CME ERROR: SIM busy":             {ClassBusy, "AT+CMGS: +CME ERROR: 14 (SIM busy)"},
		"+CME ERROR: bogus":                {ClassAmbiguous, "AT+CMGS: +CME ERROR: bogus"},
		"COMMAND NOT SUPPORT":              {ClassAmbiguous, "AT+CMGS: COMMAND NOT SUPPORT"},
		"ERROR":                            {ClassAmbiguous, "AT+CMGS: ERROR"},
	} {
		err, is := final(line, "AT+CMGS", false)
		var e *Error
		if !is || !errors.As(err, &e) {
			t.Errorf("%q is no final result", line)
			continue
		}
		if strings.HasSuffix(line, "out of order") {
			e.Text = "network out of order"
		}
		if e.Class() != want.class || e.Error() != want.text {
			t.Errorf("%q: %s, %s", line, e.Class(), e)
		}
	}
	if _, is := final("NO CARRIER", "AT+CMGS", false); is {
		t.Error("a call's end ends AT+CMGS")
	}
	if err, is := final("NO CARRIER", "ATD", true); !is || err == nil {
		t.Error("NO CARRIER does not end ATD")
	}
}

func TestCauses_Ascending_NoCodeTwice(t *testing.T) {
	for _, table := range [][]cause{cmsCauses[:], cmeCauses[:]} {
		for i := 1; i < len(table); i++ {
			if table[i].code <= table[i-1].code {
				t.Errorf("%d after %d", table[i].code, table[i-1].code)
			}
		}
	}
}

func TestInRange_TestCommandForms(t *testing.T) {
	for _, c := range []struct {
		set string
		v   int
		in  bool
	}{{"(0-2)", 2, true}, {"(0,1,3)", 2, false}, {"(0,1,3)", 3, true}, {"2", 2, true}, {"(0-1,3)", 3, true}, {"()", 0, false}, {"", 0, false}} {
		if InRange(c.set, c.v) != c.in {
			t.Errorf("%d in %s: want %v", c.v, c.set, c.in)
		}
	}
}

func TestDigitsOf_NumbersAndNoise(t *testing.T) {
	for line, want := range map[string]string{"+CCID: \"89310410106543789301\"": "89310410106543789301", "8931041010654378930F": "8931041010654378930",
		"+CCID: 8931": "8931", "+CREG: 1": "", "OKAY": "", "": ""} {
		if got := DigitsOf(line, "+CCID:"); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
