package router

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"gsmgate/storage"
)

// deliver sends a text and brings its report.
func (b *bench) deliver(text string) storage.ID {
	b.t.Helper()
	id := b.send(text)
	synctest.Wait()
	b.report("sim:1", text+"-1", storage.Delivered)
	return id
}

// kept says of each message whether it is there, and with what it said.
func (b *bench) kept(ids ...storage.ID) string {
	b.t.Helper()
	all := ""
	for _, id := range ids {
		switch m, err := b.r.Message(id); {
		case err != nil:
			all += "-"
		case m.Text == "":
			if !m.Bare || m.EndedAt == 0 || len(m.Events) == 0 {
				b.t.Errorf("%+v: its record is what is left", m)
			}
			all += "r"
		default:
			all += "t"
		}
	}
	return all
}

func TestRetention_ByAge_TextGoesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{Retention: 10 * time.Hour, TextRetention: 2 * time.Hour})
		id, waiting := b.deliver("a"), b.send("b", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(24 * time.Hour)) })
		for _, c := range []struct {
			after time.Duration
			want  string
		}{{time.Hour, "tt"}, {2 * time.Hour, "rt"}, {6 * time.Hour, "rt"}, {2 * time.Hour, "-t"}} {
			pass(c.after)
			if got := b.kept(id, waiting); got != c.want {
				t.Errorf("%v later %s, want %s", c.after, got, c.want)
			}
		}
		for _, rc := range b.receipts() {
			if rc.About.Text != "a" { // it waits for its client, and has not ended
				t.Errorf("receipt %+v", rc.About)
			}
		}
	})
}

// Each message has a receipt beside it, so that of the last 8 there are 4.
func TestRetention_ByCount_OldestGo_TextsFirst_WhatHasNotEndedStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := running(t, &scripted{lanes: []Lane{lane("sim:1")}, answer: ok}, Options{RetentionCount: 8, TextRetentionCount: 4})
		b.rich()
		ids := []storage.ID{b.send("later", func(m *storage.Message) { m.DueAt = storage.TimeOf(time.Now().Add(24 * time.Hour)) })}
		for i := range 8 {
			ids = append(ids, b.deliver(fmt.Sprint(i)))
		}
		pass(keepEvery + time.Second)
		if got := b.kept(ids...); got != "t----rrtt" {
			t.Errorf("kept %s", got)
		}
		for i := range 2 {
			ids = append(ids, b.deliver(fmt.Sprint(8+i)))
		}
		pass(keepEvery + time.Second)
		if got := b.kept(ids...); got != "t------rrtt" {
			t.Errorf("kept %s", got)
		}
	})
}
