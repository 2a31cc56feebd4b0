package provisioning

import (
	"context"
	"net/http"
	"time"

	"gsmgate/storage"
)

// Period is a stretch of time: from the one up to, and not at, the other.
type Period struct {
	From string `query:"from" doc:"RFC 3339; without it: from the beginning"`
	To   string `query:"to" doc:"RFC 3339, not included; without it: until now"`
}

// Statement is what moved of a user's money in a period, in millicredits:
// opening.available + topped_up + corrected + refunded - held = closing.available.
type Statement struct {
	User      string  `json:"user"`
	Opening   Balance `json:"opening"`
	Closing   Balance `json:"closing"`
	ToppedUp  int64   `json:"topped_up"`
	Corrected int64   `json:"corrected" doc:"taken away by hand; negative"`
	Held      int64   `json:"held" doc:"set aside when messages were accepted"`
	Spent     int64   `json:"spent" doc:"of what was held: for messages that ended well"`
	Refunded  int64   `json:"refunded" doc:"of what was held: for messages, or parts, that did not"`
	Charged   int     `json:"charged" doc:"messages that something was spent for"`
	Entries   int     `json:"entries" doc:"lines of the ledger"`
}

// LedgerFilter picks lines of a user's ledger.
type LedgerFilter struct {
	ByName
	Period
	After uint64 `query:"after" doc:"seq: only lines after this one"`
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

// LedgerPage is a stretch of a user's ledger, oldest first.
type LedgerPage struct {
	Lines []LedgerLine `json:"lines"`
	Next  uint64       `json:"next" doc:"what to ask for with after; 0: there is no more"`
}

// LedgerLine is one movement of money, in millicredits.
type LedgerLine struct {
	Seq     uint64    `json:"seq" doc:"counts the lines of all users"`
	At      time.Time `json:"at"`
	Kind    string    `json:"kind" enum:"top_up,hold,spend,refund" doc:"top_up: granted, or taken back when negative; hold: available to held; spend: held to spent; refund: held to available"`
	Amount  int64     `json:"amount"`
	Message string    `json:"message,omitempty" doc:"id of the message"`
	Note    string    `json:"note,omitempty"`
}

// times reads the ends of a period; 0 is none.
func (p *Period) times() (from, to storage.Time, err error) {
	if from, err = moment("from", p.From); err != nil {
		return 0, 0, err
	}
	if to, err = moment("to", p.To); err != nil {
		return 0, 0, err
	}
	if to != 0 && to <= from {
		return 0, 0, problem(http.StatusUnprocessableEntity, "to", "the period ends before it begins", "")
	}
	return from, to, nil
}

func (a *API) statement(ctx context.Context, in *struct {
	ByName
	Period
}) (Statement, error) {
	from, to, err := in.times()
	if err != nil {
		return Statement{}, err
	}
	s, err := a.Router.Statement(ctx, in.Name, from, to)
	return Statement{
		User: in.Name, Opening: balanceOf(s.Opening), Closing: balanceOf(s.Closing),
		ToppedUp: int64(s.ToppedUp), Corrected: int64(s.Corrected), Held: int64(s.Held), Spent: int64(s.Spent), Refunded: int64(s.Refunded),
		Charged: s.Charged, Entries: s.Entries,
	}, err
}

func (a *API) ledger(_ context.Context, in *LedgerFilter) (LedgerPage, error) {
	from, to, err := in.times()
	if err != nil {
		return LedgerPage{}, err
	}
	entries, next, err := a.Router.Ledger(storage.LedgerFilter{User: in.Name, From: from, To: to, After: in.After, Limit: in.Limit})
	page := LedgerPage{Lines: make([]LedgerLine, len(entries)), Next: next}
	for i := range entries {
		page.Lines[i] = lineOf(&entries[i])
	}
	return page, err
}

func lineOf(e *storage.Entry) LedgerLine {
	l := LedgerLine{Seq: e.Seq, At: e.At.Time(), Amount: int64(e.Amount), Note: e.Note}
	l.Kind = map[storage.EntryKind]string{storage.TopUp: "top_up", storage.Hold: "hold", storage.Spend: "spend", storage.Refund: "refund"}[e.Kind]
	if e.Message != 0 {
		l.Message = e.Message.String()
	}
	return l
}
