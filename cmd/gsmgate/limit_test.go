package main

import (
	"errors"
	"net"
	"testing"
)

func TestLimitListener_WaitsForAPlace(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := limited(inner, 2)
	for range 3 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	third := make(chan error, 1)
	go func() {
		_, err := ln.Accept()
		third <- err
	}()
	if len(ln.places) != 2 {
		t.Errorf("%d places taken", len(ln.places))
	}
	first.Close()
	first.Close() // gives back one place, not two
	if err := <-third; err != nil {
		t.Fatal(err)
	}
	if len(ln.places) != 2 {
		t.Errorf("%d places taken", len(ln.places))
	}
	go func() {
		_, err := ln.Accept()
		third <- err
	}()
	ln.Close()
	if err := <-third; !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed listener answers %v", err)
	}
}
