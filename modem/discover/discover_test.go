package discover

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// tree reads a tree of testdata: "[directory]", "name = content", "name -> target".
func tree(t testing.TB, name string) fstest.MapFS {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	files, dir := fstest.MapFS{}, ""
	for line := range strings.Lines(string(raw)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			dir = strings.Trim(line, "[]")
			files[dir] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
			continue
		}
		if name, to, ok := strings.Cut(line, " -> "); ok {
			files[path.Join(dir, name)] = &fstest.MapFile{Data: []byte(to), Mode: fs.ModeSymlink | 0o777}
			continue
		}
		name, content, ok := strings.Cut(line, " = ")
		if !ok {
			t.Fatalf("what is %q?", line)
		}
		files[path.Join(dir, name)] = &fstest.MapFile{Data: []byte(content + "\n")}
	}
	return files
}

func portsOf(d Device) string {
	var words []string
	for _, p := range d.Ports {
		words = append(words, fmt.Sprintf("%d %s", p.Interface, p.Name))
	}
	return strings.Join(words, ", ")
}

func TestUSB_Hub_EachToldForWhatItIs(t *testing.T) {
	root := Root{Sys: tree(t, "hub.txt"), Dev: "/dev"}
	got, err := root.USB()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		path, id string
		mode     Mode
		ports    string
	}{
		{"1-1.1", "12d1:1506", Modem, "0 ttyUSB7, 1 ttyUSB4, 2 ttyUSB5"},
		{"1-1.2", "12d1:1446", Storage, ""},
		{"1-1.3", "2c7c:0125", Modem, "0 ttyUSB0, 1 ttyUSB1, 2 ttyUSB2, 3 ttyUSB3"},
		{"1-1.4", "1e0e:9001", Modem, "0 ttyUSB8, 1 ttyUSB9, 2 ttyUSB10, 3 ttyUSB11, 4 ttyUSB12"},
		{"1-2", "1bc7:0021", Modem, "0 ttyACM0, 2 ttyACM1"},
		{"1-3", "0403:6001", Adapter, "0 ttyUSB13"},
		{"1-4", "10c4:ea60", Adapter, "0 ttyUSB14"},
		{"1-5", "1a86:7523", Adapter, "0 ttyUSB15"},
		{"1-6", "067b:2303", Adapter, "0 ttyUSB6"},
		{"1-9", "1546:01a7", Adapter, "0 ttyACM2"}, // a satellite receiver of a maker of modems
		{"1-10", "12d1:14dc", Network, ""},
		{"1-11", "19d2:0117", Driverless, ""},
		{"1-12", "2341:0043", Adapter, "0 ttyACM3"},
		{"1-13", "05c6:1000", Storage, ""},
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) {
			t.Fatalf("%d devices, want %d", len(got), len(want))
		}
		g, w := got[i], want[i]
		if g.Path != w.path || g.ID() != w.id || g.Mode != w.mode || portsOf(g) != w.ports {
			t.Errorf("got %s %s %s [%s], want %+v", g.Path, g.ID(), g.Mode, portsOf(g), w)
		}
	}
}

