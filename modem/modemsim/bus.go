package modemsim

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// Bus is a simulated USB bus: below its directory it keeps a sysfs and nodes as the kernel and udev would for the sticks that are plugged in.
type Bus struct {
	dir string

	mu      sync.Mutex
	plugged map[string][]string // links and nodes to take away, by USB path
	number  int                 // devnum of the last device
}

// Stick is a USB device.
type Stick struct {
	Vendor, Product     string // "12d1", "1506"
	Serial, Maker, Name string
	Functions           []Function // its interfaces, by number
	First               int        // number of its first ttyUSB or ttyACM
}

// Function is an interface of a stick.
type Function struct {
	Class  string // "ff", "08"; "" is ff
	Driver string // "option", "cdc_acm"; "" is none
	TTY    string // what its node leads to, such as a pty; "" is no port
}

// NewBus makes an empty bus in dir: dir/sys and dir/dev.
func NewBus(dir string) (*Bus, error) {
	b := &Bus{dir: dir, plugged: map[string][]string{}}
	for _, d := range []string{"sys/bus/usb/devices", "sys/class/tty", "dev/serial/by-id"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			return nil, fmt.Errorf("modemsim: make a bus: %w", err)
		}
	}
	return b, nil
}

// Dir is the directory with sys and dev in it.
func (b *Bus) Dir() string { return b.dir }

// Node is the path of a node, by its name.
func (b *Bus) Node(name string) string { return filepath.Join(b.dir, "dev", name) }

// Plug makes a stick appear at a USB path, such as "1-1.4".
func (b *Bus) Plug(path string, s Stick) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.plugged[path] != nil {
		return fmt.Errorf("modemsim: something is plugged in at %s", path)
	}
	b.number++
	device := filepath.Join("devices/usb", path)
	p := plugging{bus: b, device: device}
	p.file("idVendor", s.Vendor)
	p.file("idProduct", s.Product)
	p.file("devnum", fmt.Sprint(b.number))
	p.file("serial", s.Serial)
	p.file("manufacturer", s.Maker)
	p.file("product", s.Name)
	tty := s.First
	for i, f := range s.Functions {
		if p.function(fmt.Sprintf("%s:1.%d", path, i), i, f, tty, s); f.TTY != "" {
			tty++
		}
	}
	p.link("sys/bus/usb/devices/"+path, "../../../"+device)
	b.plugged[path] = p.links
	return p.err
}

// Unplug makes what is at a path go.
func (b *Bus) Unplug(path string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	links := b.plugged[path]
	delete(b.plugged, path)
	for i := len(links) - 1; i >= 0; i-- {
		os.Remove(filepath.Join(b.dir, links[i]))
	}
	os.RemoveAll(filepath.Join(b.dir, "sys/devices/usb", path))
}

// plugging is the making of one device; its first error stays.
type plugging struct {
	bus    *Bus
	device string // below sys
	links  []string
	err    error
}

func (p *plugging) file(name, content string) {
	path := filepath.Join(p.bus.dir, "sys", p.device, name)
	if p.err == nil {
		p.err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if p.err == nil && content != "" {
		p.err = os.WriteFile(path, []byte(content+"\n"), 0o644)
	}
}

func (p *plugging) link(name, to string) {
	path := filepath.Join(p.bus.dir, name)
	if p.err == nil {
		p.err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if p.err == nil {
		os.Remove(path)
		p.err = os.Symlink(to, path)
	}
	p.links = append(p.links, name)
}

// function makes an interface, and its port: usb-serial has it below the interface, cdc-acm below the interface's directory tty.
func (p *plugging) function(name string, number int, f Function, tty int, s Stick) {
	class := f.Class
	if class == "" {
		class = "ff"
	}
	p.file(name+"/bInterfaceClass", class)
	p.file(name+"/bInterfaceNumber", fmt.Sprintf("%02x", number))
	if f.Driver != "" {
		p.link(filepath.Join("sys", p.device, name, "driver"), "../../../../bus/usb/drivers/"+f.Driver)
	}
	if f.TTY == "" {
		return
	}
	node, below := fmt.Sprintf("ttyUSB%d", tty), ""
	if f.Driver == "cdc_acm" {
		node = fmt.Sprintf("ttyACM%d", tty)
	} else {
		below = node
	}
	dir := filepath.Join(name, below, "tty", node)
	p.file(dir+"/dev", "188:0")
	p.link("dev/"+node, f.TTY)
	p.link("sys/class/tty/"+node, "../../"+filepath.Join(p.device, dir))
	id := strings.ReplaceAll(fmt.Sprintf("usb-%s_%s_%s-if%02d-port0", s.Maker, s.Name, s.Serial, number), " ", "_")
	p.link("dev/serial/by-id/"+id, "../../"+node)
}
