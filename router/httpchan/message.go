package httpchan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"gsmgate/router"
	"gsmgate/storage"
)

// The encodings of a message, as the values of a description name them.
const (
	encodingGSM    = "gsm"
	encodingUCS2   = "ucs2"
	encodingBinary = "binary"
)

// messageValues are what templates may ask of a message.
var messageValues = []string{
	"id",      // ours, of this part: the same when it is tried again, never that of another message
	"uuid",    // the same in the form of a UUID
	"to",      // digits
	"to_plus", // with a plus when it is international
	"from",    // source address; the setting of that name when the message has none
	"from_plus",
	"text",
	"text_ucs2_hex", // big-endian
	"data", "data_hex", "udh", "udh_hex",
	"data_coding",                // as in SMPP
	"encoding",                   // gsm, ucs2 or binary
	"class",                      // 0 for a message that is shown at once, else nothing
	"segments",                   // of a handset
	"validity_s", "validity_min", // that is left; nothing when the client set none
	"expires",    // RFC 3339, likewise
	"priority",   // 0 to 3
	"report_url", // for reports; nothing when no call can reach us
	"incoming_url",
}

// gsmBasic and gsmExtended are the default alphabet without and with an escape
// [23.038 6.2.1].
const (
	gsmBasic    = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	gsmExtended = "\f^{}\\[~]|€"
)

// septets is how many of the default alphabet a text takes; false when it has
// something else.
func septets(text string, extension bool) (n int, ok bool) {
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsmBasic, r):
			n++
		case extension && strings.ContainsRune(gsmExtended, r):
			n += 2
		default:
			return 0, false
		}
	}
	return n, true
}

// measured is a text in the units of its alphabet.
type measured struct {
	encoding     string
	units        int
	single, each int // units of a short message, and of each segment of a long one [23.040 9.2.3.24.1]
}

func (f *TextForm) measure(text string) (m measured, err error) {
	if n, ok := septets(text, !f.NoExtension); ok && !f.AlwaysUCS2 {
		return measured{encodingGSM, n, 160, 153}, nil
	}
	if f.GSMOnly {
		return m, fmt.Errorf("the provider takes texts of the GSM alphabet alone")
	}
	return measured{encodingUCS2, len(utf16.Encode([]rune(text))), 70, 67}, nil
}

// segments is how many a handset gets.
func (m measured) segments() int {
	if m.units <= m.single {
		return 1
	}
	return (m.units + m.each - 1) / m.each
}

const mostSegments = 255

