//go:build race

package router

// raced says that the race detector makes everything ten times slower.
const raced = true
