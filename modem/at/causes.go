package at

// cause is a row of the tables of errors: never written to.
type cause struct {
	code  uint16
	class Class
	text  string
}

func findCode(table []cause, code int) (cause, bool) {
	for _, c := range table {
		if int(c.code) == code {
			return c, true
		}
	}
	return cause{}, false
}

// How the rows are classed. A network says "unidentified subscriber" of the recipient as often as of the sender, and "transfer rejected"
// when a filter dislikes the text, or the credit is used up: such a code blames nobody until it is seen who else gets it. Only what
// speaks of the TPDU itself blames the message, only what speaks of the modem or its subscription blames the modem.

// cmsCauses are the codes of +CMS ERROR: RP causes to 127 [24.011 8.2.5.4, E.2], TP failure causes to 255 [23.040 9.2.3.22], and those of
// the modem from 300 [27.005 3.2.5].
var cmsCauses = [...]cause{
	{1, ClassAmbiguous, "unassigned number"}, // the recipient's; of the service centre when CSCA is wrong
	{8, ClassModem, "operator determined barring"},
	{10, ClassModem, "call barred"},
	{11, ClassBusy, "reserved"}, // as 41 [24.011 8.2.5.4]
	{17, ClassBusy, "network failure"},
	{21, ClassAmbiguous, "short message transfer rejected"}, // a filter, or no credit
	{22, ClassBusy, "congestion"},
	{27, ClassAmbiguous, "destination out of service"},
	{28, ClassAmbiguous, "unidentified subscriber"},
	{29, ClassAmbiguous, "facility rejected"},
	{30, ClassAmbiguous, "unknown subscriber"},
	{38, ClassBusy, "network out of order"},
	{41, ClassBusy, "temporary failure"},
	{42, ClassBusy, "congestion"},
	{47, ClassBusy, "resources unavailable, unspecified"},
	{50, ClassModem, "requested facility not subscribed"},
	{69, ClassModem, "requested facility not implemented"},
	{81, ClassBusy, "invalid short message transfer reference value"}, // of RP: another try has another
	{95, ClassAmbiguous, "invalid message, unspecified"},              // 95 to 99 speak of the RP message: a wrong CSCA gives them to all
	{96, ClassAmbiguous, "invalid mandatory information"},
	{97, ClassAmbiguous, "message type non-existent or not implemented"},
	{98, ClassBusy, "message not compatible with short message protocol state"},
	{99, ClassAmbiguous, "information element non-existent or not implemented"},
	{111, ClassBusy, "protocol error, unspecified"},
	{127, ClassBusy, "interworking, unspecified"},

	{128, ClassMessage, "telematic interworking not supported"},
	{129, ClassMessage, "short message type 0 not supported"},
	{130, ClassMessage, "cannot replace short message"},
	{143, ClassMessage, "unspecified TP-PID error"},
	{144, ClassMessage, "data coding scheme (alphabet) not supported"},
	{145, ClassMessage, "message class not supported"},
	{159, ClassMessage, "unspecified TP-DCS error"},
	{160, ClassMessage, "command cannot be actioned"},
	{161, ClassMessage, "command unsupported"},
	{175, ClassMessage, "unspecified TP-command error"},
	{176, ClassMessage, "TPDU not supported"},
	{192, ClassBusy, "SC busy"},
	{193, ClassModem, "no SC subscription"},
	{194, ClassModem, "SC system failure"}, // another SIM may have another service centre
	{195, ClassMessage, "invalid SME address"},
	{196, ClassMessage, "destination SME barred"},
	{197, ClassUnknown, "SM rejected-duplicate SM"}, // the service centre has one like it: it may be this one
	{198, ClassMessage, "TP-VPF not supported"},
	{199, ClassMessage, "TP-VP not supported"},
	{208, ClassModem, "(U)SIM SMS storage full"},
	{209, ClassModem, "no SMS storage capability in (U)SIM"},
	{210, ClassBusy, "error in MS"},
	{211, ClassModem, "memory capacity exceeded"},
	{212, ClassBusy, "(U)SIM application toolkit busy"},
	{213, ClassBusy, "(U)SIM data download error"},
	{255, ClassAmbiguous, "unspecified error cause"},

	{300, ClassAmbiguous, "ME failure"}, // many modems say this of whatever the network refused
	{301, ClassBusy, "SMS service of ME reserved"},
	{302, ClassBusy, "operation not allowed"},
	{303, ClassAmbiguous, "operation not supported"}, // this form of message, or any
	{304, ClassMessage, "invalid PDU mode parameter"},
	{305, ClassMessage, "invalid text mode parameter"},
	{310, ClassModem, "(U)SIM not inserted"},
	{311, ClassModem, "(U)SIM PIN required"},
	{312, ClassModem, "PH-(U)SIM PIN required"},
	{313, ClassModem, "(U)SIM failure"},
	{314, ClassBusy, "(U)SIM busy"},
	{315, ClassModem, "(U)SIM wrong"},
	{316, ClassModem, "(U)SIM PUK required"},
	{317, ClassModem, "(U)SIM PIN2 required"},
	{318, ClassModem, "(U)SIM PUK2 required"},
	{320, ClassModem, "memory failure"},
	{321, ClassAmbiguous, "invalid memory index"}, // of what was never asked for
	{322, ClassModem, "memory full"},              // some send nothing until a sweep has made room
	{330, ClassModem, "SMSC address unknown"},
	{331, ClassModem, "no network service"},
	{332, ClassUnknown, "network timeout"}, // the service centre did not acknowledge in time, and may have the message [24.011 6.2.2]
	{340, ClassBusy, "no +CNMA acknowledgement expected"},
	{500, ClassAmbiguous, "unknown error"},
}

