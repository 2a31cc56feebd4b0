package modem

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"gsmgate/modem/discover"
)

// Place is where a modem is, as far as it is known; the zero of a field is unknown.
type Place struct {
	Node      string // "/dev/ttyUSB3", the port in use
	USB       string // "1-1.4", the socket
	Vendor    string // "12d1"
	Product   string // "1506"
	Serial    string // of the USB device
	Driver    string
	Interface int // of the USB device; -1 where there is none
}

// placeOf says where a port of a USB device is.
func placeOf(d discover.Device, p discover.Port) Place {
	return Place{Node: p.Node, USB: d.Path, Vendor: d.Vendor, Product: d.Product, Serial: d.Serial, Driver: p.Driver, Interface: p.Interface}
}

// Words that stand for modems which have to be found.
const (
	FindModems = "auto" // all USB modems
	FindUSB    = "usb"  // these, and what hangs on plain USB serial adapters
)

// The beginnings of places that are no paths.
const (
	usbPrefix     = "usb:"
	imeiPrefix    = "imei:"
	tcpPrefix     = "tcp://"
	rfc2217Prefix = "rfc2217://"
)

// CheckPlace says what is wrong with a place: the path of a serial device, "usb:1-1.4", "imei:356938035643809", "tcp://HOST:PORT" or
// "rfc2217://HOST:PORT", the last with "?baud=9600" where it is not 115200.
func CheckPlace(place string) error {
	switch scheme, rest := split(place); scheme {
	case usbPrefix:
		if !discover.IsUSBPath(rest) {
			return fmt.Errorf("%q is no USB path such as 1-1.4", rest)
		}
	case imeiPrefix:
		if len(rest) < 14 || len(rest) > 16 || strings.Trim(rest, "0123456789") != "" {
			return fmt.Errorf("%q is no IMEI of 14 to 16 digits", rest)
		}
	case tcpPrefix, rfc2217Prefix:
		_, _, err := remote(place)
		return err
	default:
		if place == "" || strings.Contains(place, "://") {
			return fmt.Errorf("%q is no place of a modem", place)
		}
	}
	return nil
}

// split takes the prefix off a place; "" for a path.
func split(place string) (scheme, rest string) {
	for _, p := range []string{usbPrefix, imeiPrefix, tcpPrefix, rfc2217Prefix} {
		if rest, ok := strings.CutPrefix(place, p); ok {
			return p, rest
		}
	}
	return "", place
}

// IsPath tells whether a place is the path of a device.
func IsPath(place string) bool {
	scheme, _ := split(place)
	return scheme == "" && place != FindModems && place != FindUSB
}

// remote reads a place on the network.
func remote(place string) (address string, speed int, err error) {
	u, err := url.Parse(place)
	if err != nil {
		return "", 0, errors.New("an address has the form HOST:PORT")
	}
	host, port, err := net.SplitHostPort(u.Host)
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || host == "" || bad != nil || n == 0 || strings.Trim(u.Path, "/") != "" || u.User != nil {
		return "", 0, fmt.Errorf("%q is no address of the form HOST:PORT", strings.TrimPrefix(place, u.Scheme+"://"))
	}
	speed = baud
	for key, values := range u.Query() {
		n, err := strconv.Atoi(values[0])
		if key != "baud" || u.Scheme+"://" != rfc2217Prefix || err != nil || n < 300 || n > 4_000_000 {
			return "", 0, fmt.Errorf("%s=%s cannot be used", key, values[0])
		}
		speed = n
	}
	return u.Host, speed, nil
}
