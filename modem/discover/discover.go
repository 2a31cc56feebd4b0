package discover

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Root is where the kernel shows its devices.
type Root struct {
	Sys fs.FS  // "/sys"; it must know links (fs.ReadLinkFS)
	Dev string // "/dev", where the nodes are

	dir string // of Sys, for what is written there; "": nothing can be
}

// Under is the root below a directory: "/" for the box itself.
func Under(dir string) Root {
	sys := filepath.Join(dir, "sys")
	return Root{Sys: os.DirFS(sys), Dev: filepath.Join(dir, "dev"), dir: sys}
}

// Mode is what a device can be used for as it is now.
type Mode string

// The modes of a device.
const (
	Modem      Mode = "modem"      // has serial ports, and its driver or maker says that it is a modem
	Adapter    Mode = "adapter"    // a plain serial adapter: anything may hang on it
	Storage    Mode = "storage"    // a stick that shows the disk with its Windows drivers
	Network    Mode = "network"    // a stick that shows a network card and no serial port
	Driverless Mode = "driverless" // a stick whose ports no driver has taken
)

// Device is a USB device.
type Device struct {
	Path    string `json:"path"`    // "1-1.4"
	Vendor  string `json:"vendor"`  // "12d1"
	Product string `json:"product"` // "1506"
	Serial  string `json:"serial"`  // "" where it has none; seldom one of its own
	Maker   string `json:"maker"`
	Name    string `json:"name"`
	Mode    Mode   `json:"mode"`
	Ports   []Port `json:"ports"` // by interface number

	number int // changes with each plugging-in
}

// Port is a serial port.
type Port struct {
	Name      string `json:"name"` // "ttyUSB3"
	Node      string `json:"node"` // "/dev/ttyUSB3"
	Driver    string `json:"driver"`
	Interface int    `json:"interface"` // of the USB device; -1 for one that is on the board
	ByID      string `json:"by_id"`     // udev's name by serial number, "" where there is none
	ByPath    string `json:"by_path"`   // udev's name by place
}

// ID is vendor and product, "12d1:1506".
func (d Device) ID() string { return d.Vendor + ":" + d.Product }

// Plugging tells one plugging-in of a device from the next.
func (d Device) Plugging() string { return d.Path + "#" + strconv.Itoa(d.number) }

// Port finds a port by its name.
func (d Device) Port(name string) (Port, bool) {
	i := slices.IndexFunc(d.Ports, func(p Port) bool { return p.Name == name })
	if i < 0 {
		return Port{}, false
	}
	return d.Ports[i], true
}

// usbPath is the form of a USB path [kernel: Documentation/ABI/stable/sysfs-bus-usb].
var usbPath = regexp.MustCompile(`^[0-9]{1,3}-[0-9]{1,3}(\.[0-9]{1,3}){0,6}$`)

// IsUSBPath tells whether s has the form of a USB path.
func IsUSBPath(s string) bool { return usbPath.MatchString(s) }

const devices = "bus/usb/devices"

// USB lists all devices that are or may be modems or adapters, by path. A box without USB has none.
func (r Root) USB() ([]Device, error) {
	entries, err := fs.ReadDir(r.Sys, devices)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := r.names()
	var all []Device
	for _, e := range entries {
		if !IsUSBPath(e.Name()) {
			continue
		}
		if d, err := r.device(e.Name(), names); err == nil && d.Mode != "" { // an error: it went while we looked
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Device) int { return comparePaths(a.Path, b.Path) })
	return all, nil
}

// Device reads one device. The error is fs.ErrNotExist when nothing is plugged in there, or nothing with which we could do anything.
func (r Root) Device(usb string) (Device, error) {
	if !IsUSBPath(usb) {
		return Device{}, fs.ErrNotExist
	}
	d, err := r.device(usb, r.names())
	if err == nil && d.Mode == "" {
		err = fs.ErrNotExist
	}
	return d, err
}

func (r Root) device(usb string, names names) (Device, error) {
	dir, err := r.follow(path.Join(devices, usb))
	if err != nil {
		return Device{}, err
	}
	d := Device{Path: usb, Vendor: r.text(dir, "idVendor"), Product: r.text(dir, "idProduct"), Serial: r.text(dir, "serial"),
		Maker: r.text(dir, "manufacturer"), Name: r.text(dir, "product")}
	d.number, _ = strconv.Atoi(r.text(dir, "devnum"))
	if d.Vendor == "" {
		return Device{}, fs.ErrNotExist
	}
	entries, err := fs.ReadDir(r.Sys, dir)
	if err != nil {
		return Device{}, err
	}
	var functions []function
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), usb+":") {
			functions = append(functions, r.function(path.Join(dir, e.Name()), names))
		}
	}
	for _, f := range functions {
		d.Ports = append(d.Ports, f.ports...)
	}
	slices.SortStableFunc(d.Ports, func(a, b Port) int { return a.Interface - b.Interface })
	d.Mode = modeOf(d, functions)
	return d, nil
}

// function is a USB interface.
type function struct {
	class  string // bInterfaceClass in hex, "ff"
	driver string
	ports  []Port
}

