package at

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func none(*fake, string) string { return "" }

func TestDo_AnswerAndResult_Returned(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case "AT+CSQ":
			return "\r\n+CSQ: 20,99\r\n\r\nOK\r\n"
		case "AT+CPIN?":
			return "\r\n+CME ERROR: 10\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+CSQ", Accept: Prefix("+CSQ:")})
		if err != nil || a.First() != "+CSQ: 20,99" {
			t.Errorf("got %q, %v", a.First(), err)
		}
		_, err = r.Do(t.Context(), Command{Text: "AT+CPIN?", Accept: Prefix("+CPIN:")})
		if !IsCME(err, 10) {
			t.Errorf("got %v, want +CME ERROR: 10", err)
		}
	})
}

func TestDo_URCsInsideAnswer_NotTaken(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch c {
		case "AT+CIMI":
			return "\r\n+CREG: 1\r\n\r\nRING\r\n\r\n204046000000001\r\n\r\n+CMTI: \"SM\",3\r\n\r\nOK\r\n"
		case "AT+CREG?":
			return "\r\n+CREG: 1,\"00C3\",\"1234\"\r\n\r\n+CREG: 2\r\n\r\n+CREG: 2,5,\"00C3\",\"1234\"\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+CIMI", Accept: Digits(6, 15)})
		if err != nil || a.First() != "204046000000001" || len(a.Records) != 1 {
			t.Errorf("CIMI: %v, %v", a, err)
		}
		a, err = r.Do(t.Context(), Command{Text: "AT+CREG?", Accept: RegistrationAnswer("+CREG")})
		if err != nil || len(a.Records) != 1 || Fields(Params(a.First()))[1] != "5" {
			t.Errorf("CREG: %v, %v", a, err)
		}
		want := []string{"+CREG 1", "RING ", "+CMTI \"SM\",3", "+CREG 1,\"00C3\",\"1234\"", "+CREG 2"}
		if got := r.drainURCs(); !slices.Equal(got, want) {
			t.Errorf("URCs %q, want %q", got, want)
		}
	})
}

func TestDo_CROnlyLinesAndEcho_Understood(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		switch {
		case c == "<esc>":
			return ""
		case c == "AT+CGMI":
			return "AT+CGMI\rACME modems\r\rOK\r"
		case basics(c) != "":
			return c + "\r" + strings.ReplaceAll(basics(c), "\r\n", "\r")
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+CGMI", Accept: Words()})
		if err != nil || a.First() != "ACME modems" || len(a.Records) != 1 {
			t.Errorf("got %v, %v", a, err)
		}
	})
}

func TestDo_MessageURCInsideList_BothKept(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+CMGL=4" {
			return "\r\n+CMGL: 1,1,,4\r\n\r\n+CMT: ,3\r\n+CREG: 5\r\n00AABB\r\n00112233\r\n+CMGL: 2,1,,4\r\n00445566\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+CMGL=4", Accept: Prefix("+CMGL:"), Body: true})
		if err != nil || len(a.Records) != 2 || a.Records[0].PDU != "00112233" || a.Records[1].PDU != "00445566" {
			t.Errorf("got %v, %v", a, err)
		}
		want := []string{"+CREG 5", "+CMT ,3/00AABB"}
		if got := r.drainURCs(); !slices.Equal(got, want) {
			t.Errorf("URCs %q, want %q", got, want)
		}
	})
}

// In text mode a report is one line: the next is somebody else's.                                                  [27.005 3.4.1]
func TestURC_ReportInTextMode_IsOneLine(t *testing.T) {
	const report = `6,17,"+31612345678",145,"26/01/02,03:04:05+08","26/01/02,03:04:09+08",0`
	talk(t, Options{Command: 3 * time.Second}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			return "\r\n+CDS: " + report + "\r\n\r\n+COPS: 0,0,\"KPN\"\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+COPS?", Accept: Prefix("+COPS:")})
		if err != nil || a.First() != "+COPS: 0,0,\"KPN\"" {
			t.Errorf("got %v, %v", a, err)
		}
		if got := r.drainURCs(); !slices.Equal(got, []string{"+CDS " + report}) {
			t.Errorf("URCs %q", got)
		}
	})
}

func TestURC_TextModeMessageSayingOK_IsNoResult(t *testing.T) {
	talk(t, Options{Command: 3 * time.Second}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			return "\r\n+CMT: \"+31612345678\",,\"26/01/01,12:00:00+04\"\r\nOK\r\n\r\n+COPS: 0,0,\"KPN\"\r\n\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+COPS?", Accept: Prefix("+COPS:")})
		if err != nil || a.First() != "+COPS: 0,0,\"KPN\"" {
			t.Errorf("got %v, %v", a, err)
		}
	})
}

