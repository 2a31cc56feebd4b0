package pdu

import "sync"

// AutoLanguage lets the encoder try every language.
const AutoLanguage Language = 0xFF

// Encoding is how a text is carried: its alphabet, and of GSM7 the tables in place of the default ones. [23.038 6.2.1.2]
type Encoding struct {
	Alphabet        Alphabet
	Locking, Single Language // 0: the default alphabet and its extension table
}

// septets are the codes of a table's characters.
type septets map[rune]uint8

// nationalSeptets are the tables the other way round, made at the first use.
var nationalSeptets = sync.OnceValue(func() (t struct {
	locking, single [lastLanguage + 1]septets
}) {
	for l := Language(0); l <= lastLanguage; l++ {
		t.locking[l], t.single[l] = lockingCharset(l).codes(), singleCharset(l).codes()
	}
	return t
})

// codes gives the lowest code of each character. The escape is none, nor is a place that the table does not use.
func (c *charset) codes() septets {
	m := septets{}
	for s := len(c) - 1; s >= 0; s-- {
		if c[s] != 0 && s != esc {
			m[c[s]] = uint8(s)
		}
	}
	return m
}

// tables gives the codes of both tables of e.
func (e Encoding) tables() (basic, extension septets) {
	all := nationalSeptets()
	return all.locking[e.Locking], all.single[e.Single]
}

// elements gives the header elements that name the tables, without UDHL. [23.040 9.2.3.24.15, 9.2.3.24.16]
func (e Encoding) elements() (b []byte) {
	if e.Single != 0 {
		b = append(b, ieiSingle, 1, byte(e.Single))
	}
	if e.Locking != 0 {
		b = append(b, ieiLocking, 1, byte(e.Locking))
	}
	return b
}

// encode gives the septets of a text; false when a character is in neither table.
func (e Encoding) encode(text string) ([]byte, bool) {
	basic, extension := e.tables()
	b := make([]byte, 0, len(text))
	for _, r := range text {
		if s, ok := basic[r]; ok {
			b = append(b, s)
		} else if s, ok := extension[r]; ok {
			b = append(b, esc, s)
		} else {
			return nil, false
		}
	}
	return b, true
}

// fit counts the segments of a text; false when a character is in neither table.
func (e Encoding) fit(text string, udhLen, concatLen int) (n int, ok bool) {
	basic, extension := e.tables()
	c := counter{room: roomFor(GSM7, udhLen+len(e.elements()), concatLen)}
	for _, r := range text {
		if _, ok := basic[r]; ok {
			c.add(1)
		} else if _, ok := extension[r]; ok {
			c.add(2)
		} else {
			return 0, false
		}
	}
	return c.segments(), true
}

// FitNational is Fit for a recipient whose handset is thought to know the tables of a language: they are used where that takes fewer
// segments than UCS2. Of several ways with as few the plainest is taken: the single shift table alone, which more handsets know, then the
// locking one, then both. A language of 0 gives what Fit gives.
func (o *Options) FitNational(text string, l Language) (Encoding, int) {
	alphabet, least := o.Fit(text)
	best := Encoding{Alphabet: alphabet}
	if alphabet == GSM7 || l == 0 {
		return best, least
	}
	for _, e := range candidates(l) {
		if n, ok := e.fit(text, len(o.UDH), o.concatLen()); ok && n > 0 && (n < least || least == 0) {
			best, least = e, n
		}
	}
	return best, least
}

// candidates are the ways to use a language, the plainest first.
func candidates(l Language) (all []Encoding) {
	first, last := l, l
	switch {
	case l == AutoLanguage:
		first, last = Turkish, lastLanguage
	case l > lastLanguage:
		return nil
	}
	for _, e := range []Encoding{{Single: 1}, {Locking: 1}, {Locking: 1, Single: 1}} {
		for l := first; l <= last; l++ {
			if l == Spanish && e.Locking != 0 { // there is no such table
				continue
			}
			all = append(all, Encoding{GSM7, e.Locking * l, e.Single * l})
		}
	}
	return all
}

// SplitEncoded is SplitText with the tables of e, which each segment names in its header. Errors as there.
func SplitEncoded(text string, e Encoding, o Options) ([]Submit, error) {
	if e.Alphabet != GSM7 || e.Locking == 0 && e.Single == 0 {
		return SplitText(text, e.Alphabet, o)
	}
	data, ok := e.encode(text)
	if !ok {
		return nil, refuse("TP-UD", ErrAlphabet)
	}
	o.UDH = append(o.UDH[:len(o.UDH):len(o.UDH)], e.elements()...)
	return o.split(data, GSM7, textDCS(GSM7, o.Class))
}
