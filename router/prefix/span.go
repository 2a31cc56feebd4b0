package prefix

// Span gives the prefixes that together stand for all numbers of the length of lo
// from lo to hi: as few as there can be. It gives none when the two have not the
// same length, more than MaxDigits characters, others than digits, or the wrong
// order.
func Span(lo, hi string) []Key {
	if len(lo) != len(hi) || len(lo) == 0 || len(lo) > MaxDigits || lo > hi || !digits(lo) || !digits(hi) {
		return nil
	}
	return span(nil, lo, hi, 0)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// span goes down from where lo and hi have n characters in common.
func span(keys []Key, lo, hi string, n int) []Key {
	for n < len(lo) && lo[n] == hi[n] {
		n++
	}
	switch {
	case all(lo[n:], '0') && all(hi[n:], '9'):
		return append(keys, must(lo[:n]))
	case n == len(lo)-1:
		for c := lo[n]; c <= hi[n]; c++ {
			keys = append(keys, must(lo[:n]+string(c)))
		}
		return keys
	}
	keys = low(keys, lo, n+1)
	for c := lo[n] + 1; c < hi[n]; c++ {
		keys = append(keys, must(lo[:n]+string(c)))
	}
	return high(keys, hi, n+1)
}

// low stands for all numbers from lo on that have its first n characters.
func low(keys []Key, lo string, n int) []Key {
	if all(lo[n:], '0') {
		return append(keys, must(lo[:n]))
	}
	keys = low(keys, lo, n+1)
	for c := lo[n] + 1; c <= '9'; c++ {
		keys = append(keys, must(lo[:n]+string(c)))
	}
	return keys
}

// high stands for all numbers up to hi that have its first n characters.
func high(keys []Key, hi string, n int) []Key {
	if all(hi[n:], '9') {
		return append(keys, must(hi[:n]))
	}
	for c := byte('0'); c < hi[n]; c++ {
		keys = append(keys, must(hi[:n]+string(c)))
	}
	return high(keys, hi, n+1)
}

func all(s string, c byte) bool {
	for i := range len(s) {
		if s[i] != c {
			return false
		}
	}
	return true
}

func must(s string) Key {
	k, _ := Of(s)
	return k
}
