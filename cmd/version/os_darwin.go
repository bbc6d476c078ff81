package version

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// osDetails returns the system's name, its version and the kernel's.
func osDetails() (string, bool) {
	release, err := unix.Sysctl("kern.osproductversion")
	if err != nil {
		return "", false
	}
	kernel, err := unix.Sysctl("kern.osrelease")
	if err != nil {
		return "", false
	}
	return fmt.Sprintf("Darwin %s (kernel %s)", release, kernel), true
}
