package storage

// move is one message in an atomic operation: what it was, what it becomes.
type move struct {
	id  ID // 0: a new message
	m   *Message
	old state
	// value is the encoded m; nil: the message goes.
	value []byte
}

// state is what the indexes and the ledger had of a message before a change.
type state struct {
	index       []indexEntry
	parts       []byte // the state of each
	place       place  // the zero one when it was not queued
	unseen      Talk
	user        string
	held, spent Millicredits
}

// stateOf takes down m before it is changed.
func (g *group) stateOf(m *Message) state {
	s := state{index: g.index(m), parts: g.keys.partStates(m), unseen: m.unseen(), user: m.User, held: m.Held, spent: m.Spent}
	if m.queued() {
		s.place = m.place()
	}
	return s
}

// moneyMove is one ledger entry to be.
type moneyMove struct {
	kind    EntryKind
	balance *Balance
	amount  Millicredits
	move    int    // index of the move it belongs to
	value   []byte // the encoded entry
}

// newMove prepares a message that is not stored yet.
func (g *group) newMove(m *Message) (move, error) {
	if err := m.validateNew(); err != nil {
		return move{}, err
	}
	value, err := g.db.codec.encode(m)
	return move{m: m, value: value}, err
}

// validateNew is validate for a message that has cost nothing yet.
func (m *Message) validateNew() error {
	if err := m.validate(); err != nil {
		return err
	}
	if m.Spent != 0 {
		return invalid("a new message has spent %d", m.Spent)
	}
	return nil
}

// store stages all moves, or gives an error and stages none. claimed are
// dedupe keys of waiting segments which a move may take over.
func (g *group) store(claimed []string, moves ...move) error {
	g.number(moves)
	var buffer [4]moneyMove
	money, err := g.moveMoney(buffer[:0], moves)
	if err != nil {
		return err
	}
	if err = g.checkDedupe(claimed, moves); err == nil {
		err = g.encodeEntries(money, moves)
	}
	if err != nil {
		undoMoney(money)
		return err
	}
	// Nothing can be refused from here on.
	for i := range moves {
		g.stage(&moves[i])
	}
	for i := range money {
		g.putEntry(money[i].value)
	}
	return nil
}

// number gives new messages the IDs that they will have if they are staged.
func (g *group) number(moves []move) {
	next := g.nextID
	for i := range moves {
		moves[i].m.ID = moves[i].id
		if moves[i].id == 0 {
			moves[i].m.ID = next
			next++
		}
	}
}

func (g *group) encodeEntries(money []moneyMove, moves []move) error {
	for i := range money {
		mm := &money[i]
		m := moves[mm.move].m
		e := Entry{At: g.entryTime(), User: m.User, Kind: mm.kind, Amount: mm.amount, Message: m.ID}
		var err error
		if mm.value, err = g.db.codec.encode(&e); err != nil {
			return err
		}
	}
	return nil
}

// stage puts the record and what of its indexes has changed.
func (g *group) stage(mv *move) {
	id := mv.m.ID
	key := g.keys.be64(uint64(id))
	g.records[id] = mv.value
	if mv.id == 0 {
		g.nextID = id + 1
	}
	if mv.old.place != (place{}) {
		g.queued[mv.old.place]--
	}
	g.countUnseen(mv.old.unseen, -1)
	if mv.value == nil {
		g.remove(inMessages, key)
		diffIndex(mv.old.index, nil, g.removeIndex, g.putIndex)
		return
	}
	g.put(inMessages, key, mv.value)
	g.countParts(mv)
	if mv.m.queued() {
		g.queued[mv.m.place()]++
	}
	g.countUnseen(mv.m.unseen(), 1)
	diffIndex(mv.old.index, g.index(mv.m), g.removeIndex, g.putIndex)
}

