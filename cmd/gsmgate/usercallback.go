package main

import (
	"strconv"
	"strings"

	"gsmgate/provisioning"
)

// callbackLines tell of a user's callback.
func callbackLines(c *provisioning.Callback) [][2]string {
	if c == nil {
		return [][2]string{{"callback", "none"}}
	}
	signed := "no"
	if c.Signed {
		signed = "by a secret"
	}
	return [][2]string{
		{"callback", visible(c.URL, -1)}, {"callback signed", signed}, {"callback for", strings.Join(c.For, ", ")}, {"callback window", strconv.Itoa(c.Window)},
	}
}
