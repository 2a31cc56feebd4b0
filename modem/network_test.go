package modem

import (
	"strings"
	"testing"
	"time"
)

func TestRegistration_CellAndAccess_FromAnswersAndURCs(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG?"] = `+CREG: 2,1,"00c3","001a2b00",2`
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, Ready); info.Cell != (Cell{"00C3", "001A2B00", "UTRAN"}) || info.Registration != "home" {
			t.Errorf("%+v", info)
		}
		for urc, want := range map[string]Cell{
			`+CREG: 1,"00C4","FFFE",0`:  {"00C4", "FFFE", "GSM"},
			`+CREG: 1,"00C5","0001"`:    {"00C5", "0001", ""},
			"+CREG: 1, C6, 3E9":         {"C6", "3E9", ""},
			`+CREG: 5,"00C7","0002",99`: {"00C7", "0002", ""},
		} {
			k.say(urc)
			until(t, time.Second, urc, func() bool { return b.Modems()[0].Cell == want })
			if roams := strings.HasPrefix(urc, "+CREG: 5"); b.Modems()[0].Roaming != roams {
				t.Errorf("%s: roaming %v", urc, b.Modems()[0].Roaming)
			}
		}
		k.say(`+CREG: 1,"no","cell"`) // the state counts, the cell stays
		time.Sleep(time.Second)
		if info := b.Modems()[0]; info.State != Ready || info.Cell == (Cell{}) {
			t.Errorf("%+v", info)
		}
	}, k)
}

// Until its memories are read nothing else is said to a modem, which may take minutes.
func TestRegistration_NotAskedYet_WhatIsWaitedForIsSaid(t *testing.T) {
	k, reason := newStick(), make(chan string, 1)
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		k.set(func() {
			k.hook = func(c string) (string, bool) {
				if c == "AT+CREG?" && len(reason) == 0 {
					reason <- b.Modems()[0].Reason
				}
				return "", false
			}
		})
		untilState(t, b, 0, Ready)
		if said := <-reason; !strings.Contains(said, "in its memories") {
			t.Errorf("said %q", said)
		}
	}, k)
}

func TestRegistration_StateInQuotes_Ready(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG?"] = `+CREG: 2,"1","00C3","1A2B"`
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, Ready); info.Cell != (Cell{"00C3", "1A2B", ""}) {
			t.Errorf("%+v", info)
		}
	}, k)
}

// An answer in a form that is not known counts as a URC, and must not bring the same question again and again.
func TestRegistration_AnswerThatLooksLikeAURC_AskedAtItsPace(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG?"] = "+CREG: 2"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Searching)
		before := k.count("AT+CREG?")
		time.Sleep(time.Minute)
		if n := k.count("AT+CREG?") - before; n > 31 {
			t.Errorf("asked %d times in a minute", n)
		}
	}, k)
}

func TestRegistration_LTEAlone_ReadyWithItsCell(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG?"], k.answers["AT+CEREG?"] = "+CREG: 2,0", `+CEREG: 2,5,"1A2B","0123ABCD",7`
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		info := untilState(t, b, 0, Ready)
		if info.Cell != (Cell{"1A2B", "0123ABCD", "E-UTRAN"}) || !info.Roaming || info.Registration != "roaming" {
			t.Errorf("%+v", info)
		}
	}, k)
}

func TestRegistration_ModeTwoUnknown_ModeOne(t *testing.T) {
	k := newStick()
	k.answers["AT+CREG=2"] = "ERROR"
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if untilState(t, b, 0, Ready); k.count("AT+CREG=1") != 1 || k.count("AT+CEREG=1") != 0 {
			t.Errorf("heard %q", k.heard)
		}
	}, k)
}

func TestRegistration_WordsOfEachState(t *testing.T) {
	for state, want := range map[string][3]string{
		"0": {"off", "does not search", ""}, "2": {"searching", "searching for a network", ""}, "3": {"denied", "denies registration", "SIM is active"},
		"4": {"unknown", "state 4", ""}, "8": {"emergency", "emergency calls only", ""},
	} {
		k := newStick()
		k.answers["AT+CREG?"] = "+CREG: 2," + state
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			info := untilState(t, b, 0, Searching)
			if info.Registration != want[0] || !strings.Contains(info.Reason, want[1]) || !strings.Contains(info.Hint, want[2]) {
				t.Errorf("state %s: %q, %q, %q", state, info.Registration, info.Reason, info.Hint)
			}
		}, k)
	}
}

func TestRegistration_DeniedForLong_TheModemIsNotRestarted(t *testing.T) {
	for state, restarted := range map[string]bool{"2": true, "3": false} {
		k := newStick()
		k.answers["AT+CREG?"] = "+CREG: 2," + state
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			time.Sleep(6 * time.Hour)
			radios, restarts := k.count("AT+CFUN=4"), k.count("AT+CFUN=1,1")
			if radios < 2 || radios > 20 || (restarts > 0) != restarted || restarts > 10 {
				t.Errorf("state %s: the radio was turned off %d times, the modem restarted %d times", state, radios, restarts)
			}
			if i := b.Modems()[0]; i.ResetCounts[ResetRadio] != uint64(radios) || i.ResetCounts[ResetUSB] != 0 || len(i.Resets) == 0 {
				t.Errorf("%+v", i.Resets)
			}
		}, k)
	}
}

