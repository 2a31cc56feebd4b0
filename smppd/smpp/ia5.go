package smpp

import "bytes"

// looksGSM tells what a peer means with data_coding 1. By the specification it
// is IA5, which is ASCII; but common ESMEs (npm's smpp is one) put octets of the
// GSM alphabet under it. Where the two differ, most octets of the GSM alphabet
// are control characters of IA5, and settle it. The rest are letters in one
// alphabet and brackets and such in the other:
//
//	IA5  [ \ ] ^ { | } ~   `
//	GSM  Ä Ö Ñ Ü ä ö ñ ü   ¿
//
// They are taken as letters when every one of them stands where a letter would,
// and as what IA5 says when a single one does not. $ @ and _ say nothing.
func looksGSM(octets []byte) bool {
	letters := false
	for i, b := range octets {
		switch {
		case b > 0x7F:
			return false
		case b < 0x20 && b != '\r' && b != '\n' && b != '\t', b == 0x7F:
			return true
		case isNational(b):
			letters = true
		case b == '`' && !opensQuestion(octets[i+1:]):
			return false
		case b == '`':
			letters = true
		}
	}
	return letters && !paired(octets, '{', '}') && !paired(octets, '[', ']') && nationalsInWords(octets)
}

func isNational(b byte) bool { return b >= '[' && b <= '^' || b >= '{' && b <= '~' }

func isLower(b byte) bool { return b >= 'a' && b <= 'z' }

func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }

func isWord(b byte) bool { return isLower(b) || isUpper(b) || isNational(b) }

// opensQuestion reports whether a question mark comes before another `, as it
// does after a ¿.
func opensQuestion(rest []byte) bool {
	at := bytes.IndexAny(rest, "?`")
	return at >= 0 && rest[at] == '?'
}

// paired reports whether there are brackets, each closed, of which at least one
// stands at an edge of a word.
func paired(octets []byte, left, right byte) bool {
	first, last := bytes.IndexByte(octets, left), bytes.LastIndexByte(octets, right)
	return first >= 0 && last > first &&
		bytes.Count(octets, []byte{left}) == bytes.Count(octets, []byte{right}) &&
		(first == 0 || !isWord(octets[first-1]) || last+1 == len(octets) || !isWord(octets[last+1]))
}

// nationalsInWords reports whether every word that holds a national letter
// looks like one.
func nationalsInWords(octets []byte) bool {
	for i := 0; i < len(octets); i++ {
		start := i
		for i < len(octets) && isWord(octets[i]) {
			i++
		}
		if word := octets[start:i]; bytes.ContainsFunc(word, func(r rune) bool { return isNational(byte(r)) }) &&
			!(bounded(octets, start, i) && plausible(word)) {
			return false
		}
	}
	return true
}

// bounded reports whether what stands around a word may stand there.
func bounded(octets []byte, start, end int) bool {
	if start > 0 && bytes.IndexByte([]byte(" \r\n\t(\"'-,.`@"), octets[start-1]) < 0 {
		return false
	}
	return end == len(octets) || bytes.IndexByte([]byte(" \r\n\t)\"'-,.;:!?/"), octets[end]) >= 0
}

// plausible reports whether a word has a letter of ASCII too, and no small
// letter before a capital national one, and no capital after a small national
// one.
func plausible(word []byte) bool {
	ascii := false
	for i, b := range word {
		ascii = ascii || !isNational(b)
		if i == 0 {
			continue
		}
		before := word[i-1]
		if isLower(before) && b >= '[' && b <= '^' || isUpper(b) && before >= '{' && before <= '~' {
			return false
		}
	}
	return ascii
}
