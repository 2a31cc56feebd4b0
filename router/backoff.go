package router

import "time"

// backoff is how long a message waits after it was refused for now the n-th
// time (n from 1): 1 s doubling to 5 min. unit is a random number in [0,1)
// that spreads the waits by ±20 %.
func backoff(n int, unit float64) time.Duration {
	const first, most = time.Second, 5 * time.Minute
	d := most
	if n < 1 {
		n = 1
	}
	if n < 10 {
		d = min(first<<(n-1), most)
	}
	return time.Duration(float64(d) * (0.8 + 0.4*unit))
}
