package smppchan

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"gsmgate/smppd/smpp"
	"gsmgate/storage"
)

// maxReach is how many instructions the expression of an address_range may
// become: with repetitions, 40 octets can stand for a great many.
const maxReach = 1000

// reach is the address_range of a bind, compiled: it narrows what a session
// gets. nil is everything.
type reach = *regexp.Regexp

// reachOf reads an address_range, a UNIX regular expression over the
// destination address [SMPP34 5.2.7, Appendix A]. It is searched for anywhere in
// the address unless it says ^ and $. None, and the * that many clients send, is
// everything; a + at the start is the + of a number.
func reachOf(addressRange string) (reach, error) {
	if addressRange == "" || addressRange == "*" {
		return nil, nil
	}
	if rest, ok := strings.CutPrefix(addressRange, "^+"); ok {
		addressRange = `^\+` + rest
	} else if strings.HasPrefix(addressRange, "+") {
		addressRange = `\` + addressRange
	}
	re, err := regexp.CompilePOSIX(addressRange)
	if err != nil {
		re, err = regexp.Compile(addressRange) // what later tools read, such as \d
	}
	if err != nil {
		return nil, refuse(smpp.StatusBindFail, "address_range", "no regular expression")
	}
	if size(addressRange) > maxReach {
		return nil, refuse(smpp.StatusBindFail, "address_range", "the expression stands for too much")
	}
	return re, nil
}

func size(expression string) int {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(prog.Inst)
}

// checkReach refuses a bind whose address_range cannot be read. That of a
// transmitter means nothing.
func checkReach(b *smpp.Bind) error {
	if b.ID == smpp.IDBindTransmitter {
		return nil
	}
	_, err := reachOf(b.AddressRange)
	return err
}

// within says whether the address is in the range as it is, without its + or
// with one.
func within(r reach, a storage.Address) bool {
	if r == nil || r.MatchString(a.Addr) {
		return true
	}
	digits, plus := strings.CutPrefix(a.Addr, "+")
	switch {
	case plus:
		return r.MatchString(digits)
	case digits == "" || strings.Trim(digits, "0123456789") != "":
		return false
	}
	return r.MatchString("+" + digits)
}
