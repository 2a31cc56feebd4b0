package modem

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// UnreachableError says that a modem on the network could not be reached.
type UnreachableError struct {
	Place string
	Err   error
}

func (e *UnreachableError) Error() string { return e.Place + ": " + plainNet(e.Err) }
func (e *UnreachableError) Unwrap() error { return e.Err }

// Hint says what ends it.
func (e *UnreachableError) Hint() string {
	return "see that the device server is on, that address and port are right, and that it serves nobody else: most have one client a port"
}

// plainNet leaves the addresses out that the place says already.
func plainNet(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err.Error()
	}
	return err.Error()
}

// Times of modems on the network: a far end that is gone without a word is noticed by the keep-alive, or by the next command.
const (
	dialPatience   = 5 * time.Second
	keepAliveIdle  = 15 * time.Second
	keepAliveCount = 4
)

func dial(ctx context.Context, place, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialPatience, KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: keepAliveIdle, Interval: keepAliveIdle / 3, Count: keepAliveCount}}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, &UnreachableError{place, err}
	}
	return conn, nil
}

// openTCP opens a modem whose octets go over TCP as they are.
func openTCP(ctx context.Context, place string) (io.ReadWriteCloser, error) {
	address, _, err := remote(place)
	if err != nil {
		return nil, &PortError{place, err}
	}
	conn, err := dial(ctx, place, address)
	if err != nil {
		return nil, err
	}
	return &placedPort{ReadWriteCloser: conn, place: Place{Node: place, Interface: -1}}, nil
}

// openRFC2217 opens a modem behind a device server whose line can be set.                                              [RFC 2217]
func openRFC2217(ctx context.Context, place string) (io.ReadWriteCloser, error) {
	address, speed, err := remote(place)
	if err != nil {
		return nil, &PortError{place, err}
	}
	conn, err := dial(ctx, place, address)
	if err != nil {
		return nil, err
	}
	t := newTelnet(conn)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = t.negotiate(uint32(speed))
	if !stop() && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		if ctx.Err() != nil {
			return nil, err
		}
		return nil, &UnreachableError{place, fmt.Errorf("RFC 2217: %w", err)}
	}
	return &placedPort{ReadWriteCloser: t, place: Place{Node: place, Interface: -1}}, nil
}
