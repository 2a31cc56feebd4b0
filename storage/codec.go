package storage

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// Bounds of what is stored. They are far above what the protocols can produce
// and keep a mistake of a caller from growing the file without end.
const (
	maxName   = 255     // octets of a user, queue, lane, match or dedupe key
	maxParts  = 1024    // parts of a message
	maxDedupe = 1024    // dedupe keys of a message
	maxList   = 4096    // elements of any list in a record
	maxRecord = 1 << 20 // octets of an encoded record
	maxMoney  = Millicredits(1e15)
)

// codec turns records into CBOR and back. One encoding for one record, so that
// equal records are equal octets (RFC 8949, 4.2).
type codec struct {
	enc  cbor.EncMode
	dec  cbor.DecMode // refuses what it does not know
	peek cbor.DecMode // reads some fields of a record and skips the others
}

func newCodec() (codec, error) {
	enc, errEnc := cbor.CoreDetEncOptions().EncMode()
	strict := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   8,
		MaxArrayElements:  maxList,
		MaxMapPairs:       128,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		// Addresses and service types of the field are not always UTF-8, and
		// a stored message must be readable whatever its client sent.
		UTF8: cbor.UTF8DecodeInvalid,
	}
	dec, errDec := strict.DecMode()
	strict.ExtraReturnErrors = cbor.ExtraDecErrorNone
	peek, errPeek := strict.DecMode()
	return codec{enc, dec, peek}, errors.Join(errEnc, errDec, errPeek)
}

func (c codec) encode(v any) ([]byte, error) {
	b, err := c.enc.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if len(b) > maxRecord {
		return nil, fmt.Errorf("%w: %d octets, at most %d", ErrInvalid, len(b), maxRecord)
	}
	return b, nil
}

func (c codec) message(id ID, b []byte) (*Message, error) {
	m := &Message{}
	if err := c.dec.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("message %s: %w", id, err)
	}
	m.ID = id
	return m, nil
}

func (c codec) user(b []byte) (u User, err error) { return u, c.dec.Unmarshal(b, &u) }

func (c codec) balance(b []byte) (v Balance, err error) { return v, c.dec.Unmarshal(b, &v) }

func (c codec) segment(b []byte) (s Segment, err error) { return s, c.dec.Unmarshal(b, &s) }

func (c codec) entry(seq uint64, b []byte) (e Entry, err error) {
	err = c.dec.Unmarshal(b, &e)
	e.Seq = seq
	return e, err
}

// outline is what Filter and Pending look at, with the tags of Message.
type outline struct {
	Kind    Kind   `cbor:"2,keyasint"`
	User    string `cbor:"3,keyasint"`
	State   State  `cbor:"30,keyasint"`
	EndedAt Time   `cbor:"42,keyasint"`
	Queue   string `cbor:"50,keyasint"`
}

// validate says whether the indexes and the ledger can hold m.
func (m *Message) validate() error {
	switch {
	case m == nil:
		return invalid("no message")
	case m.Kind < MT || m.Kind > Receipt:
		return invalid("kind %d", m.Kind)
	case m.DPF > DPFOwed || m.DPF != DPFNone && m.Kind != MT:
		return invalid("delivery pending flag %d of a message of kind %d", m.DPF, m.Kind)
	case m.Turn > TurnAny || m.Turn != TurnFree && m.Kind != MT:
		return invalid("turn %d of a message of kind %d", m.Turn, m.Kind)
	case m.DueAt < 0 || m.Deadline < 0:
		return invalid("a time before 1970")
	case m.Held < 0 || m.Spent < 0 || m.Held > maxMoney || m.Spent > maxMoney:
		return invalid("held %d, spent %d", m.Held, m.Spent)
	case m.Held+m.Spent > 0 && (m.Kind != MT || m.User == ""):
		return invalid("only an MT message of a user costs something")
	case len(m.Parts) > maxParts || len(m.Dedupe) > maxDedupe:
		return invalid("%d parts, %d dedupe keys", len(m.Parts), len(m.Dedupe))
	case m.Cost < 0 || m.Cost > maxMoney || len(m.Ways) > maxParts || len(m.Ways) > 0 && int(m.Way) >= len(m.Ways):
		return invalid("a cost of %d, way %d of %d", m.Cost, m.Way, len(m.Ways))
	case len(m.Events) > maxList:
		return invalid("%d lines in the timeline", len(m.Events))
	}
	if err := validName("user", m.User); err != nil {
		return err
	}
	if err := validName("queue", m.Queue); err != nil {
		return err
	}
	return m.validateKeys()
}

func (m *Message) validateKeys() error {
	for i := range m.Parts {
		if err := validName("lane", m.Parts[i].Lane); err != nil {
			return err
		}
		if err := validName("match", m.Parts[i].Match); err != nil {
			return err
		}
	}
	for i, key := range m.Dedupe {
		if err := validDedupe(key); err != nil {
			return err
		}
		for _, other := range m.Dedupe[:i] {
			if key == other {
				return invalid("a dedupe key twice in one message")
			}
		}
	}
	return nil
}

func (s *Segment) validate() error {
	if s.Number < 1 || s.Number > s.Total {
		return invalid("segment %d of %d", s.Number, s.Total)
	}
	if len(s.Source.Addr) > maxName {
		return invalid("a source address of %d octets", len(s.Source.Addr))
	}
	if err := validName("lane", s.Lane); err != nil {
		return err
	}
	return validDedupe(s.Dedupe)
}

func (u *User) validate() error {
	if u.SystemID == "" {
		return invalid("a user without a name")
	}
	if len(u.AddressRanges) > maxList {
		return invalid("%d address ranges", len(u.AddressRanges))
	}
	if u.CreditLimit < 0 || u.CreditLimit > maxMoney {
		return invalid("a credit limit of %d", u.CreditLimit)
	}
	return validName("user", u.SystemID)
}

func validDedupe(key string) error {
	if key == "" || len(key) > maxName {
		return invalid("a dedupe key of %d octets", len(key))
	}
	return nil
}

// validName refuses what would be ambiguous in a key: names end with NUL there.
func validName(what, s string) error {
	if len(s) > maxName || strings.IndexByte(s, 0) >= 0 {
		return invalid("a %s of %d octets, or with a NUL", what, len(s))
	}
	return nil
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}
