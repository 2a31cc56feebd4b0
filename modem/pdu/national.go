package pdu

import (
	"sync"

	national "github.com/warthog618/sms/encoding/gsm7/charset"
)

// Language is a national language identifier; 0 is the default alphabet. [23.038 6.2.1.2.4]
type Language uint8

// The national languages. Spanish has no locking table.
const (
	Turkish Language = iota + 1
	Spanish
	Portuguese
	Bengali
	Gujarati
	Hindi
	Kannada
	Malayalam
	Oriya
	Punjabi
	Tamil
	Telugu
	Urdu
	lastLanguage = Urdu
)

// nationalTables are the locking and single shift tables by language; 0 is the default alphabet.
type nationalTables struct {
	locking, single [lastLanguage + 1]charset
}

// nationals gives the tables, made at the first use: most gateways never see one. The library fills its maps without a lock, and
// this is the only place that asks it.
var nationals = sync.OnceValue(func() *nationalTables {
	t := new(nationalTables)
	t.locking[0], t.single[0] = defaultBasic, defaultExtension
	for l := Turkish; l <= lastLanguage; l++ {
		t.locking[l] = fromLibrary(national.NewDecoder(int(l)))
		t.single[l] = fromLibrary(national.NewExtDecoder(int(l)))
		t.single[l]['\r'] = 0 // CR2 is a control, not the line feed that the library has there [23.038 6.2.1.1]
	}
	t.correct()
	return t
})

// fromLibrary copies one of the library's tables.
func fromLibrary(d national.Decoder) (c charset) {
	for s, r := range d {
		if int(s) < len(c) {
			c[s] = r
		}
	}
	return c
}

// correct puts right what the library has wrong.
func (t *nationalTables) correct() {
	// The library has the Bengali signs U+0981 to U+0983 here. [23.038 A.3.6]
	copy(t.locking[Hindi][:], []rune{'\u0901', '\u0902', '\u0903'})
	t.single[Portuguese][0x1F] = 'Ê' // left out there [23.038 A.2.3]
}

// lockingCharset gives the locking shift table of a language.
func lockingCharset(l Language) *charset {
	if l == 0 || l > lastLanguage {
		return &defaultBasic
	}
	return &nationals().locking[l]
}

// singleCharset gives the single shift table of a language.
func singleCharset(l Language) *charset {
	if l == 0 || l > lastLanguage {
		return &defaultExtension
	}
	return &nationals().single[l]
}
