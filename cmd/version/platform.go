package version

import "runtime"

// targetTriple names the platform the way the original's releases do.
func targetTriple() string {
	arch, ok := map[string]string{
		"amd64": "x86_64", "arm64": "aarch64", "386": "i686", "arm": "armv7",
		"riscv64": "riscv64gc", "ppc64le": "powerpc64le",
	}[runtime.GOARCH]
	if !ok {
		arch = runtime.GOARCH
	}
	switch runtime.GOOS {
	case "linux":
		if runtime.GOARCH == "arm" {
			return arch + "-unknown-linux-musleabihf"
		}
		return arch + "-unknown-linux-musl" // static, so the libc does not matter
	case "darwin":
		return arch + "-apple-darwin"
	case "windows":
		return arch + "-pc-windows-msvc"
	}
	return arch + "-unknown-" + runtime.GOOS
}