// cmeCauses are the codes of +CME ERROR that a bank meets.                                                        [27.007 9.2.1, 9.2.2]
var cmeCauses = [...]cause{
	{0, ClassAmbiguous, "phone failure"},
	{1, ClassModem, "no connection to phone"},
	{2, ClassBusy, "phone-adaptor link reserved"},
	{3, ClassBusy, "operation not allowed"},
	{4, ClassAmbiguous, "operation not supported"},
	{5, ClassModem, "PH-SIM PIN required"},
	{6, ClassModem, "PH-FSIM PIN required"},
	{7, ClassModem, "PH-FSIM PUK required"},
	{10, ClassModem, "SIM not inserted"},
	{11, ClassModem, "SIM PIN required"},
	{12, ClassModem, "SIM PUK required"},
	{13, ClassModem, "SIM failure"},
	{14, ClassBusy, "SIM busy"},
	{15, ClassModem, "SIM wrong"},
	{16, ClassModem, "incorrect password"},
	{17, ClassModem, "SIM PIN2 required"},
	{18, ClassModem, "SIM PUK2 required"},
	{20, ClassModem, "memory full"},
	{21, ClassAmbiguous, "invalid index"},
	{22, ClassAmbiguous, "not found"},
	{23, ClassModem, "memory failure"},
	{24, ClassMessage, "text string too long"},
	{25, ClassMessage, "invalid characters in text string"},
	{26, ClassMessage, "dial string too long"},
	{27, ClassMessage, "invalid characters in dial string"},
	{30, ClassModem, "no network service"},
	{31, ClassUnknown, "network timeout"}, // as +CMS ERROR: 332
	{32, ClassModem, "network not allowed - emergency calls only"},
	{40, ClassModem, "network personalization PIN required"},
	{41, ClassModem, "network personalization PUK required"},
	{42, ClassModem, "network subset personalization PIN required"},
	{43, ClassModem, "network subset personalization PUK required"},
	{44, ClassModem, "service provider personalization PIN required"},
	{45, ClassModem, "service provider personalization PUK required"},
	{46, ClassModem, "corporate personalization PIN required"},
	{47, ClassModem, "corporate personalization PUK required"},
	{48, ClassModem, "hidden key required"},
	{49, ClassAmbiguous, "EAP method not supported"},
	{50, ClassMessage, "incorrect parameters"},
	{51, ClassModem, "command implemented but currently disabled"},
	{52, ClassBusy, "command aborted by user"},
	{53, ClassModem, "not attached to network due to MT functionality restrictions"},
	{54, ClassModem, "modem not allowed - MT restricted to emergency calls only"},
	{55, ClassModem, "operation not allowed because of MT functionality restrictions"},
	{56, ClassAmbiguous, "fixed dial number only allowed - called number is not a fixed dial number"}, // a SIM without FDN may
	{57, ClassBusy, "temporarily out of service due to other MT usage"},
	{58, ClassAmbiguous, "language/alphabet not supported"},
	{59, ClassAmbiguous, "unexpected data value"},
	{60, ClassBusy, "system failure"},
	{61, ClassAmbiguous, "data missing"},
	{62, ClassModem, "call barred"},
	{63, ClassAmbiguous, "message waiting indication subscription failure"},
	{100, ClassAmbiguous, "unknown"},
	{103, ClassModem, "illegal MS"},
	{106, ClassModem, "illegal ME"},
	{107, ClassModem, "GPRS services not allowed"},
	{111, ClassModem, "PLMN not allowed"},
	{112, ClassModem, "location area not allowed"},
	{113, ClassModem, "roaming not allowed in this location area"},
	{132, ClassModem, "service option not supported"},
	{133, ClassModem, "requested service option not subscribed"},
	{134, ClassBusy, "service option temporarily out of order"},
	{148, ClassBusy, "unspecified GPRS error"},
	{149, ClassModem, "PDP authentication failure"},
	{150, ClassModem, "invalid mobile class"},
}

// unlisted classes a code that the tables do not have.
func unlisted(result Result, code int) Class {
	if result == ResultCMS && code >= 0 && code < 128 {
		return ClassBusy // as 41, temporary failure [24.011 8.2.5.4]
	}
	return ClassAmbiguous // reserved, or the maker's own: 512 and on mean something else for each of them
}

// Cause is a row of the published table of errors.
type Cause struct {
	Result Result
	Code   int
	Class  Class
	Text   string
}

// Causes gives all codes that have a meaning of their own: those of +CMS ERROR, then those of +CME ERROR.
func Causes() []Cause {
	var all []Cause
	for _, c := range cmsCauses {
		all = append(all, Cause{ResultCMS, int(c.code), c.class, c.text})
	}
	for _, c := range cmeCauses {
		all = append(all, Cause{ResultCME, int(c.code), c.class, c.text})
	}
	return all
}
