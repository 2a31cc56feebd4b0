package provisioning

import (
	"cmp"
	"context"
	"time"

	"gsmgate/router"
	"gsmgate/storage"
)

// SIM is a card: what is set for it, what is known of it, and what it does now.
type SIM struct {
	ID       string `json:"id" doc:"ICCID, or what the modem tells instead"`
	Name     string `json:"name"`
	Pool     string `json:"pool" doc:"empty: the default pool"`
	Disabled bool   `json:"disabled" doc:"nothing is sent; what comes in is taken"`
	Draining bool   `json:"draining" doc:"only what it has begun is sent to its end"`
	HasPIN   bool   `json:"has_pin" doc:"a PIN is set; it is never shown"`
	SMSC     string `json:"smsc" doc:"service-centre address to set; empty: that of the card"`
	Roaming  string `json:"roaming" enum:"send,hold"`
	Number   string `json:"number" doc:"its own number as it was set"`

	Limits   []SIMLimit `json:"limits" doc:"in parts: minute, hour, day, month"`
	GapMS    int        `json:"gap_ms" doc:"at least from one part to the next"`
	JitterMS int        `json:"jitter_ms" doc:"up to so much more, at random"`
	Quiet    []string   `json:"quiet" doc:"hours in which messages are held, such as 22:00-07:00 or sat,sun 00:00-24:00"`
	Zone     string     `json:"zone" doc:"of quiet hours, days and months; empty: that of the machine"`

	BalanceCode    string `json:"balance_code"`
	BalancePattern string `json:"balance_pattern"`
	BalanceEveryH  int    `json:"balance_every_h"`
	BalanceLow     string `json:"balance_low"`

	IMSI      string     `json:"imsi"`
	Learnt    string     `json:"learnt_number" doc:"its own number as card or network tell it"`
	Balance   string     `json:"balance" doc:"as it was read last"`
	BalanceAt *time.Time `json:"balance_at,omitempty"`
	LastSeen  *time.Time `json:"last_seen,omitempty"`
	LastIMEI  string     `json:"last_imei" doc:"of the modem that it was in last"`
	Total     uint64     `json:"total" doc:"parts that it has tried to send, since the first"`
	LastSent  *time.Time `json:"last_sent,omitempty"`

	SIMState
}

// SIMLimit is one limit and how much of it is left. Minute and hour slide;
// day and month are those of the calendar.
type SIMLimit struct {
	Per   string `json:"per" enum:"minute,hour,day,month"`
	Limit int    `json:"limit" doc:"0: none"`
	Used  int    `json:"used"`
	Left  *int   `json:"left,omitempty" doc:"absent without a limit"`
}

// SIMState is where a SIM is, and what keeps it from sending.
type SIMState struct {
	State  string     `json:"state" enum:"sending,held,away,unknown" doc:"away: in no modem that is ready; unknown: no gateway runs"`
	Reason string     `json:"reason" doc:"why it does not send; empty when it does"`
	Until  *time.Time `json:"until,omitempty" doc:"when that ends by itself"`
	Modem  string     `json:"modem" doc:"path of the modem that it is in"`
	IMEI   string     `json:"imei" doc:"of that modem"`
}

// SIMPatch changes what it names and leaves the rest.
type SIMPatch struct {
	Name           *string   `json:"name,omitempty"`
	Pool           *string   `json:"pool,omitempty" doc:"a-z, 0-9, - and _; empty: the default pool"`
	PIN            *string   `json:"pin,omitempty" doc:"4 to 8 digits; empty: none"`
	SMSC           *string   `json:"smsc,omitempty"`
	Roaming        *string   `json:"roaming,omitempty" doc:"send or hold"`
	Number         *string   `json:"number,omitempty"`
	Disabled       *bool     `json:"disabled,omitempty"`
	Draining       *bool     `json:"draining,omitempty"`
	PerMinute      *int      `json:"per_minute,omitempty" doc:"parts; 0: no limit"`
	PerHour        *int      `json:"per_hour,omitempty"`
	PerDay         *int      `json:"per_day,omitempty"`
	PerMonth       *int      `json:"per_month,omitempty"`
	GapMS          *int      `json:"gap_ms,omitempty"`
	JitterMS       *int      `json:"jitter_ms,omitempty"`
	Quiet          *[]string `json:"quiet,omitempty" doc:"replaces all of them"`
	Zone           *string   `json:"zone,omitempty"`
	BalanceCode    *string   `json:"balance_code,omitempty" doc:"USSD such as *100#, or sms:NUMBER:TEXT"`
	BalancePattern *string   `json:"balance_pattern,omitempty" doc:"regular expression; its first group is the amount"`
	BalanceLow     *string   `json:"balance_low,omitempty"`
	BalanceEveryH  *int      `json:"balance_every_h,omitempty"`
}