func refuse(field, format string, args ...any) error {
	return &router.Error{Code: router.Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// parts says in how many requests m goes, and what each stands for.
func (d *Description) parts(m *storage.Message) ([]storage.Part, error) {
	if binary(m) {
		if d.Binary == nil {
			return nil, refuse("data_coding", "the provider takes texts alone")
		}
		return d.withHeader(m, d.Binary)
	}
	size, err := d.Text.measure(m.Text)
	if err != nil {
		return nil, refuse("text", "%v", err)
	}
	n := size.segments()
	if most := d.Text.MostUnits; n > mostSegments || most > 0 && size.units > most {
		return nil, refuse("text", "the text has %d characters: more than the provider takes", size.units)
	}
	switch {
	case len(m.UDH) > 0:
		return d.withHeader(m, &d.Send)
	case n == 1 || d.Text.Long == longOne:
		return make([]storage.Part, 1), nil
	case d.Text.Long == longRefuse:
		return nil, refuse("text", "the text takes %d segments, and the provider takes one", n)
	case d.Text.Long == longSplit:
		return make([]storage.Part, len(d.Text.pieces(m.Text))), nil
	}
	return []storage.Part{{Segments: uint8(n)}}, nil
}

// binary says whether the message is octets for which no text stands.
func binary(m *storage.Message) bool { return len(m.Data) > 0 }

func (d *Description) withHeader(m *storage.Message, r *Request) ([]storage.Part, error) {
	if len(m.UDH) > 0 && !r.carriesUDH() {
		return nil, refuse("esm_class", "the provider takes no user data header: the client must send long messages whole")
	}
	return make([]storage.Part, 1), nil
}

// pieces cuts a text into short messages of their own, between words where it can.
func (f *TextForm) pieces(text string) (all []string) {
	rest := []rune(text)
	for len(rest) > 0 {
		n := f.most(rest)
		if n < len(rest) {
			if i := strings.LastIndexByte(string(rest[:n]), ' '); i > 0 {
				if words := len([]rune(string(rest[:n])[:i+1])); words > n/2 {
					n = words
				}
			}
		}
		all = append(all, strings.TrimSpace(string(rest[:n])))
		rest = rest[n:]
	}
	return all
}

// most is how many characters fit one short message.
func (f *TextForm) most(rest []rune) int {
	n := min(len(rest), 160)
	for ; n > 1; n-- {
		if m, err := f.measure(string(rest[:n])); err == nil && m.units <= m.single {
			return n
		}
	}
	return 1
}

// outgoing is a message for the templates.
type outgoing struct {
	m        *storage.Message
	part     int
	id       string // ours, of the part
	text     string
	encoding string
	segments int
	now      time.Time
}

func (d *Description) outgoing(m *storage.Message, i int, now time.Time) (*outgoing, error) {
	o := &outgoing{m: m, part: i, id: string(m.Parts[i].Wire), text: m.Text, encoding: encodingBinary, segments: 1, now: now}
	if binary(m) {
		return o, nil
	}
	if len(m.Parts) > 1 {
		pieces := d.Text.pieces(m.Text)
		if i >= len(pieces) {
			return nil, fmt.Errorf("part %d of a text of %d pieces", i+1, len(pieces))
		}
		o.text = pieces[i]
	}
	size, err := d.Text.measure(o.text)
	o.encoding, o.segments = size.encoding, size.segments()
	return o, err
}

// value gives what stands for a name; false when it is none of a message.
func (o *outgoing) value(name string) (string, bool) {
	m := o.m
	switch name {
	case "id":
		return o.id, true
	case "uuid":
		return uuidOf(o.id), true
	case "to":
		return strings.TrimPrefix(m.Dest.Addr, "+"), true
	case "to_plus":
		return plus(m.Dest), true
	case "from":
		return strings.TrimPrefix(m.From().Addr, "+"), m.From().Addr != ""
	case "from_plus":
		return plus(m.From()), m.From().Addr != ""
	case "text":
		return o.text, true
	case "encoding":
		return o.encoding, true
	case "segments":
		return strconv.Itoa(o.segments), true
	case "data_coding":
		return strconv.Itoa(int(m.DataCoding)), true
	case "priority":
		return strconv.Itoa(int(m.Priority)), true
	case "class":
		return o.class(), true
	}
	if v, ok := o.octets(name); ok {
		return v, true
	}
	return o.validity(name)
}

func (o *outgoing) octets(name string) (string, bool) {
	switch name {
	case "data":
		return string(o.m.Data), true
	case "data_hex":
		return hex.EncodeToString(o.m.Data), true
	case "udh":
		return string(o.m.UDH), true
	case "udh_hex":
		return hex.EncodeToString(o.m.UDH), true
	case "text_ucs2_hex":
		var b []byte
		for _, u := range utf16.Encode([]rune(o.text)) {
			b = append(b, byte(u>>8), byte(u))
		}
		return hex.EncodeToString(b), true
	}
	return "", false
}

// class is 0 for a message that a handset shows at once [23.038 4].
func (o *outgoing) class() string {
	dc := o.m.DataCoding
	if o.m.Flash || dc&0xF3 == 0xF0 || dc&0xD3 == 0x10 {
		return "0"
	}
	return ""
}

func (o *outgoing) validity(name string) (string, bool) {
	left := o.m.ExpiresAt.Time().Sub(o.now)
	there := o.m.ExpiresAt != 0
	text := ""
	switch name {
	case "validity_s":
		text = strconv.Itoa(max(60, int(left/time.Second)))
	case "validity_min":
		text = strconv.Itoa(max(1, int(left/time.Minute)))
	case "expires":
		text = o.m.ExpiresAt.Time().Format(time.RFC3339)
	default:
		return "", false
	}
	if !there {
		text = ""
	}
	return text, true
}

// plus writes an international number as E.164 has it. Many clients say nothing of
// the kind of number: one that is long enough is taken for that.
func plus(a storage.Address) string {
	const international, alphanumeric, shortest = 1, 5, 8
	digits := strings.TrimPrefix(a.Addr, "+")
	switch {
	case a.TON == alphanumeric || digits == "" || strings.Trim(digits, "0123456789") != "":
		return a.Addr
	case a.TON == international, len(digits) >= shortest && digits[0] != '0':
		return "+" + digits
	}
	return digits
}

// uuidOf makes a UUID of an id, always the same one [RFC 9562 5.8].
func uuidOf(id string) string {
	sum := sha256.Sum256([]byte("gsmgate " + id))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0F|0x80, b[8]&0x3F|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
