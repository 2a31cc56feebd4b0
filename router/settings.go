package router

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"

	"gsmgate/router/numbers"
	"gsmgate/storage"
)

// UserSettings are the habits and limits of a user, and who may bind as it.
// What is nil stays as it is: for a new user, the default.
type UserSettings struct {
	Alphabet    *string // of data_coding 0
	LongForm    *string // of long messages to the client
	ReceiptForm *string // what receipts to it hold: both, text, tlvs
	MaxSessions *int    // bound at once; 0: no limit
	Window      *int    // requests of one session without an answer; 0: the server's
	Rate        *int    // messages a second over all sessions; 0: no limit
	KeepCount   *int    // receipts and MO kept until the client takes them; 0: no limit
	KeepHours   *int    // for how long; 0: as long as they are valid
	AllowedFrom *[]string
	CertNames   *[]string
	CertAuth    *string
	PriceList   *string // what it pays; "": one credit a part
	Region      *string // of national numbers; "": the server's
	CreditLimit *int64  // millicredits that it may owe
	Refund      *string // of messages that do not arrive: whole, parts, unsent

	// Addresses of its messages, see addressList; no entries: any.
	Sources, Destinations       *[]string
	DefaultSource, ForcedSource *string

	// How its messages wait for their way.
	Weight       *int    // its share of a queue beside others; 0: 1
	AnyOrder     *bool   // those to one recipient may overtake each other
	QueueCount   *int    // messages that may wait; 0: no limit of its own
	QueueMinutes *int    // no more are taken while one has waited longer; 0: no limit of its own
	WhenFull     *string // what its client hears when no more are taken: queue-full, throttled

	Pool     *string // of its messages to handsets; "": the default one
	National *string // language of the tables that texts may use

	Callback       *string // URL that receipts and MO are posted to; "": none
	CallbackSecret *storage.Secret
	CallbackFor    *[]string // "mo", "receipts"; none: both
	CallbackWindow *int      // posts without an answer; 0: DefaultCallbackWindow
	Deliver        *string   // "smpp", "callback", "both"; "": by callback where there is one
}

// Bounds of the settings.
const (
	maxUserSessions = 10_000
	maxUserWindow   = 10_000
	maxUserRate     = 100_000
	maxKeepCount    = 10_000_000
	maxKeepHours    = 24 * 366
	maxWeight       = 1000
	maxQueueCount   = 10_000_000
	maxQueueMinutes = 60 * 24 * 366
	maxUserList     = 100 // entries of allowed_from, and of cert_names
	maxCertName     = 255
	maxCreditLimit  = 1_000_000_000 * storage.Credit
)

// words that a setting may have; the first is what "" means.
var (
	alphabets    = [...]string{"gsm", "latin1", "ascii", "gsm-packed"}
	longForms    = [...]string{"payload", "udh", "sar"}
	receiptForms = [...]string{"both", "text", "tlvs"}
	whenFulls    = [...]string{"queue-full", "throttled"}
	refunds      = [...]string{"whole", refundParts, refundUnsent}
	certAuths    = [...]string{"", "either", "both"}
	// nationals are in the order of their identifiers [23.038 6.2.1.2.4].
	nationals = [...]string{"", "turkish", "spanish", "portuguese", "bengali", "gujarati", "hindi", "kannada", "malayalam", "oriya", "punjabi", "tamil",
		"telugu", "urdu", anyNational}
)

const (
	anyNational   = "auto"
	anyNationalID = 255
)

// nationalID gives the identifier of a language, 0 for none.
func nationalID(name string) uint8 {
	if name == anyNational {
		return anyNationalID
	}
	return uint8(max(0, slices.Index(nationals[:], name)))
}

// apply writes what s names into u, in its canonical form.
func (s UserSettings) apply(u *storage.User) error {
	take(&u.Alphabet, s.Alphabet)
	take(&u.LongForm, s.LongForm)
	take(&u.ReceiptForm, s.ReceiptForm)
	take(&u.MaxSessions, s.MaxSessions)
	take(&u.Window, s.Window)
	take(&u.Rate, s.Rate)
	take(&u.KeepCount, s.KeepCount)
	take(&u.KeepHours, s.KeepHours)
	take(&u.CertAuth, s.CertAuth)
	take(&u.PriceList, s.PriceList)
	take(&u.Region, s.Region)
	take(&u.Sources, s.Sources)
	take(&u.Destinations, s.Destinations)
	take(&u.DefaultSource, s.DefaultSource)
	take(&u.ForcedSource, s.ForcedSource)
	if s.CreditLimit != nil {
		u.CreditLimit = storage.Millicredits(*s.CreditLimit)
	}
	take(&u.Refund, s.Refund)
	take(&u.Weight, s.Weight)
	take(&u.AnyOrder, s.AnyOrder)
	take(&u.QueueCount, s.QueueCount)
	take(&u.QueueMinutes, s.QueueMinutes)
	take(&u.WhenFull, s.WhenFull)
	take(&u.Pool, s.Pool)
	take(&u.National, s.National)
	if err := s.applyCallback(u); err != nil {
		return err
	}
	if s.AllowedFrom != nil {
		networks, err := networks(*s.AllowedFrom)
		if err != nil {
			return err
		}
		u.AllowedFrom = networks
	}
	if s.CertNames != nil {
		u.CertNames = slices.Compact(slices.Sorted(slices.Values(*s.CertNames)))
	}
	return checkSettings(u)
}

