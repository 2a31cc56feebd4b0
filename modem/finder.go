package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"gsmgate/modem/at"
	"gsmgate/modem/discover"
)

// Finder finds modems: it knows what is plugged in, and asks a stick's ports which of them is the one to use. Its methods may be called from
// any goroutine. A zero takes the default that stands beside it.
type Finder struct {
	Root     discover.Root // that of the box
	Serial   Opener        // OpenSerial
	Fixed    []string      // places that others look after: Watch leaves them out
	Adapters bool          // Watch tells of plain serial adapters too
	Every    time.Duration // 1 s: between two looks of Watch
	Listen   time.Duration // 2 s: how long ports that all speak AT are listened to, to see which brings URCs
	AT       at.Options    // times of a question; short ones
	Log      *slog.Logger  // nothing

	mu     sync.Mutex
	chosen map[string]int    // the interface that was found to be the one, by model
	users  map[string]string // the place that uses a device or asks it, by USB path
	imeis  map[string]asked  // what was learnt when looking for an IMEI, by plugging-in
	wrong  map[string][]int  // interfaces that turned out to be the wrong ones, by plugging-in
}

// asked is what a device has answered, or not.
type asked struct {
	imei  string
	again time.Time // not before; zero: it need not be asked again
}

// Bounds of what a finder remembers.
const (
	maxModels = 256
	askAgain  = 10 * time.Second // for a device that has not answered
)

func (f *Finder) root() discover.Root {
	if f.Root.Sys == nil {
		return discover.Under("/")
	}
	return f.Root
}

func (f *Finder) serial(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	if f.Serial == nil {
		return OpenSerial(ctx, path)
	}
	return f.Serial(ctx, path)
}

func (f *Finder) log() *slog.Logger {
	if f.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return f.Log
}

// Open is an [Opener] that takes each place which [CheckPlace] knows. What it returns tells its [Place].
func (f *Finder) Open(ctx context.Context, place string) (io.ReadWriteCloser, error) {
	switch scheme, rest := split(place); scheme {
	case usbPrefix:
		return f.openUSB(ctx, place, rest)
	case imeiPrefix:
		return f.openIMEI(ctx, place, rest)
	case tcpPrefix:
		return openTCP(ctx, place)
	case rfc2217Prefix:
		return openRFC2217(ctx, place)
	}
	return f.openPath(ctx, place)
}

// openPath opens a node, and finds out to which device it belongs.
func (f *Finder) openPath(ctx context.Context, path string) (io.ReadWriteCloser, error) {
	port, err := f.serial(ctx, path)
	if err != nil {
		return nil, err
	}
	p := &placedPort{ReadWriteCloser: port, place: Place{Node: path, Interface: -1}}
	if d, dp, ok := f.root().Of(path); ok {
		p.place = placeOf(d, dp)
		if f.take(d.Path, path) == "" {
			p.release = func() { f.leave(d.Path) }
		}
	}
	return p, nil
}

// openUSB opens the right port of the device in a socket.
func (f *Finder) openUSB(ctx context.Context, place, usb string) (io.ReadWriteCloser, error) {
	d, err := f.root().Device(usb)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &PortAbsentError{place}
	}
	if err != nil {
		return nil, &PortError{place, err}
	}
	if err := usable(d); err != nil {
		return nil, err
	}
	if user := f.take(usb, place); user != "" {
		return nil, &PortBusyError{Path: place, PID: os.Getpid(), Name: "this gateway as " + user}
	}
	port, err := f.openDevice(ctx, d, place)
	if err != nil {
		f.leave(usb)
		return nil, err
	}
	port.release = func() { f.leave(usb) }
	return port, nil
}

// openDevice finds the port of a device and opens it, if the modem is one for that place. The caller has taken the device.
func (f *Finder) openDevice(ctx context.Context, d discover.Device, place string) (*placedPort, error) {
	choice, err := f.choose(ctx, d, f.asksIMEI(place))
	if err != nil {
		return nil, err
	}
	if choice.imei != "" && f.asksIMEI(place) {
		f.learn(d, asked{imei: choice.imei})
	}
	if err := f.suits(place, choice.imei); err != nil {
		return nil, err
	}
	port, err := f.serial(ctx, choice.port.Node)
	if err != nil {
		return nil, err
	}
	return &placedPort{ReadWriteCloser: port, place: placeOf(d, choice.port), wrong: func() bool { return f.forgetChoice(d, choice.port) }}, nil
}