func TestURC_HeaderWithoutPDU_GivenUp(t *testing.T) {
	talk(t, Options{}, none, func(t *testing.T, r *rig) {
		r.fake.say("+CMT: ,24\r\n" + strings.Repeat("RING\r\n", maxBetween+1) + "+CMTI: \"SM\",1\r\n")
		got := r.drainURCs()
		if len(got) != maxBetween+2 || r.Counts().Broken != 1 {
			t.Errorf("URCs %q, broken %d", got, r.Counts().Broken)
		}
	})
}

func TestDo_FloodOfURCs_DeadlineStands(t *testing.T) {
	talk(t, Options{Command: 3 * time.Second}, func(f *fake, c string) string {
		if c == "AT+CNUM" {
			go func() {
				for range 100 {
					f.say("\r\n^BOOT:20952548,0,0,0,77\r\n+CREG: 2\r\n")
					time.Sleep(200 * time.Millisecond)
				}
			}()
			return silent
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if err := r.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		from := time.Now()
		_, err := r.Do(t.Context(), Command{Text: "AT+CNUM", Accept: Prefix("+CNUM:")})
		if took := time.Since(from); !errors.Is(err, ErrTimeout) || took != 3*time.Second {
			t.Errorf("got %v after %v, want a time-out after 3s", err, took)
		}
		time.Sleep(30 * time.Second)
	})
}

func TestDo_AnswerAfterTimeout_NotTakenForNext(t *testing.T) {
	for name, late := range map[string]string{"OK": "\r\nOK\r\n", "ERROR": "\r\nERROR\r\n", "line": "\r\n+COPS: 0,0,\"late\"\r\n\r\nOK\r\n"} {
		for _, delay := range []time.Duration{3010 * time.Millisecond, 3500 * time.Millisecond, 6 * time.Second} {
			t.Run(name+" after "+delay.String(), func(t *testing.T) {
				busy := 0 * time.Second
				asked := 0
				talk(t, Options{Command: 3 * time.Second}, func(f *fake, c string) string {
					if c != "AT+COPS?" {
						return ""
					}
					asked++
					if asked == 1 {
						busy = delay
						time.Sleep(delay) // the modem works commands off in order
						return late
					}
					return "\r\n+COPS: 0,0,\"new\"\r\n\r\nOK\r\n"
				}, func(t *testing.T, r *rig) {
					ask := Command{Text: "AT+COPS?", Accept: Prefix("+COPS:")}
					if _, err := r.Do(t.Context(), ask); !errors.Is(err, ErrTimeout) {
						t.Fatalf("got %v, want a time-out", err)
					}
					a, err := r.Do(t.Context(), ask)
					if err != nil || a.First() != "+COPS: 0,0,\"new\"" {
						t.Errorf("after a modem busy for %v: got %v, %v", busy, a, err)
					}
				})
			})
		}
	}
}

func TestSync_HungModem_GivesPortUp(t *testing.T) {
	talk(t, Options{}, none, func(t *testing.T, r *rig) {
		if err := r.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		r.fake.deaf = true
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); !errors.Is(err, ErrTimeout) {
			t.Errorf("got %v, want a time-out", err)
		}
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); !errors.Is(err, ErrHung) {
			t.Errorf("got %v, want hung", err)
		}
		if err := <-r.end; !errors.Is(err, ErrHung) {
			t.Errorf("Run ended with %v, want hung", err)
		}
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); err == nil {
			t.Error("a command went through a dead engine")
		}
	})
}

func TestSync_ModemThatKnowsNoQuery_Found(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if strings.HasPrefix(c, "AT+") {
			return "\r\nERROR\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if err := r.Sync(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestRun_PortEnds_CommandFails(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			f.conn.Close()
		}
		return ""
	}, func(t *testing.T, r *rig) {
		_, err := r.Do(t.Context(), Command{Text: "AT+COPS?"})
		if !errors.Is(err, ErrClosed) || !errors.Is(err, io.EOF) {
			t.Errorf("got %v, want closed by EOF", err)
		}
	})
}

func TestWrite_Stuck_PortGivenUp(t *testing.T) {
	talk(t, Options{}, none, func(t *testing.T, r *rig) {
		if err := r.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
		hold := make(chan struct{})
		r.fake.script = func(*fake, string) string { <-hold; return "" }
		_, _ = r.Do(t.Context(), Command{Text: "AT", Wait: time.Second})
		from := time.Now()
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want closed", err)
		}
		if took := time.Since(from); took > 20*time.Second {
			t.Errorf("took %v", took)
		}
		close(hold)
	})
}