func take[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// checkSettings refuses what no user may have.
func checkSettings(u *storage.User) error {
	if err := checkWord("alphabet", u.Alphabet, alphabets[:]); err != nil {
		return err
	}
	if err := checkWord("long_form", u.LongForm, longForms[:]); err != nil {
		return err
	}
	if err := checkWord("receipt_form", u.ReceiptForm, receiptForms[:]); err != nil {
		return err
	}
	if err := checkWord("national", u.National, nationals[:]); err != nil {
		return err
	}
	for _, n := range []struct {
		field       string
		value, most int
	}{
		{"max_sessions", u.MaxSessions, maxUserSessions}, {"window", u.Window, maxUserWindow}, {"rate", u.Rate, maxUserRate},
		{"keep_count", u.KeepCount, maxKeepCount}, {"keep_hours", u.KeepHours, maxKeepHours},
		{"weight", u.Weight, maxWeight}, {"queue_count", u.QueueCount, maxQueueCount}, {"queue_minutes", u.QueueMinutes, maxQueueMinutes},
	} {
		if n.value < 0 || n.value > n.most {
			return invalid(n.field, fmt.Sprintf("%s %d is out of range", n.field, n.value), fmt.Sprintf("use 0 to %d; 0 is no limit of its own", n.most))
		}
	}
	if err := checkWord("when_full", u.WhenFull, whenFulls[:]); err != nil {
		return err
	}
	if err := checkWord("refund", u.Refund, refunds[:]); err != nil {
		return err
	}
	if u.CreditLimit < 0 || u.CreditLimit > maxCreditLimit {
		return invalid("credit_limit", "the credit limit is out of range", "use 0 to a billion credits; 0: it pays before it sends")
	}
	if u.Region != "" && !numbers.Known(u.Region) {
		return invalid("region", fmt.Sprintf("no region %.10q", u.Region), "use two capital letters, such as NL")
	}
	if err := checkAddresses(u); err != nil {
		return err
	}
	if err := checkPool(u.Pool); err != nil {
		return err
	}
	if err := checkCallback(u); err != nil {
		return err
	}
	return checkCert(u)
}

func checkWord(field, word string, words []string) error {
	if word == "" || slices.Contains(words, word) {
		return nil
	}
	return invalid(field, fmt.Sprintf("no %s %q", field, word), "use "+strings.TrimSpace(strings.Join(words, " ")))
}

func checkCert(u *storage.User) error {
	if len(u.CertNames) > maxUserList {
		return invalid("cert_names", "too many names of certificates", fmt.Sprintf("use %d at most", maxUserList))
	}
	for _, name := range u.CertNames {
		if len(name) < 1 || len(name) > maxCertName || strings.ContainsFunc(name, unicode.IsControl) {
			return invalid("cert_names", fmt.Sprintf("%.40q is no name of a certificate", name), "use a common name or subject alternative name, 1 to 255 characters")
		}
	}
	if err := checkWord("cert_auth", u.CertAuth, certAuths[:]); err != nil {
		return err
	}
	if u.CertAuth != "" && len(u.CertNames) == 0 {
		return invalid("cert_auth", "a certificate is asked for and none is named", "name at least one in cert_names")
	}
	return nil
}

// networks reads CIDRs and plain addresses, which are networks of one. Their
// canonical form has no bits beyond the prefix and no IPv4 inside IPv6.
func networks(texts []string) ([]string, error) {
	if len(texts) > maxUserList {
		return nil, invalid("allowed_from", "too many networks", fmt.Sprintf("use %d at most", maxUserList))
	}
	var all []string
	for _, text := range texts {
		p, err := ParseNetwork(text)
		if err != nil {
			return nil, invalid("allowed_from", fmt.Sprintf("%.60q is no network", text), "use a CIDR such as 192.0.2.0/24 or 2001:db8::/32, or a plain address")
		}
		all = append(all, p.String())
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// ParseNetwork reads a CIDR, or an address as the network of it alone.
func ParseNetwork(text string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(text); err == nil {
		if addr.Zone() != "" {
			return netip.Prefix{}, fmt.Errorf("%q has a zone", text)
		}
		return addr.Unmap().Prefix(addr.Unmap().BitLen())
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, err
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%q is wider than IPv4", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// mayComeFrom says whether u's client may bind from addr. Without a list it
// may from anywhere; with one, an address that is not known is not on it.
func mayComeFrom(u *storage.User, addr netip.Addr) bool {
	if len(u.AllowedFrom) == 0 {
		return true
	}
	return slices.ContainsFunc(u.AllowedFrom, func(text string) bool {
		p, err := netip.ParsePrefix(text)
		return err == nil && p.Contains(addr.WithZone("").Unmap())
	})
}

// hasName says whether one of a certificate's names is u's.
func hasName(u *storage.User, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(u.CertNames, name) })
}
