package discover

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// AuthorizedFile is the attribute by which a device is taken off its drivers and given back.  [kernel: Documentation/usb/authorization.rst]
func AuthorizedFile(usb string) string { return "/sys/" + devices + "/" + usb + "/authorized" }

// CanAuthorize says why Authorize would not work: fs.ErrNotExist, fs.ErrPermission, errors.ErrUnsupported.
func (r Root) CanAuthorize(usb string) error {
	f, err := r.openAuthorized(usb)
	if err == nil {
		err = f.Close()
	}
	return err
}

// Authorize gives a device to its drivers, or takes it off them.
func (r Root) Authorize(usb string, on bool) error {
	f, err := r.openAuthorized(usb)
	if err != nil {
		return err
	}
	word := "0"
	if on {
		word = "1"
	}
	_, err = f.WriteString(word)
	return errors.Join(err, f.Close())
}

func (r Root) openAuthorized(usb string) (*os.File, error) {
	switch {
	case r.dir == "":
		return nil, errors.ErrUnsupported
	case !IsUSBPath(usb):
		return nil, fs.ErrNotExist
	}
	return os.OpenFile(filepath.Join(r.dir, filepath.FromSlash(path.Join(devices, usb, "authorized"))), os.O_WRONLY, 0)
}
