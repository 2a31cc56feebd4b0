//go:build usbtest

package main

import (
	"encoding/json"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// qmp is qemu's monitor.
type qmp struct {
	t    *testing.T
	conn net.Conn
	told chan qmpAnswer

	mu      sync.Mutex
	leaving map[string]chan struct{} // by id of a device that is being taken out
}

type qmpAnswer struct {
	Return json.RawMessage
	Error  *struct{ Class, Desc string }
	Event  string
	Data   struct{ Device string }
}

func newQMP(t *testing.T, conn net.Conn) *qmp {
	q := &qmp{t: t, conn: conn, told: make(chan qmpAnswer, 1), leaving: map[string]chan struct{}{}}
	go q.read()
	q.do("qmp_capabilities", nil)
	return q
}

// read hands on answers, and notes which devices are gone, until the
// connection ends.
func (q *qmp) read() {
	for d := json.NewDecoder(q.conn); ; {
		var a qmpAnswer
		if err := d.Decode(&a); err != nil {
			close(q.told)
			return
		}
		switch {
		case a.Event == "DEVICE_DELETED" && a.Data.Device != "":
			q.left(a.Data.Device)
		case a.Return != nil || a.Error != nil:
			q.told <- a
		}
	}
}

// leaves gives what is closed when the device is gone.
func (q *qmp) leaves(device string) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	gone := make(chan struct{})
	q.leaving[device] = gone
	return gone
}

func (q *qmp) left(device string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if gone := q.leaving[device]; gone != nil {
		close(gone)
		delete(q.leaving, device)
	}
}

// do carries out a command of the monitor.
func (q *qmp) do(command string, arguments any) {
	q.t.Helper()
	if arguments == nil {
		arguments = struct{}{}
	}
	raw, err := json.Marshal(map[string]any{"execute": command, "arguments": arguments})
	if err == nil {
		_, err = q.conn.Write(raw)
	}
	if err != nil {
		q.t.Fatalf("qemu's monitor: %s: %v", command, err)
	}
	select {
	case a, open := <-q.told:
		if !open || a.Error != nil {
			q.t.Fatalf("qemu's monitor: %s %v: %+v", command, arguments, a.Error)
		}
	case <-time.After(30 * time.Second):
		q.t.Fatalf("qemu's monitor does not answer %s", command)
	}
}

// plug puts a serial adapter that leads to a pty into a port.
func (q *qmp) plug(id, pty string, port int) {
	q.t.Helper()
	q.do("chardev-add", map[string]any{"id": "line-" + id, "backend": map[string]any{"type": "serial", "data": map[string]any{"device": pty}}})
	q.do("device_add", map[string]any{"driver": "usb-serial", "id": id, "chardev": "line-" + id, "bus": "xhci.0", "port": fmt.Sprint(port), "serial": id})
}

// unplug takes an adapter out.
func (q *qmp) unplug(id string) {
	q.t.Helper()
	gone := q.leaves(id)
	q.do("device_del", map[string]any{"id": id})
	select {
	case <-gone:
	case <-time.After(30 * time.Second):
		q.t.Fatalf("qemu does not take %s out", id)
	}
	q.do("chardev-remove", map[string]any{"id": "line-" + id})
}