// change is the patch in the router's words.
func (p *SIMPatch) change() router.SIMChange {
	return router.SIMChange{
		Name: p.Name, Pool: p.Pool, PIN: p.PIN, SMSC: p.SMSC, Roaming: p.Roaming, Number: p.Number,
		Disabled: p.Disabled, Draining: p.Draining,
		PerMinute: p.PerMinute, PerHour: p.PerHour, PerDay: p.PerDay, PerMonth: p.PerMonth,
		GapMS: p.GapMS, JitterMS: p.JitterMS, Quiet: p.Quiet, Zone: p.Zone,
		BalanceCode: p.BalanceCode, BalancePattern: p.BalancePattern, BalanceLow: p.BalanceLow, BalanceEveryH: p.BalanceEveryH,
	}
}

// BySIM is exported for huma, which fills in no others.
type BySIM struct {
	ID string `path:"id" doc:"ICCID, or at least six digits at the end of it"`
}

func (a *API) routeSIMs() {
	route(a, "GET", "/v1/sims", 200, "all SIMs of which something is known", a.sims)
	route(a, "GET", "/v1/sims/{id}", 200, "one SIM", a.sim)
	route(a, "PATCH", "/v1/sims/{id}", 200, "change a SIM, or set one that is not plugged in yet by its whole ICCID", a.setSIM)
	route(a, "DELETE", "/v1/sims/{id}", 200, "forget what is set for a SIM and learnt of it", a.removeSIM)
}

func (a *API) sims(context.Context, *none) ([]SIM, error) {
	views := a.Router.SIMs()
	all := make([]SIM, len(views))
	for i, v := range views {
		all[i] = a.simOf(v)
	}
	return all, nil
}

func (a *API) sim(_ context.Context, in *BySIM) (SIM, error) {
	v, err := a.Router.SIM(in.ID)
	if err != nil {
		return SIM{}, err
	}
	return a.simOf(v), nil
}

func (a *API) setSIM(ctx context.Context, in *struct {
	BySIM
	Body SIMPatch
}) (SIM, error) {
	v, err := a.Router.SetSIM(ctx, in.ID, in.Body.change())
	if err != nil {
		return SIM{}, err
	}
	return a.simOf(v), nil
}

// removeSIM answers what the SIM was.
func (a *API) removeSIM(ctx context.Context, in *BySIM) (SIM, error) {
	was, err := a.sim(ctx, in)
	if err == nil {
		err = a.Router.RemoveSIM(ctx, was.ID)
	}
	return was, err
}

func (a *API) simOf(v router.SIMView) SIM {
	s := SIM{
		ID: v.ID, Name: v.Name, Pool: v.Pool, Disabled: v.Disabled, Draining: v.Draining, HasPIN: v.HasPIN,
		SMSC: v.SMSC, Roaming: cmp.Or(v.Roaming, "send"), Number: v.Number, GapMS: v.GapMS, JitterMS: v.JitterMS,
		Limits: limitsOf(&v.SIM, v.Used), Quiet: append([]string{}, v.Quiet...), Zone: v.Zone,
		BalanceCode: v.BalanceCode, BalancePattern: v.BalancePattern, BalanceEveryH: v.BalanceEveryH, BalanceLow: v.BalanceLow,
		IMSI: v.IMSI, Learnt: v.Learnt, Balance: v.Balance, BalanceAt: optional(v.BalanceAt),
		LastSeen: optional(v.LastSeen), LastIMEI: v.LastIMEI, Total: v.Total, LastSent: optional(v.LastSent),
		SIMState: SIMState{State: "unknown"},
	}
	if a.SIMState != nil {
		s.SIMState = a.SIMState(v.ID)
	}
	return s
}

func limitsOf(s *storage.SIM, used storage.Usage) []SIMLimit {
	limits := []SIMLimit{
		{Per: "minute", Limit: s.PerMinute, Used: used.Minute}, {Per: "hour", Limit: s.PerHour, Used: used.Hour},
		{Per: "day", Limit: s.PerDay, Used: used.Day}, {Per: "month", Limit: s.PerMonth, Used: used.Month},
	}
	for i := range limits {
		if l := &limits[i]; l.Limit > 0 {
			left := max(0, l.Limit-l.Used)
			l.Left = &left
		}
	}
	return limits
}