func TestSignal_ByCESQ_WhereItIsKnown(t *testing.T) {
	for answer, want := range map[string]int{
		"+CESQ: 99,99,255,255,20,80": -61, "+CESQ: 99,99,50,30,255,255": -71, "+CESQ: 40,0,255,255,255,255": -71,
		"+CESQ: 99,99,255,255,255,255": -71, "ERROR": -71, "+CESQ: x": -71, // those of AT+CSQ: 21
	} {
		k := newStick()
		k.answers["AT+CESQ"] = answer
		bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
			if info := untilState(t, b, 0, Ready); info.SignalDBM != want || info.Signal != 21 {
				t.Errorf("%s: %d dBm, want %d", answer, info.SignalDBM, want)
			}
			time.Sleep(5 * time.Minute)
			if n := k.count("AT+CESQ"); answer == "ERROR" && n != 1 {
				t.Errorf("asked %d times", n)
			}
		}, k)
	}
}

func TestOperator_NumberAndName(t *testing.T) {
	k := newStick()
	k.hook = func(c string) (string, bool) {
		switch c {
		case "AT+COPS=3,2":
			k.answers["AT+COPS?"] = `+COPS: 0,2,"20408",2`
		case "AT+COPS=3,0":
			k.answers["AT+COPS?"] = `+COPS: 0,0,"KPN",2`
		}
		return "", false
	}
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		if info := untilState(t, b, 0, Ready); info.Operator != "KPN" || info.PLMN != "20408" {
			t.Errorf("%q, %q", info.Operator, info.PLMN)
		}
	}, k)
}

// It guards the fixed dialling list; messages go without.
func TestSIM_SaysThatItsPIN2IsAskedFor_GoesOn(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.say("+CPIN: SIM PIN2", "+CPIN: READY", "+CPIN: SIM PUK2")
		time.Sleep(time.Minute)
		if k.openings() != 1 {
			t.Errorf("opened %d times", k.openings())
		}
		k.say("+CPIN: NOT READY")
		until(t, time.Minute, "opened anew", func() bool { return k.openings() == 2 })
	}, k)
}

// Some modems say nothing when the card is changed, and are registered again before anybody looks.
func TestSIM_SwappedUnheard_SeenWithinMinutes(t *testing.T) {
	k := newStick()
	bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
		untilState(t, b, 0, Ready)
		k.set(func() { k.answers["AT+CCID"] = "+CCID: 8931084600000000002" })
		until(t, 6*time.Minute, "the other SIM", func() bool {
			return b.Modems()[0].SIM.ICCID == "8931084600000000002" && b.Modems()[0].State == Ready
		})
	}, k)
}

func TestSIM_SwappedWithPower_TheOtherLane(t *testing.T) {
	for name, tell := range map[string]func(k *stick){
		"told by Huawei":   func(k *stick) { k.say("^SIMST: 255,0") },
		"told by Quectel":  func(k *stick) { k.say("+QSIMSTAT: 1,0") },
		"told by Telit":    func(k *stick) { k.say("#QSS: 0") },
		"told by SIMCom":   func(k *stick) { k.say("+CPIN: NOT INSERTED") },
		"by its network":   func(k *stick) { k.say("+CREG: 0") },
		"not while it was": nil,
	} {
		t.Run(name, func(t *testing.T) {
			k := newStick()
			bankOf(t, Config{}, func(t *testing.T, b *Bank, h *memory) {
				untilState(t, b, 0, Ready)
				if m := <-h.modem; m.Info().SIM.ICCID != itsICCID {
					t.Fatal(m.Info().SIM)
				}
				if tell == nil {
					k.say("^SIMST: 1", "#QSS: 3", "+QSIMSTAT: 1,1") // it is there
					time.Sleep(time.Minute)
					if k.openings() != 1 {
						t.Errorf("opened %d times", k.openings())
					}
					return
				}
				k.set(func() {
					k.answers["AT+CCID"], k.answers["AT+CIMI"] = "+CCID: 8931084600000000002", "204080000000002"
					k.answers["AT+CREG?"] = "+CREG: 2,0"
				})
				tell(k)
				time.Sleep(time.Second)
				k.set(func() { k.answers["AT+CREG?"] = "+CREG: 2,1" })
				m := <-h.modem
				if got := m.Info().SIM; got.ICCID != "8931084600000000002" || got.IMSI != "204080000000002" {
					t.Errorf("the lane is of %+v", got)
				}
			}, k)
		})
	}
}
