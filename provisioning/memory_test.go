package provisioning_test

import (
	"bytes"
	"runtime"
	"testing"
)

func TestStatus_Memory_CountsTheProcess(t *testing.T) {
	_, c := newAPI(t)
	held := bytes.Repeat([]byte{1}, 8<<20)
	runtime.GC()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if m := s.Memory; m.Heap < uint64(len(held)) || m.Goroutines < 1 || runtime.GOOS == "linux" && m.RSS < uint64(len(held)) {
		t.Errorf("%+v, with %d octets alive", m, len(held))
	}
	runtime.KeepAlive(held)
}
