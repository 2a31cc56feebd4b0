package modemsim

import (
	"errors"
	"time"
)

var errTooLong = errors.New("modemsim: text needs more than 255 segments")

// split cuts a text into the payloads of its segments: septets for GSM-7, octets for UCS-2. No character is cut.
func (a *alphabets) split(text string, forceUCS2, wide bool) (payloads [][]byte, coding Alphabet, err error) {
	units, coding := a.units(text, forceUCS2)
	header := len(concatHeader(0, 1, 1, wide))
	single, part := 160, 160-headerSeptets(header)
	if coding == UCS2 {
		single, part = 140, 140-header
	}
	if total(units) <= single {
		part = single
	}
	payloads = fill(units, part)
	if len(payloads) > 255 {
		return nil, coding, errTooLong
	}
	return payloads, coding, nil
}

// units are the codes of the text, character by character.
func (a *alphabets) units(text string, forceUCS2 bool) ([][]byte, Alphabet) {
	var units [][]byte
	for _, r := range text {
		codes, ok := a.septets(r)
		if !ok {
			forceUCS2 = true
		}
		units = append(units, codes)
	}
	if !forceUCS2 {
		return units, GSM7
	}
	units = units[:0]
	for _, r := range text {
		units = append(units, ucs2Octets(string(r)))
	}
	return units, UCS2
}

func total(units [][]byte) (n int) {
	for _, u := range units {
		n += len(u)
	}
	return n
}

func fill(units [][]byte, most int) [][]byte {
	out := [][]byte{nil}
	for _, u := range units {
		last := len(out) - 1
		if len(out[last])+len(u) > most {
			out = append(out, nil)
			last++
		}
		out[last] = append(out[last], u...)
	}
	return out
}

// delivers makes the SMS-DELIVERs of one message, in order.
func (a *alphabets) delivers(from, text string, ref int, o SendOptions, at time.Time) ([][]byte, error) {
	address, err := a.encodeAddress(from)
	if err != nil {
		return nil, err
	}
	payloads, coding, err := a.split(text, o.UCS2, o.Wide)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for i, p := range payloads {
		var header []byte
		if len(payloads) > 1 {
			header = concatHeader(ref, len(payloads), i+1, o.Wide)
		}
		out = append(out, buildDeliver(address, o.PID, deliverDCS(coding, o.Class), at, header, p))
	}
	return out, nil
}

func deliverDCS(coding Alphabet, class int) byte {
	dcs := byte(0)
	if coding == UCS2 {
		dcs = 0x08
	}
	switch {
	case class == Flash:
		dcs |= 0x10
	case class > 0:
		dcs |= 0x10 | byte(class&3)
	}
	return dcs
}