func TestDevice_Stick_AllThatIsKnownOfIt(t *testing.T) {
	dev := t.TempDir()
	for name, to := range map[string]string{"serial/by-id/usb-Quectel_EC25-EU_0123456789ABCDEF-if02-port0": "../../ttyUSB2",
		"serial/by-path/pci-0000:00:14.0-usb-0:1.3:1.2-port0": "../../ttyUSB2", "serial/by-path/gone": "../../ttyUSB90"} {
		if err := os.MkdirAll(filepath.Join(dev, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(dev, name)); err != nil {
			t.Fatal(err)
		}
	}
	root := Root{Sys: tree(t, "hub.txt"), Dev: dev}
	d, err := root.Device("1-1.3")
	if err != nil {
		t.Fatal(err)
	}
	if d.Serial != "0123456789ABCDEF" || d.Maker != "Quectel" || d.Name != "EC25-EU" || d.Plugging() != "1-1.3#5" {
		t.Errorf("got %+v", d)
	}
	want := Port{Name: "ttyUSB2", Node: filepath.Join(dev, "ttyUSB2"), Driver: "option", Interface: 2,
		ByID:   filepath.Join(dev, "serial/by-id/usb-Quectel_EC25-EU_0123456789ABCDEF-if02-port0"),
		ByPath: filepath.Join(dev, "serial/by-path/pci-0000:00:14.0-usb-0:1.3:1.2-port0")}
	if p, ok := d.Port("ttyUSB2"); !ok || p != want {
		t.Errorf("got  %+v\nwant %+v", p, want)
	}
	if got := d.Guess(); !slices.Equal(got, []int{2, 3, 0, 1}) {
		t.Errorf("guess %v", got)
	}
}

func TestDevice_NotThere_NotExist(t *testing.T) {
	root := Root{Sys: tree(t, "hub.txt"), Dev: "/dev"}
	for _, usb := range []string{"1-1.7", "9-9", "1-7", "usb1", "../x", "1-1.1:1.0", ""} {
		if d, err := root.Device(usb); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %+v, %v", usb, d, err)
		}
	}
}

func TestOf_NodeOrLink_ItsDevice(t *testing.T) {
	dev := t.TempDir()
	if err := os.WriteFile(filepath.Join(dev, "ttyUSB5"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("ttyUSB5", filepath.Join(dev, "modem")); err != nil {
		t.Fatal(err)
	}
	root := Root{Sys: tree(t, "hub.txt"), Dev: dev}
	for _, node := range []string{"ttyUSB5", "modem"} {
		if d, p, ok := root.Of(filepath.Join(dev, node)); !ok || d.Path != "1-1.1" || p.Interface != 2 {
			t.Errorf("%s: %v %+v %+v", node, ok, d, p)
		}
	}
	if _, _, ok := root.Of(filepath.Join(dev, "none")); ok {
		t.Error("a device was found for no node")
	}
}

func TestBoards_OnlyRealPorts(t *testing.T) {
	got, err := Root{Sys: tree(t, "boards.txt"), Dev: "/dev"}.Boards()
	if err != nil {
		t.Fatal(err)
	}
	want := []Port{
		{Name: "ttyAMA0", Node: "/dev/ttyAMA0", Driver: "uart-pl011", Interface: -1},
		{Name: "ttyMUX0", Node: "/dev/ttyMUX0", Driver: "some-mux", Interface: -1},
		{Name: "ttyS0", Node: "/dev/ttyS0", Driver: "serial", Interface: -1},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if on, err := (Root{Sys: tree(t, "hub.txt"), Dev: "/dev"}).Boards(); err != nil || len(on) != 0 {
		t.Errorf("ports on USB are on no board: %+v, %v", on, err)
	}
}

func TestUSB_NoUSB_None(t *testing.T) {
	for name, sys := range map[string]fs.FS{"empty": fstest.MapFS{}, "boards": tree(t, "boards.txt"), "gone": os.DirFS(filepath.Join(t.TempDir(), "none"))} {
		if got, err := (Root{Sys: sys, Dev: "/dev"}).USB(); err != nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestText_Hostile_Harmless(t *testing.T) {
	files := tree(t, "hub.txt")
	dir := "devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.1"
	files[dir+"/product"] = &fstest.MapFile{Data: []byte("evil\x1b[2J\xff\n" + strings.Repeat("x", 5000))}
	d, err := Root{Sys: files, Dev: "/dev"}.Device("1-1.1")
	if err != nil || len([]rune(d.Name)) != longest || strings.ContainsAny(d.Name, "\x1b\n") || !utf8.ValidString(d.Name) {
		t.Errorf("got %q, %v", d.Name, err)
	}
}
