package storage

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// childEnv names what a copy of the test binary does instead of testing.
const childEnv = "STORAGE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "accept":
		childAccept(os.Args[len(os.Args)-1])
		return
	case "full disk":
		childFullDisk(os.Args[len(os.Args)-1])
		return
	}
	goleak.VerifyTestMain(m)
}
