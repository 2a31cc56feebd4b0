// Package discover reads from sysfs which USB devices and serial ports a box has, and which of them are or may be modems.
//
// # Words
//
//   - Device: a USB device with serial ports, or one that could have some: a stick in storage mode, or without a driver.
//   - USB path: the socket that a device sits in, "1-1.4": bus 1, port 1, and port 4 of the hub there. It stays the same over a replug.
//   - Port: a serial port, by the name that the kernel gave it this time, "ttyUSB3".
//   - Mode: what a device can be used for as it is now.
//
// # What it promises
//
// It only reads; nothing is opened, and nothing is sent to a device. Numbers of ttyUSB mean nothing to it. What a device says of itself
// (serial number, maker, name) comes from a stranger: it is cut to a bound and holds no control characters.
//
// # What it leaves to others
//
// Which port of a stick speaks AT is found by asking it, which package modem does.
package discover
