package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"gsmgate/provisioning/client"
)

// A listenURL is one --listen: scheme with HOST:PORT, or unix with a path.
type listenURL struct{ scheme, addr string }

func (l listenURL) String() string {
	if l.scheme == "unix" {
		return "unix:" + l.addr
	}
	return l.scheme + "://" + l.addr
}

// providersScheme stands before the scheme of a listener that HTTP providers call.
const providersScheme = "providers+"

// providers says whether HTTP providers call here, and nobody else.
func (l listenURL) providers() bool { return strings.HasPrefix(l.scheme, providersScheme) }

// parseProviders reads the URLs of --provider-listen.
func parseProviders(urls []string) ([]listenURL, error) {
	list, err := parseListens(urls)
	for i, l := range list {
		if l.scheme != "https" && l.scheme != "http" {
			return nil, usage("use https://HOST:PORT, or http://HOST:PORT behind a proxy", "--provider-listen: %s is not of HTTP", l)
		}
		list[i].scheme = providersScheme + l.scheme
	}
	return list, err
}

// tls says whether the listener shows a certificate.
func (l listenURL) tls() bool {
	return l.scheme == "smpps" || strings.TrimPrefix(l.scheme, providersScheme) == "https"
}

// smpp says whether ESMEs bind here; else it is the API.
func (l listenURL) smpp() bool { return l.scheme == "smpps" || l.scheme == "smpp" }

const listenHint = "use smpps://HOST:PORT smpp://HOST:PORT https://HOST:PORT http://HOST:PORT or unix:PATH; HOST may be empty, port 0 takes any free one"

// defaultPorts are used where a URL names none [SMPP34 2.1: IANA 2775].
var defaultPorts = map[string]string{"smpps": "2776", "smpp": "2775", "https": "8443", "http": "8080"}

func parseListen(s string) (listenURL, error) {
	wrong := func(why string) (listenURL, error) {
		return listenURL{}, usage(listenHint, "listen URL %q: %s", s, why)
	}
	if path, ok := strings.CutPrefix(s, "unix:"); ok {
		path = strings.TrimPrefix(path, "//")
		if path == "" || strings.HasSuffix(path, "/") {
			return wrong("no path of a socket")
		}
		return listenURL{"unix", path}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return wrong("not a URL")
	}
	port, known := defaultPorts[u.Scheme]
	switch {
	case !known:
		return wrong("unknown scheme")
	case u.Opaque != "" || u.User != nil || (u.Path != "" && u.Path != "/") || u.RawQuery != "" || u.Fragment != "":
		return wrong("nothing may follow HOST:PORT")
	case u.Port() != "":
		port = u.Port()
	}
	if n, err := net.LookupPort("tcp", port); err != nil || n > 65535 {
		return wrong("no such port")
	}
	return listenURL{u.Scheme, net.JoinHostPort(u.Hostname(), port)}, nil
}

// parseListens refuses a list with a mistake or a double.
func parseListens(urls []string) ([]listenURL, error) {
	var list []listenURL
	seen := map[listenURL]bool{}
	for _, s := range urls {
		l, err := parseListen(s)
		if err != nil {
			return nil, err
		}
		if seen[l] && !strings.HasSuffix(l.addr, ":0") {
			return nil, usage("", "listen URL %q is given twice", s)
		}
		seen[l] = true
		list = append(list, l)
	}
	return list, nil
}

// listen opens the socket; bound is the URL with the address that it got.
func (l listenURL) listen() (ln net.Listener, bound listenURL, err error) {
	if l.scheme == "unix" {
		ln, err = listenUnix(l.addr)
		return ln, l, l.explain(err)
	}
	ln, err = net.Listen("tcp", l.addr)
	if err != nil {
		return nil, l, l.explain(err)
	}
	return ln, listenURL{l.scheme, ln.Addr().String()}, nil
}

// explain says in one line why there is no listener, and what to try.
func (l listenURL) explain(err error) error {
	var dns *net.DNSError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return fail("another program has it: stop that one, or choose another address with --listen", "cannot listen on %s: address already in use", l)
	case errors.Is(err, syscall.EACCES), errors.Is(err, fs.ErrPermission):
		return fail("ports below 1024 need CAP_NET_BIND_SERVICE, a socket needs a directory that may be written", "cannot listen on %s: permission denied", l)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fail("leave HOST empty to listen on all addresses", "cannot listen on %s: no interface of this host has the address", l)
	case errors.As(err, &dns):
		return fail("leave HOST empty to listen on all addresses", "cannot listen on %s: the host name is not known", l)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	return fail(listenHint, "cannot listen on %s: %w", l, err)
}

// listenUnix replaces what a killed gateway left behind, and nothing else.
// The file's permissions are the access control: 0600.
func listenUnix(path string) (net.Listener, error) {
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	ln, err := client.ListenUnix(path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return unixListener{ln, path}, nil
}

// unixListener removes its file when it is closed.
type unixListener struct {
	*net.UnixListener
	path string
}

func (l unixListener) Close() error {
	err := l.UnixListener.Close()
	if gone := os.Remove(l.path); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		return errors.Join(err, gone)
	}
	return err
}

func clearSocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket", path)
	}
	if conn, err := client.DialUnix(context.Background(), path); err == nil {
		conn.Close()
		return syscall.EADDRINUSE
	}
	return os.Remove(path)
}
