package provisioning

import (
	"context"
	"errors"
	"net/http"
	"time"

	"gsmgate/router"
)

// Undecoded is a PDU that came to a SIM and went to no client.
type Undecoded struct {
	ID      string    `json:"id"`
	Lane    string    `json:"lane" doc:"the SIM it came to" example:"sim:8931440000000000001"`
	Number  string    `json:"number" doc:"of the SIM, when it was known"`
	Raw     string    `json:"raw" doc:"hexadecimal, as the modem gave it: the service-centre address, then the TPDU"`
	Cause   string    `json:"cause" doc:"why no client gets it"`
	Aside   bool      `json:"aside" doc:"it could be read: it is for the card or the modem"`
	FirstAt time.Time `json:"first_at"`
	LastAt  time.Time `json:"last_at"`
	Times   int       `json:"times" doc:"how often it came"`
}

// DecodedAgain says what came of reading all again.
type DecodedAgain struct {
	Tried   int `json:"tried"`
	Decoded int `json:"decoded" doc:"now on their way to whom they are for"`
}

func (a *API) undecoded(context.Context, *none) ([]Undecoded, error) {
	all := []Undecoded{}
	for _, u := range a.Router.ListUndecoded() {
		v := Undecoded{
			ID: u.ID, Lane: u.Lane, Number: u.Dest.Addr, Raw: u.Raw, Cause: u.Cause, Aside: u.Aside,
			FirstAt: u.First.Time(), LastAt: u.Last.Time(), Times: u.Times,
		}
		if u.Dest.TON == 1 {
			v.Number = "+" + v.Number
		}
		all = append(all, v)
	}
	return all, nil
}

func (a *API) decodeAgain(ctx context.Context, _ *none) (DecodedAgain, error) {
	if a.DecodeAgain == nil {
		return DecodedAgain{}, problem(http.StatusServiceUnavailable, "", "no gateway runs that could deliver what is read", "start gsmgate serve")
	}
	return a.DecodeAgain(ctx)
}

// removeUndecoded answers what is left.
func (a *API) removeUndecoded(ctx context.Context, in *byID) ([]Undecoded, error) {
	err := a.Router.RemoveUndecoded(ctx, in.ID)
	if re := (*router.Error)(nil); errors.As(err, &re) && re.Code == router.NotFound {
		err = problem(http.StatusNotFound, "id", "no such PDU", "gsmgate message undecoded lists what is kept")
	}
	if err != nil {
		return nil, err
	}
	return a.undecoded(ctx, nil)
}

// ReportShare says what was heard of the parts that left by one SIM in the last
// 24 hours, each in the hour in which it happened.
type ReportShare struct {
	Lane      string    `json:"lane" example:"sim:8931440000000000001"`
	Since     time.Time `json:"since" doc:"24 hours ago, or the start of the gateway"`
	Sent      int       `json:"sent" doc:"parts that the network took"`
	Delivered int       `json:"delivered"`
	Failed    int       `json:"failed"`
	NoReport  int       `json:"no_report" doc:"parts of which nothing was heard in time"`
	Late      int       `json:"late" doc:"among delivered and failed: heard after that"`
	Stray     int       `json:"stray" doc:"reports that fit no part"`
}

func (a *API) reports(context.Context, *none) ([]ReportShare, error) {
	all := []ReportShare{}
	for _, s := range a.Router.ReportShares() {
		all = append(all, ReportShare(s))
	}
	return all, nil
}
