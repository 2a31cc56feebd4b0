package storage

import (
	"context"
	"slices"
	"strings"
)

// SIM is what is set for a card, and what was learnt of it. It follows the card
// from modem to modem.
type SIM struct {
	ID      string `cbor:"1,keyasint"`           // ICCID, or what stands for it: the name of its lane behind "sim:"
	Created Time   `cbor:"2,keyasint,omitempty"` // when it was first seen or set

	// What somebody has set. A zero is the default.
	Name     string `cbor:"10,keyasint,omitempty"` // for people
	Pool     string `cbor:"11,keyasint,omitempty"` // "": the pool of all that are in no other
	Disabled bool   `cbor:"12,keyasint,omitempty"` // nothing is sent; what comes in is taken
	Draining bool   `cbor:"17,keyasint,omitempty"` // only what it has begun is sent to its end
	PIN      string `cbor:"13,keyasint,omitempty"` // in clear: the modem wants it so. It goes to no log and no API
	SMSC     string `cbor:"14,keyasint,omitempty"` // service-centre address to set, "+31653131313"; "": the one on the card
	Roaming  string `cbor:"15,keyasint,omitempty"` // "": send, "hold": send nothing while roaming
	Number   string `cbor:"16,keyasint,omitempty"` // its own number, for what the card and the network do not tell

	// Limits in parts; 0: none. They count what was handed to the network.
	PerMinute int `cbor:"20,keyasint,omitempty"`
	PerHour   int `cbor:"21,keyasint,omitempty"`
	PerDay    int `cbor:"22,keyasint,omitempty"`
	PerMonth  int `cbor:"23,keyasint,omitempty"`

	// Pacing: at least Gap from one part to the next, and up to Jitter more.
	GapMS    int `cbor:"24,keyasint,omitempty"`
	JitterMS int `cbor:"25,keyasint,omitempty"`

	// Quiet hours hold messages: "22:00-07:00", "sat 00:00-24:00", in Zone.
	Quiet []string `cbor:"26,keyasint,omitempty"`
	Zone  string   `cbor:"27,keyasint,omitempty"` // of quiet hours, days and months, "Europe/Amsterdam"; "": that of the machine

	// Balance: how to ask for it, and how to read the answer.
	BalanceCode    string `cbor:"30,keyasint,omitempty"` // USSD "*100#", or "sms:NUMBER:TEXT"
	BalancePattern string `cbor:"31,keyasint,omitempty"` // regular expression; its first group is the amount
	BalanceEveryH  int    `cbor:"32,keyasint,omitempty"` // hours between askings; 0: only by command
	BalanceLow     string `cbor:"33,keyasint,omitempty"` // decimal amount under which it is called low

	// What was learnt.
	IMSI      string `cbor:"40,keyasint,omitempty"`
	LastIMEI  string `cbor:"41,keyasint,omitempty"` // of the modem it was last in
	LastPath  string `cbor:"42,keyasint,omitempty"`
	LastSeen  Time   `cbor:"43,keyasint,omitempty"`
	Learnt    string `cbor:"44,keyasint,omitempty"` // own number, from the card or the network
	Balance   string `cbor:"45,keyasint,omitempty"` // decimal amount as last read
	BalanceAt Time   `cbor:"46,keyasint,omitempty"`
	BalanceSM string `cbor:"47,keyasint,omitempty"` // the answer it was read from
}

// Bounds of a SIM's record.
const (
	maxText  = 1024
	maxQuiet = 64
)

func validateSIM(s *SIM) error {
	if s.ID == "" {
		return invalid("a SIM without an ICCID")
	}
	if len(s.Quiet) > maxQuiet {
		return invalid("%d quiet hours", len(s.Quiet))
	}
	for _, n := range []int{s.PerMinute, s.PerHour, s.PerDay, s.PerMonth, s.GapMS, s.JitterMS, s.BalanceEveryH} {
		if n < 0 {
			return invalid("a limit of %d", n)
		}
	}
	for _, text := range []string{s.Name, s.PIN, s.SMSC, s.Roaming, s.Number, s.Zone, s.BalanceCode, s.BalancePattern, s.BalanceLow,
		s.IMSI, s.LastIMEI, s.LastPath, s.Learnt, s.Balance, s.BalanceSM} {
		if len(text) > maxText {
			return invalid("a text of %d octets in the record of a SIM", len(text))
		}
	}
	if err := validName("pool", s.Pool); err != nil {
		return err
	}
	return validName("SIM", s.ID)
}

// SIM gives what is known of a card.
func (db *DB) SIM(id string) (SIM, bool) { return db.sims.get(id) }

// SIMs gives all cards by ID. Their slices are shared: do not change them.
func (db *DB) SIMs() []SIM {
	all := db.sims.list()
	slices.SortFunc(all, func(a, b SIM) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// HasPool says whether any card is in the pool.
func (db *DB) HasPool(name string) bool {
	for _, s := range *db.sims.all.Load() {
		if s.Pool == name {
			return true
		}
	}
	return false
}

// ChangeSIM gives fn the record of a card, a new one when there is none, and
// stores what it leaves. fn runs on the writer: it must be quick, and must not
// call the store. When ctx ends first, it may still be done.
func (db *DB) ChangeSIM(ctx context.Context, id string, fn func(s *SIM) error) (SIM, error) {
	now := TimeOf(db.opts.Now())
	return db.sims.change(ctx, db, id, func(s *SIM, exists bool) (bool, error) {
		if !exists {
			s.ID, s.Created = id, now
		}
		err := fn(s)
		s.Quiet = slices.Clone(s.Quiet)
		if err == nil && s.ID != id {
			err = invalid("another ID")
		}
		return true, err
	})
}

// RemoveSIM forgets a card: ErrNotFound.
func (db *DB) RemoveSIM(ctx context.Context, id string) error {
	return db.sims.remove(ctx, db, id)
}
