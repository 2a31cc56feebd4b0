package main

import (
	"fmt"
	"text/tabwriter"

	"gsmgate/router/loopchan"
)

type channelLoopbackCmd struct {
	JSON bool `name:"json" help:"print as JSON"`
}

// loopbackTables are what gsmgate channel loopback prints as JSON.
type loopbackTables struct {
	Settings []loopchan.Setting `json:"settings"`
	Numbers  []loopchan.Number  `json:"numbers"`
}

func (c *channelLoopbackCmd) Run(e *env) error {
	all := loopbackTables{loopchan.Settings(), loopchan.Numbers()}
	if c.JSON {
		return e.json(all)
	}
	w := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tDEFAULT\tWHAT")
	for _, s := range all.Settings {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Key, orDash(s.Default), s.What)
	}
	fmt.Fprintln(w, "\nNUMBER ENDS IN\tWHAT BECOMES OF THE MESSAGE")
	for _, n := range all.Numbers {
		fmt.Fprintf(w, "%s\t%s\n", n.Suffix, n.What)
	}
	return w.Flush()
}