func (g *group) putIndex(e indexEntry) {
	switch e.bucket {
	case inDedupe:
		g.dedupe[string(e.key)] = holder{id: idOf(e.value)}
	case inTurns:
		g.turns.set(e)
	}
	g.put(e.bucket, e.key, e.value)
}

func (g *group) removeIndex(e indexEntry) {
	switch e.bucket {
	case inDedupe:
		g.dedupe[string(e.key)] = holder{gone: true}
	case inTurns:
		g.turns.set(indexEntry{key: e.key})
	}
	g.remove(e.bucket, e.key)
}

// moveMoney applies what the moves cost to the balances of the group. What gives
// back goes first: several moves are paid for as one.
func (g *group) moveMoney(money []moneyMove, moves []move) (_ []moneyMove, err error) {
	for _, takes := range [...]bool{false, true} {
		for i := range moves {
			if moves[i].takes() != takes {
				continue
			}
			if money, err = g.moveMoneyOf(money, i, &moves[i]); err != nil {
				undoMoney(money)
				return nil, err
			}
		}
	}
	return money, nil
}

// takes says whether the move needs credit that is available.
func (mv *move) takes() bool { return mv.m.Held+mv.m.Spent > mv.old.held+mv.old.spent }

func (g *group) moveMoneyOf(money []moneyMove, i int, mv *move) ([]moneyMove, error) {
	if mv.id != 0 && mv.old.held+mv.old.spent > 0 && mv.m.User != mv.old.user {
		return money, invalid("the payer of a message cannot change")
	}
	if mv.m.Held == mv.old.held && mv.m.Spent == mv.old.spent {
		return money, nil
	}
	spent := mv.m.Spent - mv.old.spent
	if spent < 0 {
		return money, invalid("what was spent cannot be taken back")
	}
	b := g.balance(mv.m.User)
	if b == nil {
		return money, ErrNoUser
	}
	// Whatever the difference, it is a hold or a refund next to what is spent.
	held := mv.m.Held - mv.old.held + spent
	if held > 0 {
		if _, there := g.user(mv.m.User); !there {
			return money, ErrNoUser // it was removed
		}
		if b.Available-held < g.floor(mv.m.User) {
			return money, ErrNoCredit
		}
		money = append(money, moneyMove{kind: Hold, balance: b, amount: held, move: i})
		money[len(money)-1].apply(1)
	}
	if spent > 0 {
		money = append(money, moneyMove{kind: Spend, balance: b, amount: spent, move: i})
		money[len(money)-1].apply(1)
	}
	if held < 0 {
		money = append(money, moneyMove{kind: Refund, balance: b, amount: -held, move: i})
		money[len(money)-1].apply(1)
	}
	return money, nil
}

// apply moves the amount, sign -1 moves it back.
func (mm *moneyMove) apply(sign Millicredits) {
	b, amount := mm.balance, sign*mm.amount
	switch mm.kind {
	case TopUp:
		b.Granted += amount
		b.Available += amount
	case Hold:
		b.Available -= amount
		b.Held += amount
	case Spend:
		b.Held -= amount
		b.Spent += amount
	case Refund:
		b.Held -= amount
		b.Available += amount
	}
}

func undoMoney(money []moneyMove) {
	for i := range money {
		money[i].apply(-1)
	}
}

// checkDedupe refuses a key that another message or a segment has.
func (g *group) checkDedupe(claimed []string, moves []move) error {
	for i := range moves {
		mv := &moves[i]
		if mv.value == nil {
			continue
		}
		for _, key := range mv.m.Dedupe {
			id, held := g.holder(key)
			if held && !(id == mv.id && id != 0) && !(id == 0 && contains(claimed, key)) {
				return &DuplicateError{First: id}
			}
			for _, other := range moves[:i] {
				if contains(other.m.Dedupe, key) {
					return invalid("a dedupe key in two messages of one change")
				}
			}
		}
	}
	return nil
}

func contains(keys []string, key string) bool {
	for _, k := range keys {
		if k == key {
			return true
		}
	}
	return false
}
