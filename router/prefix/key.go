package prefix

import "math/bits"

// MaxDigits is how many characters a Key has room for.
const MaxDigits = 16

// Key is a number or a prefix: four bits a character, the first in the highest,
// 0 behind the last.
type Key uint64

// code is what stands for a character in a Key; 0: it has no place there.
func code(c byte) Key {
	switch {
	case c >= '0' && c <= '9':
		return Key(c-'0') + 1
	case c == '*':
		return 11
	case c == '#':
		return 12
	}
	return 0
}

// Of makes the Key of a prefix; ok is false when it has other characters or too
// many.
func Of(s string) (k Key, ok bool) {
	if len(s) > MaxDigits {
		return 0, false
	}
	k, n := Number(s)
	return k, n == len(s)
}

// Number makes the Key of a number: of its first n characters, as far as there is
// room and they have a place there.
func Number(s string) (k Key, n int) {
	for n < len(s) && n < MaxDigits {
		c := code(s[n])
		if c == 0 {
			break
		}
		k |= c << (60 - 4*n)
		n++
	}
	return k, n
}

// Len is how many characters it has.
func (k Key) Len() int {
	if k == 0 {
		return 0
	}
	return MaxDigits - bits.TrailingZeros64(uint64(k))/4
}

// Begins says whether number begins with k.
func (k Key) Begins(number Key) bool {
	n := k.Len()
	return n == 0 || (number^k)>>(64-4*n) == 0
}

// String writes the characters.
func (k Key) String() string {
	var b [MaxDigits]byte
	n := k.Len()
	for i := range n {
		b[i] = " 0123456789*#???"[k>>(60-4*i)&15]
	}
	return string(b[:n])
}
