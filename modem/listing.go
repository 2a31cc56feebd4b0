package modem

import (
	"context"
	"errors"
	"fmt"

	"gsmgate/modem/at"
)

// isHollow tells whether a place holds a message of no octets, by its header: it takes up room like any other.           [27.005 3.1 <length>]
func isHollow(rec at.Record) bool {
	fields := at.Fields(at.Params(rec.Line))
	return len(fields) > 2 && fields[len(fields)-1] == "0"
}

// list lists the selected memory. whole is false when the modem does not list, or not all; cut that there was more than fits. Some
// modems refuse "all". A list that does not come keeps messages from being sent for as long as it is waited for: it is not asked for again.
// [27.005 4.1]
func (r *receiver) list(ctx context.Context) (records []at.Record, whole, cut bool) {
	if r.unread {
		return nil, false, false
	}
	for _, stats := range [][]int{{4}, {0, 1}} {
		taken := 0
		for _, stat := range stats {
			a, err := r.s.at.Do(ctx, at.Command{Text: fmt.Sprintf("AT+CMGL=%d", stat), Accept: at.Prefix("+CMGL:"), Body: true, Wait: sweepWait})
			var refused *at.Error
			if errors.Is(err, at.ErrTimeout) && len(a.Records) == 0 {
				r.unread = true
				r.s.m.trouble(fmt.Errorf("memories are read place by place from now on: %w", err))
				return records, false, cut
			}
			if err != nil && !errors.As(err, &refused) {
				return records, true, true // the next sweep sees the rest
			}
			records, cut = append(records, a.Records...), cut || a.Cut
			if err == nil {
				taken++
			}
		}
		if taken == len(stats) {
			return records, true, cut
		}
	}
	return records, false, cut
}

// walk reads the places that were not listed one by one, until all that the memory says to hold were seen. What it does not find it does
// not look for again until there is more of it.
func (r *receiver) walk(ctx context.Context, m Memory, seen map[int]bool, take func(int, at.Record)) {
	last := m.Total
	if last == 0 {
		last = fewPlaces
	}
	for index := 0; index <= min(last, maxWalk) && ctx.Err() == nil && (m.Total == 0 || len(seen) < m.Used); index++ { // some count from 0
		if seen[index] {
			continue
		}
		if rec, ok := r.read(ctx, index); ok {
			take(index, rec)
		}
	}
	r.walked[m.Name] = m.Used - len(seen)
}