func TestDo_Urgent_GoesFirst(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			time.Sleep(time.Second)
			return "\r\nOK\r\n"
		}
		if c == "AT+CNMA" || c == "AT+CSQ" {
			return "\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		done := make(chan error, 3)
		for i, c := range []Command{{Text: "AT+COPS?"}, {Text: "AT+CSQ"}, {Text: "AT+CNMA", Urgent: true}} {
			go func() {
				_, err := r.Do(t.Context(), c)
				done <- err
			}()
			if i < 2 {
				time.Sleep(300 * time.Millisecond)
			}
		}
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		heard := r.fake.heard
		if got := heard[len(heard)-3:]; !slices.Equal(got, []string{"AT+COPS?", "AT+CNMA", "AT+CSQ"}) {
			t.Errorf("the modem heard %q", got)
		}
	})
}

func TestDo_CancelledWhileWaiting_TurnGoesOn(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			time.Sleep(time.Second)
			return "\r\nOK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		go func() { _, _ = r.Do(t.Context(), Command{Text: "AT+COPS?"}) }()
		time.Sleep(500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := r.Do(ctx, Command{Text: "AT+CSQ"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := r.Do(t.Context(), Command{Text: "AT"}); err != nil {
			t.Error(err)
		}
		if r.count("AT+CSQ") != 0 {
			t.Error("a cancelled command was sent")
		}
	})
}

func TestRestart_DuringCommand_Told(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+COPS?" {
			return "\r\nRDY\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		if _, err := r.Do(t.Context(), Command{Text: "AT+COPS?"}); !errors.Is(err, ErrRestarted) {
			t.Errorf("got %v, want restarted", err)
		}
		if got := r.drainURCs(); !slices.Equal(got, []string{"RDY "}) {
			t.Errorf("URCs %q", got)
		}
	})
}

func TestLines_GarbageAndOverlong_Survived(t *testing.T) {
	talk(t, Options{}, func(f *fake, c string) string {
		if c == "AT+CSQ" {
			return "\x00\xff\xfe\r\n" + strings.Repeat("x", 3*maxLine) + "\r\n\xff+CSQ:20,99\r\n\x00OK\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		a, err := r.Do(t.Context(), Command{Text: "AT+CSQ", Accept: Prefix("+CSQ:")})
		if err != nil || a.First() != "+CSQ:20,99" {
			t.Errorf("got %v, %v", a, err)
		}
		if c := r.Counts(); c.Overlong != 1 {
			t.Errorf("counts %+v", c)
		}
	})
}

func TestURCs_NobodyTakesThem_MessagesLast(t *testing.T) {
	talk(t, Options{Queue: 8}, none, func(t *testing.T, r *rig) {
		r.fake.say(strings.Repeat("+CREG: 2\r\n", 20) + "+CMTI: \"SM\",1\r\n+CMTI: \"SM\",2\r\n")
		got := r.drainURCs()
		if len(got) != 8 || got[6] != "+CMTI \"SM\",1" || got[7] != "+CMTI \"SM\",2" || r.Counts().Dropped != 14 {
			t.Errorf("URCs %q, counts %+v", got, r.Counts())
		}
	})
}

func TestTurnTrace_PIN_NotLogged(t *testing.T) {
	var log strings.Builder
	opt := Options{Log: newTraceLog(&log)}
	talk(t, opt, func(f *fake, c string) string {
		if strings.HasPrefix(c, "AT+CPIN=") {
			return c + "\r\r\n+CME ERROR: 16\r\n"
		}
		return ""
	}, func(t *testing.T, r *rig) {
		_, err := r.Do(t.Context(), Command{Text: `AT+CPIN="7391"`})
		if !IsCME(err, 16) || strings.Contains(err.Error(), "7391") {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
	})
	if strings.Contains(log.String(), "7391") || !strings.Contains(log.String(), "AT+CPIN=***") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestSync_ModemWorksOffProbesOfAnEarlierSession_AnswersNotTakenForOurs(t *testing.T) {
	var waiting chan string // made in the bubble
	talk(t, Options{}, func(f *fake, c string) string {
		waiting <- c
		return silent
	}, func(t *testing.T, r *rig) {
		waiting = make(chan string, 64)
		for range 2 { // it hung while two sessions asked in vain
			waiting <- "ATE0Q0V1"
			for _, p := range probes() {
				waiting <- p.command
			}
		}
		go func() {
			for c := range waiting {
				time.Sleep(100 * time.Millisecond)
				switch {
				case c == "AT+CIMI":
					r.fake.say("\r\n204080000000001\r\n\r\nOK\r\n")
				case c != "<esc>":
					r.fake.say(basics(c))
				}
			}
		}()
		a, err := r.Do(t.Context(), Command{Text: "AT+CIMI", Accept: Digits(6, 15)})
		if err != nil || a.First() != "204080000000001" {
			t.Errorf("got %+v, %v", a, err)
		}
		synctest.Wait()
		close(waiting)
	})
}
