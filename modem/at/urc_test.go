package at

import "testing"

func TestCardGone_ByMaker(t *testing.T) {
	t.Parallel()
	for line, gone := range map[string]bool{
		"^SIMST: 255,0": true, "^SIMST:0": true, "^SIMST: 1": false, "^SIMST: 3,1": false,
		"#QSS: 0": true, "#QSS: 2,0": true, "#QSS: 1": false, "#QSS: 2,3": false,
		"+QSIMSTAT: 1,0": true, "+QSIMSTAT: 1,1": false, "+CSMINS: 1,0": true, "+CSMINS: 1,1": false,
		"^SCKS: 0": true, "^SCKS: 1": false, "+UUSIMSTAT: 0": true, "+UUSIMSTAT: 6": false, "#QSS:": false,
	} {
		kind, name := kindOf(line)
		if u := (URC{Kind: kind, Name: name, Args: Params(line)}); kind != KindCard || u.CardGone() != gone {
			t.Errorf("%s: kind %d, gone %v", line, kind, u.CardGone())
		}
	}
}

func TestRegistrationAnswer_AnswersAndURCs_ToldApart(t *testing.T) {
	for line, want := range map[string]bool{
		"+CREG: 0,1": true, "+CREG:2, 5": true, `+CREG: 2,1,"00C3","1A2B",7`: true, "+CREG: 2,1,00C3,1A2B": true, "+creg: 1,10": true,
		`+CREG: 2,"1","00C3","1A2B"`: true, `+CREG: "2","1","00C3"`: true, `+CREG: 0,"2"`: true,
		"+CREG: 1": false, `+CREG: 1,"00C3","1A2B"`: false, "+CREG: 1,00C3,1A2B": false, `+CREG: 1,"5","1A2B"`: false, "+CREG: 5, C6, 3E9": false,
		"+CEREG: 0,1": false, `+CREG: 1,"`: false, "+CREG: 1,": false, "+CREG:": false,
	} {
		if got := RegistrationAnswer("+CREG")(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
