//go:build usbtest

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// initramfs is an archive of cpio's newc format, as the kernel unpacks it.
type initramfs struct {
	bytes.Buffer
	made map[string]bool
}

// Modes of what is in it.
const (
	modeDirectory = 0o040755
	modeProgram   = 0o100755
	modeFile      = 0o100644
)

// entry adds a file, or a directory, after those that it is in.
func (a *initramfs) entry(name string, mode int, body []byte) {
	if dir := filepath.Dir(name); dir != "." && !a.made[dir] {
		a.entry(dir, modeDirectory, nil)
	}
	if a.made == nil {
		a.made = map[string]bool{}
	}
	a.made[name] = true
	a.WriteString("070701")
	for _, field := range []int{len(a.made), mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name) + 1, 0} {
		fmt.Fprintf(a, "%08X", field)
	}
	a.WriteString(name + "\x00")
	a.pad()
	a.Write(body)
	a.pad()
}

// pad fills to a border of four octets.
func (a *initramfs) pad() { a.Write(make([]byte, (4-a.Len()%4)%4)) }

// file adds a file of this machine.
func (a *initramfs) file(t *testing.T, name string, mode int, from string) {
	t.Helper()
	body, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	a.entry(name, mode, body)
}

// end closes the archive.
func (a *initramfs) end() []byte {
	a.entry("TRAILER!!!", 0, nil)
	return a.Bytes()
}

// guestModules are those that the guest needs, each behind those that it
// needs itself.
func guestModules() []string {
	return []string{"usb/common/usb-common", "usb/core/usbcore", "usb/host/xhci-hcd", "usb/host/xhci-pci", "usb/serial/usbserial", "usb/serial/ftdi_sio", "net/ethernet/intel/e1000/e1000"}
}

// guestInit is the guest's first process: a gateway whose log goes to the
// console, and a shell on the second serial port. What is in capitals is put in.
const guestInit = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox --install -s /bin
export PATH=/bin
for m in MODULES; do insmod /lib/$m.ko || echo "no module $m"; done
ifconfig lo 127.0.0.1 up
ifconfig eth0 10.0.2.15 up
umask 077
mkdir /data
echo TOKEN > /data/admin.token
gsmgate serve --data /data --modem usb --listen smpp://0.0.0.0:2775 --listen http://0.0.0.0:8080 &
echo $! > /tmp/gateway.pid
exec setsid sh -c 'exec sh -s </dev/ttyS1 >/dev/ttyS1 2>&1'
`