// errOther says that a device is another modem than the one that is looked for.
var errOther = errors.New("another modem")

// asksIMEI tells whether it matters to a place who the modem is: to one that names it, and to one that is found where others name theirs.
func (f *Finder) asksIMEI(place string) bool {
	scheme, _ := split(place)
	return scheme == imeiPrefix || !slices.Contains(f.Fixed, place) && slices.ContainsFunc(f.Fixed, isIMEI)
}

func isIMEI(place string) bool {
	scheme, _ := split(place)
	return scheme == imeiPrefix
}

// suits tells whether the modem with an IMEI is one for the place.
func (f *Finder) suits(place, imei string) error {
	switch {
	case isIMEI(place) && place != imeiPrefix+imei:
		return errOther
	case !isIMEI(place) && !slices.Contains(f.Fixed, place) && slices.Contains(f.Fixed, imeiPrefix+imei):
		return &SameModemError{imei, imeiPrefix + imei}
	}
	return nil
}

// openIMEI asks all modems that nobody uses who they are, until it has the one.
func (f *Finder) openIMEI(ctx context.Context, place, imei string) (io.ReadWriteCloser, error) {
	all, err := f.root().USB()
	if err != nil {
		return nil, &PortError{place, err}
	}
	f.prune(all)
	fixed := f.fixed()
	var trouble error = &PortAbsentError{place}
	for _, d := range all {
		if d.Mode != discover.Modem || fixed[d.Path] || !f.worthAsking(d, imei) || f.take(d.Path, place) != "" {
			continue
		}
		port, err := f.openDevice(ctx, d, place)
		if err == nil {
			port.release = func() { f.leave(d.Path) }
			return port, nil
		}
		f.leave(d.Path)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !errors.Is(err, errOther) {
			f.learn(d, asked{again: time.Now().Add(askAgain)})
			trouble = &PortAbsentError{place + " (" + err.Error() + ")"}
		}
	}
	return nil, trouble
}

// take notes that a place uses a device, or says which other does.
func (f *Finder) take(usb, place string) (user string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if user := f.users[usb]; user != "" {
		return user
	}
	if f.users == nil {
		f.users = map[string]string{}
	}
	f.users[usb] = place
	return ""
}

func (f *Finder) leave(usb string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.users, usb)
}

// usedElsewhere tells whether a device is used by a place that does not name its socket, or will be.
func (f *Finder) usedElsewhere(d discover.Device) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if imei := f.imeis[d.Plugging()].imei; imei != "" && slices.Contains(f.Fixed, imeiPrefix+imei) {
		return true
	}
	user := f.users[d.Path]
	return user != "" && user != usbPrefix+d.Path && !isIMEI(user) // one that looks for an IMEI may only be asking
}

// worthAsking tells whether a device may be the modem with that IMEI.
func (f *Finder) worthAsking(d discover.Device, imei string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	a, known := f.imeis[d.Plugging()]
	return !known || a.imei == imei || !a.again.IsZero() && time.Now().After(a.again)
}

func (f *Finder) learn(d discover.Device, a asked) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.imeis == nil {
		f.imeis = map[string]asked{}
	}
	f.imeis[d.Plugging()] = a
}

// prune forgets what devices have answered that are no longer there.
func (f *Finder) prune(all []discover.Device) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for plugging := range f.imeis {
		if !slices.ContainsFunc(all, func(d discover.Device) bool { return d.Plugging() == plugging }) {
			delete(f.imeis, plugging)
		}
	}
	for plugging := range f.wrong {
		if !slices.ContainsFunc(all, func(d discover.Device) bool { return d.Plugging() == plugging }) {
			delete(f.wrong, plugging)
		}
	}
}

