package router

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"gsmgate/router/price"
	"gsmgate/storage"
)

// PriceLists lists all price lists by name.
func (r *Router) PriceLists() []storage.PriceList { return r.db.PriceLists() }

// PriceList gives a list and its prices in their order.
func (r *Router) PriceList(name string) (storage.PriceList, []storage.Price, error) {
	l, ok := r.db.PriceList(name)
	if !ok {
		return l, nil, noPriceList(name)
	}
	prices, err := r.db.Prices(name)
	return l, prices, public(err)
}

func noPriceList(name string) *Error {
	return &Error{Code: NotFound, Field: "price_list", Message: fmt.Sprintf("no price list %.40s", name), Hint: "gsmgate price list shows all price lists"}
}

// PriceImport is a table of prices for a list, see price.Parse.
type PriceImport struct {
	List       string
	Table      []byte
	Start      storage.Time // of prices that name none; 0: they hold from always
	Replace    bool         // what is not in the table is taken out of the list
	SkipErrors bool         // lines that cannot be read are left out, instead of refusing all
	DryRun     bool
}

// PriceReport says what an import has changed, or would.
type PriceReport struct {
	price.Report
	Problems []price.Problem
	Ignored  []string // columns
	Done     bool     // it was made
}

// ImportPrices puts the prices of a table into a list, a new one when there is
// none. With problems nothing is imported unless SkipErrors says so; that is no
// error of ImportPrices.
func (r *Router) ImportPrices(ctx context.Context, in PriceImport) (PriceReport, error) {
	if !safeName(in.List) {
		return PriceReport{}, invalid("list", fmt.Sprintf("%.40q is no name of a price list", in.List), nameHint)
	}
	sheet := price.Parse(in.Table, in.Start)
	r.edits.Lock()
	defer r.edits.Unlock()
	old, err := r.db.Prices(in.List)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return PriceReport{}, public(err)
	}
	merged, changes := price.Merge(old, sheet.Prices, in.Replace)
	report := PriceReport{Report: changes, Problems: sheet.Problems, Ignored: sheet.Ignored}
	switch {
	case len(merged) > storage.MostPrices:
		return report, invalid("csv", fmt.Sprintf("the list would have more than %d prices", storage.MostPrices), "")
	case in.DryRun, len(sheet.Problems) > 0 && !in.SkipErrors, len(sheet.Prices) == 0:
		return report, nil
	}
	if _, err := r.db.PutPrices(context.WithoutCancel(ctx), in.List, merged); err != nil {
		return report, public(err)
	}
	report.Done = true
	r.redraw(in.List)
	return report, nil
}

// PriceListChange says what is to change; nil fields stay.
type PriceListChange struct {
	Note     *string
	Channels *[]string
}

// SetPriceList changes whom a list is for. A channel has the costs of one list.
func (r *Router) SetPriceList(ctx context.Context, name string, c PriceListChange) (storage.PriceList, error) {
	r.edits.Lock()
	defer r.edits.Unlock()
	if _, ok := r.db.PriceList(name); !ok {
		return storage.PriceList{}, noPriceList(name)
	}
	if c.Channels != nil {
		if err := r.checkCostsOf(name, *c.Channels); err != nil {
			return storage.PriceList{}, err
		}
	}
	if c.Note != nil && len(*c.Note) > 200 {
		return storage.PriceList{}, invalid("note", "the note is longer than 200 octets", "")
	}
	l, err := r.db.ChangePriceList(context.WithoutCancel(ctx), name, func(l *storage.PriceList) error {
		take(&l.Note, c.Note)
		take(&l.Channels, c.Channels)
		return nil
	})
	if err != nil {
		return l, public(err)
	}
	r.redraw()
	return l, nil
}

func (r *Router) checkCostsOf(name string, channels []string) error {
	for i, ch := range channels {
		if ch == "" || len(ch) > 100 || slices.Contains(channels[:i], ch) {
			return invalid("channels", fmt.Sprintf("channel %.100q is named twice, or is none", ch), "")
		}
		for _, l := range r.db.PriceLists() {
			if l.Name != name && slices.Contains(l.Channels, ch) {
				return &Error{Code: Conflict, Field: "channels", Message: fmt.Sprintf("what channel %s costs is in price list %s", ch, l.Name), Hint: "take it out there first"}
			}
		}
	}
	return nil
}

// RemovePriceList takes a list away that no user has.
func (r *Router) RemovePriceList(ctx context.Context, name string) error {
	r.edits.Lock()
	defer r.edits.Unlock()
	r.users.Lock() // else one could get it meanwhile
	defer r.users.Unlock()
	for _, u := range r.db.Users() {
		if u.PriceList == name && name != "" {
			return &Error{Code: Conflict, Field: "price_list", Message: fmt.Sprintf("user %s pays by price list %s", u.SystemID, name), Hint: "give it another with gsmgate user set"}
		}
	}
	err := r.db.RemovePriceList(context.WithoutCancel(ctx), name)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return noPriceList(name)
	case err != nil:
		return public(err)
	}
	r.redraw(name)
	return nil
}
