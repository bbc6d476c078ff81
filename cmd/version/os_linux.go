package version

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// osDetails returns the distribution, its version and the kernel's.
func osDetails() (string, bool) {
	f, err := os.Open("/etc/os-release")
	if err != nil {
		return "", false
	}
	defer f.Close()
	values := map[string]string{}
	for s := bufio.NewScanner(f); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), "=")
		values[key] = strings.Trim(value, `"'`)
	}
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil || values["NAME"] == "" || values["VERSION_ID"] == "" {
		return "", false
	}
	return fmt.Sprintf("%s %s (kernel %s)", values["NAME"], values["VERSION_ID"], unix.ByteSliceToString(uts.Release[:])), true
}