// Watch is a [Source]: it looks again and again what is plugged in.
func (f *Finder) Watch(ctx context.Context, found func(places []string)) {
	every := f.Every
	if every <= 0 {
		every = time.Second
	}
	var before []string
	told, trouble := false, ""
	for {
		places, err := f.places()
		switch {
		case err == nil:
			if !told || !slices.Equal(places, before) {
				found(places)
			}
			told, before, trouble = true, places, ""
		case err.Error() != trouble:
			trouble = err.Error()
			f.log().Error("USB devices cannot be listed", "err", err)
		}
		if !pauseFor(ctx, every) {
			return
		}
	}
}

// places are the sockets of all that is a modem, or would be.
func (f *Finder) places() ([]string, error) {
	all, err := f.root().USB()
	if err != nil {
		return nil, err
	}
	f.prune(all)
	fixed := f.fixed()
	var places []string
	for _, d := range all {
		if !fixed[d.Path] && !f.usedElsewhere(d) && (d.Mode != discover.Adapter || f.Adapters) {
			places = append(places, usbPrefix+d.Path)
		}
	}
	return places, nil
}

// fixed are the sockets that fixed places lead to, but for those that name a modem.
func (f *Finder) fixed() map[string]bool {
	sockets := map[string]bool{}
	for _, place := range f.Fixed {
		if scheme, usb := split(place); scheme == usbPrefix {
			sockets[usb] = true
		} else if scheme == "" {
			if d, _, ok := f.root().Of(place); ok {
				sockets[d.Path] = true
			}
		}
	}
	return sockets
}

// placedPort is an open port that knows where it is.
type placedPort struct {
	io.ReadWriteCloser
	place   Place
	once    sync.Once
	release func() // may be nil
	wrong   func() bool
}

// Wrong says that the port is deaf for what the others might hear. It is true when another will be tried.
func (p *placedPort) Wrong() bool { return p.wrong != nil && p.wrong() }

// Place is where the port is.
func (p *placedPort) Place() Place { return p.place }

// SetWriteDeadline is that of the port, where it has one.
func (p *placedPort) SetWriteDeadline(t time.Time) error {
	if port, ok := p.ReadWriteCloser.(interface{ SetWriteDeadline(time.Time) error }); ok {
		return port.SetWriteDeadline(t)
	}
	return errors.ErrUnsupported
}

// Close closes the port and gives the device back.
func (p *placedPort) Close() error {
	err := p.ReadWriteCloser.Close()
	p.once.Do(func() {
		if p.release != nil {
			p.release()
		}
	})
	return err
}

// Usable says what is wrong with a device that cannot be used as it is: nil or a *StickError.
func Usable(d discover.Device) error { return usable(d) }

// StickError says that a USB device is there and cannot be used as it is.
type StickError struct {
	Place Place
	Mode  discover.Mode
}

// usable says what is wrong with a device that has no ports.
func usable(d discover.Device) error {
	if len(d.Ports) > 0 {
		return nil
	}
	return &StickError{Place{USB: d.Path, Vendor: d.Vendor, Product: d.Product, Serial: d.Serial, Interface: -1}, d.Mode}
}

func (e *StickError) Error() string {
	what := map[discover.Mode]string{
		discover.Storage:    "the stick is in storage mode: it shows the disk with its drivers, and no modem",
		discover.Network:    "the stick is a network card as it is set, and has no serial port",
		discover.Driverless: "no driver has taken the ports of the stick",
	}[e.Mode]
	return fmt.Sprintf("usb:%s (%s:%s): %s", e.Place.USB, e.Place.Vendor, e.Place.Product, what)
}

// Hint says what ends it.
func (e *StickError) Hint() string {
	switch e.Mode {
	case discover.Storage:
		return fmt.Sprintf("install the package usb-modeswitch and plug the stick in again, or try usb_modeswitch -v %s -p %s -J", e.Place.Vendor, e.Place.Product)
	case discover.Network:
		return "such a stick (HiLink, RNDIS) needs other firmware, or a switch to serial ports that its maker describes"
	}
	return fmt.Sprintf("modprobe option, then echo %s %s > /sys/bus/usb-serial/drivers/option1/new_id", e.Place.Vendor, e.Place.Product)
}
