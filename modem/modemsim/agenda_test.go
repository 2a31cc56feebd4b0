package modemsim

import (
	"slices"
	"testing"
	"time"
)

func TestAgenda_OrderAndCancel(t *testing.T) {
	var a agenda
	var got []int
	start := time.Unix(0, 0)
	enter := func(at int, name int) func() {
		return a.at(start.Add(time.Duration(at)), func(time.Time) { got = append(got, name) })
	}
	enter(3, 3)
	cancel2 := enter(2, 2)
	enter(1, 1)
	enter(3, 4) // the same time: behind 3
	cancel5 := enter(9, 5)
	cancel2()
	cancel2()
	cancel5()
	if len(a.entries) != 3 {
		t.Errorf("%d entries left after two were cancelled", len(a.entries))
	}
	if _, ok := a.due(start); ok {
		t.Error("something was due too early")
	}
	for run, ok := a.due(start.Add(5)); ok; run, ok = a.due(start.Add(5)) {
		run(start)
	}
	if !slices.Equal(got, []int{1, 3, 4}) {
		t.Errorf("got %v", got)
	}
	cancel := enter(7, 7)
	a.clear()
	cancel()
	if next := a.next(start); next != time.Hour {
		t.Errorf("next in %v", next)
	}
}
