package smppd

import (
	"math"
	"testing"
	"time"
)

func TestMeter_Rate(t *testing.T) {
	var m meter
	second := int64(time.Second)
	near := func(when string, now int64, want, within float64) {
		t.Helper()
		if got := m.rate(now); math.Abs(got-want) > within {
			t.Errorf("%s: %.2f a second, want %.2f", when, got, want)
		}
	}
	near("at the start", 0, 0, 0)
	for ms := range int64(10_000) { // 100 a second
		if ms%10 == 0 {
			m.add(1, ms*int64(time.Millisecond))
		}
	}
	near("after 10 s", 10*second, 100, 5)
	for i := range int64(6000) {
		m.add(2, 10*second+i*second/50)
	}
	near("after 130 s", 130*second, 100, 5)
	near("half a minute of silence", 160*second, 100/math.E, 3)
	near("ten minutes of silence", 730*second, 0, 0.01)
	if n := m.total.Load(); n != 13000 {
		t.Errorf("%d counted", n)
	}
}

func TestMeter_Add_AllocatesNothing(t *testing.T) {
	var m meter
	now := int64(0)
	if n := testing.AllocsPerRun(1000, func() { now += meterStep / 10; m.add(1, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
