package router

import (
	"fmt"
	"slices"
	"strings"

	"gsmgate/storage"
)

// addressList says which addresses a user may send from, or to. Its texts are
// address ranges or names, which may end in a *; one behind a ! is forbidden,
// whatever else holds it. Without one that is allowed all others are.
type addressList struct {
	allowed, forbidden []addressPattern
}

// addressPattern is an address range, or a name.
type addressPattern struct {
	addressRange
	name   string // in lower case; "": a range
	prefix bool   // of a name
}

const patternHint = "use a number +31612345678, a prefix +3169*, a range +31699000000-+31699999999 or a name; ! before it forbids it"

// mostPatterns bounds a list: it is gone through for each message.
const mostPatterns = 200

// parseAddresses reads a list; field is what an error names.
func parseAddresses(field string, texts []string) (l addressList, err error) {
	if len(texts) > mostPatterns {
		return l, invalid(field, fmt.Sprintf("%d addresses are too many", len(texts)), fmt.Sprintf("use %d at most", mostPatterns))
	}
	for _, text := range texts {
		rest, forbidden := strings.CutPrefix(text, "!")
		p, ok := parsePattern(rest)
		switch {
		case !ok:
			return l, invalid(field, fmt.Sprintf("%.40q is no address", text), patternHint)
		case forbidden:
			l.forbidden = append(l.forbidden, p)
		default:
			l.allowed = append(l.allowed, p)
		}
	}
	return l, nil
}

func parsePattern(text string) (addressPattern, bool) {
	if r, err := parseRange(text); err == nil {
		return addressPattern{addressRange: r}, true
	}
	name, prefix := strings.CutSuffix(text, "*")
	bad := func(r rune) bool { return r < ' ' || r > '~' || r == '*' }
	letter := func(r rune) bool { return r < '0' || r > '9' }
	if len(name) == 0 || len(name) > 20 || strings.ContainsFunc(name, bad) || name[0] == '+' || !strings.ContainsFunc(name, letter) {
		return addressPattern{}, false
	}
	return addressPattern{name: strings.ToLower(name), prefix: prefix}, true
}

func (p *addressPattern) matches(addr, digits string) bool {
	switch {
	case p.name == "":
		return digits != "" && p.holds(digits)
	case p.prefix:
		return len(addr) >= len(p.name) && strings.EqualFold(addr[:len(p.name)], p.name)
	}
	return strings.EqualFold(addr, p.name)
}

// allows says whether the address may be used.
func (l *addressList) allows(a storage.Address) bool {
	digits := plainDigits(a.Addr)
	matches := func(p addressPattern) bool { return p.matches(a.Addr, digits) }
	if slices.ContainsFunc(l.forbidden, matches) {
		return false
	}
	return len(l.allowed) == 0 || slices.ContainsFunc(l.allowed, matches)
}

// rules are what the users may do, ready to be asked for each message. They are
// immutable: a change of users makes new ones.
type rules map[string]*userRules

type userRules struct {
	sources, destinations addressList
	fallback, forced      *storage.Address // source addresses
}

func newRules(users []storage.User) rules {
	all := rules{}
	for i := range users {
		u := &users[i]
		if len(u.Sources)+len(u.Destinations) == 0 && u.DefaultSource+u.ForcedSource == "" {
			continue
		}
		// Refused when the user was stored, if they cannot be read.
		sources, _ := parseAddresses("sources", u.Sources)
		destinations, _ := parseAddresses("destinations", u.Destinations)
		all[u.SystemID] = &userRules{sources, destinations, addressOrNone(u.DefaultSource), addressOrNone(u.ForcedSource)}
	}
	return all
}

func addressOrNone(s string) *storage.Address {
	if s == "" {
		return nil
	}
	a := addressOf(s)
	return &a
}

// check refuses addresses that the user of m may not use, and sets the source
// that goes out when it is another than the client's. The client's stays in the
// message: it is what receipts go to, and what the client knows the message by.
func (all rules) check(m *storage.Message) error {
	r := all[m.User]
	if r == nil {
		return nil
	}
	if !r.destinations.allows(m.Dest) {
		return invalid("dest", fmt.Sprintf("user %s may not send to this destination", m.User), "gsmgate user show NAME lists its destinations")
	}
	m.SentAs = nil
	switch {
	case r.forced != nil:
		return sendAs(m, *r.forced)
	case m.Source.Addr == "" && r.fallback != nil:
		return sendAs(m, *r.fallback)
	}
	if !r.sources.allows(m.Source) {
		return invalid("source", fmt.Sprintf("user %s may not send from this source address", m.User), "gsmgate user show NAME lists its sources")
	}
	return nil
}

func sendAs(m *storage.Message, a storage.Address) error {
	m.SentAs = &a
	return nil
}

// checkAddresses refuses lists and sources that no user may have.
func checkAddresses(u *storage.User) error {
	if _, err := parseAddresses("sources", u.Sources); err != nil {
		return err
	}
	if _, err := parseAddresses("destinations", u.Destinations); err != nil {
		return err
	}
	for field, s := range map[string]string{"default_source": u.DefaultSource, "forced_source": u.ForcedSource} {
		if p, ok := parsePattern(s); s != "" && (!ok || p.prefix || p.addressRange.prefix || p.lo != p.hi) {
			return invalid(field, fmt.Sprintf("%.40q is no source address", s), "use a number, a short code or a name, at most 20 printable ASCII characters")
		}
	}
	return nil
}