// function reads an interface and the ports that its driver made: usb-serial puts them below it, cdc-acm below its directory tty.
func (r Root) function(dir string, names names) function {
	f := function{class: r.text(dir, "bInterfaceClass"), driver: r.link(dir, "driver")}
	number, err := strconv.ParseInt(r.text(dir, "bInterfaceNumber"), 16, 16)
	if err != nil {
		number = -1
	}
	entries, _ := fs.ReadDir(r.Sys, dir)
	acm, _ := fs.ReadDir(r.Sys, path.Join(dir, "tty"))
	for _, e := range append(entries, acm...) {
		if name := e.Name(); strings.HasPrefix(name, "tty") && name != "tty" {
			f.ports = append(f.ports, r.port(name, f.driver, int(number), names))
		}
	}
	return f
}

func (r Root) port(name, driver string, number int, names names) Port {
	return Port{Name: name, Node: filepath.Join(r.Dev, name), Driver: driver, Interface: number, ByID: names.byID[name], ByPath: names.byPath[name]}
}

// Boards lists the serial ports that are on the board, not on USB.
func (r Root) Boards() ([]Port, error) {
	entries, err := fs.ReadDir(r.Sys, "class/tty")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	names := r.names()
	var all []Port
	for _, e := range entries {
		dir, err := r.follow(path.Join("class/tty", e.Name()))
		if err != nil || strings.HasPrefix(dir, "devices/virtual/") || usbOf(dir) != "" {
			continue
		}
		// 0 is PORT_UNKNOWN: a place in the driver's table without a chip.
		if r.text(dir, "type") == "0" || r.link(dir, "device") == "" {
			continue
		}
		all = append(all, r.port(e.Name(), r.driverAbove(dir), -1, names))
	}
	slices.SortFunc(all, func(a, b Port) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

// driverAbove climbs to the driver of a port. Since 6.5 a port has two devices of the serial core, "ctrl" and "port", above it.
func (r Root) driverAbove(dir string) string {
	for ; dir != "." && dir != "devices"; dir = path.Dir(dir) {
		if driver := r.link(dir, "driver"); driver != "" && driver != "port" && driver != "ctrl" {
			return driver
		}
	}
	return ""
}

// maxLinks bounds the links from a name to its node.
const maxLinks = 8

// Of finds the USB device that a node belongs to, by a path to it or a link.
func (r Root) Of(node string) (d Device, p Port, ok bool) {
	for range maxLinks {
		if _, err := os.Lstat(node); err != nil {
			return d, p, false
		}
		name := filepath.Base(node)
		if dir, err := r.follow(path.Join("class/tty", name)); err == nil && usbOf(dir) != "" {
			if d, err = r.Device(usbOf(dir)); err != nil {
				return d, p, false
			}
			p, ok = d.Port(name)
			return d, p, ok
		}
		to, err := os.Readlink(node)
		if err != nil {
			return d, p, false
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(node), to)
		}
		node = to
	}
	return d, p, false
}

// usbOf is the USB path in the path of a device: that of the device before its interface.
func usbOf(dir string) string {
	for element := range strings.SplitSeq(dir, "/") {
		if usb, _, ok := strings.Cut(element, ":"); ok && IsUSBPath(usb) {
			return usb
		}
	}
	return ""
}

// names are udev's names of the ports.
type names struct{ byID, byPath map[string]string }

func (r Root) names() names {
	return names{r.namesIn("by-id"), r.namesIn("by-path")}
}

func (r Root) namesIn(dir string) map[string]string {
	found := map[string]string{}
	dir = filepath.Join(r.Dev, "serial", dir)
	entries, _ := os.ReadDir(dir) // without udev there are none
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		if to, err := os.Readlink(name); err == nil {
			found[filepath.Base(to)] = name
		}
	}
	return found
}

// follow gives the place that a link in sysfs stands for.
func (r Root) follow(link string) (string, error) {
	to, err := fs.ReadLink(r.Sys, link)
	if err != nil {
		return "", err
	}
	dir := path.Join(path.Dir(link), to)
	if !fs.ValidPath(dir) {
		return "", fs.ErrNotExist
	}
	return dir, nil
}

// link is the last element of a link's target, "" for none.
func (r Root) link(dir, name string) string {
	to, err := fs.ReadLink(r.Sys, path.Join(dir, name))
	if err != nil {
		return ""
	}
	return path.Base(to)
}

// longest bounds what is taken of a text that a device says.
const longest = 64

// text reads an attribute, "" when it is not there.
func (r Root) text(dir, name string) string {
	raw, err := fs.ReadFile(r.Sys, path.Join(dir, name))
	if err != nil {
		return ""
	}
	clean := []rune(strings.TrimSpace(strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(string(raw), " "))))
	return string(clean[:min(len(clean), longest)])
}

// comparePaths puts 1-2 before 1-10.
func comparePaths(a, b string) int {
	return slices.CompareFunc(numbersOf(a), numbersOf(b), func(x, y int) int { return x - y })
}

func numbersOf(usb string) (out []int) {
	for _, word := range strings.FieldsFunc(usb, func(c rune) bool { return c == '-' || c == '.' }) {
		n, _ := strconv.Atoi(word)
		out = append(out, n)
	}
	return out
}
