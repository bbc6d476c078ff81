//go:build netns && linux

package netns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// host is one machine of the imagined network.
type host struct {
	name string
	n    byte // last byte of its addresses
}

var (
	hostSC      = host{"sc", 1}
	hostSPUs    = []host{{"spu-1", 11}, {"spu-2", 12}, {"spu-3", 13}}
	hostClients = host{"clients", 100}
	allHosts    = slices.Concat([]host{hostSC, hostClients}, hostSPUs)
)

const (
	// namePrefix begins the name of every namespace that we make; the process
	// that made it follows.
	namePrefix = "fluvio-netns-"
	bridgeName = "bridge"
	device     = "eth0"
	subnet     = "192.0.2." // for documentation, routed nowhere
	// deadMAC belongs to nobody. The bridge gives what is sent there to every
	// host, and every host drops it without a word.
	deadMAC = "02:00:00:00:ff:ff"
)

func (h host) addr() string { return subnet + strconv.Itoa(int(h.n)) }
func (h host) mac() string  { return fmt.Sprintf("02:00:00:00:00:%02x", h.n) }

// network is the namespaces of one run, by the prefix of their names.
type network string

func newNetwork() network { return network(fmt.Sprintf("%s%d", namePrefix, os.Getpid())) }

// dir is where everything of the run is on disk.
func (n network) dir() string { return filepath.Join(os.TempDir(), string(n)) }

func (n network) namespace(name string) string { return string(n) + "-" + name }

// run is a command with its output in the error.
func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), err
}

// build makes the namespaces, a cable from each to a bridge, and neighbour
// entries that never change by themselves, so that cuts last until we mend
// them. The bridge is in a namespace as well, so the machine's own network
// has no trace of all this.
func (n network) build() error {
	ip := func(args ...string) error {
		_, err := run("ip", args...)
		return err
	}
	bridge := n.namespace(bridgeName)
	errs := []error{
		ip("netns", "add", bridge),
		ip("-n", bridge, "link", "add", "br0", "type", "bridge"),
		ip("-n", bridge, "link", "set", "br0", "up"),
	}
	for _, h := range allHosts {
		ns := n.namespace(h.name)
		errs = append(errs,
			ip("netns", "add", ns),
			ip("link", "add", device, "netns", ns, "type", "veth", "peer", "name", h.name, "netns", bridge),
			ip("-n", bridge, "link", "set", h.name, "master", "br0", "up"),
			ip("-n", ns, "link", "set", "lo", "up"),
			ip("-n", ns, "link", "set", device, "address", h.mac(), "up"),
			ip("-n", ns, "addr", "add", h.addr()+"/24", "dev", device))
	}
	for _, from := range allHosts {
		for _, to := range allHosts {
			if from != to {
				errs = append(errs, n.neighbour(from, to, to.mac()))
			}
		}
	}
	return errors.Join(errs...)
}

// neighbour says at which hardware address one host finds another.
func (n network) neighbour(from, to host, mac string) error {
	_, err := run("ip", "-n", n.namespace(from.name), "neigh", "replace", to.addr(), "lladdr", mac, "nud", "permanent", "dev", device)
	return err
}

// cut silently drops all that from sends to to. Neither notices: packets leave
// and never arrive, and nobody says that a host cannot be reached.
func (n network) cut(from, to host) error { return n.neighbour(from, to, deadMAC) }

// mend ends a cut.
func (n network) mend(from, to host) error { return n.neighbour(from, to, to.mac()) }

// remove ends all processes in the namespaces and takes these away. It leaves
// nothing out for an error.
func (n network) remove() error {
	names, err := namespaces()
	errs := []error{err}
	for _, ns := range names {
		if !strings.HasPrefix(ns, string(n)+"-") {
			continue
		}
		pids, err := run("ip", "netns", "pids", ns)
		errs = append(errs, err)
		for _, text := range strings.Fields(pids) {
			if pid, err := strconv.Atoi(text); err == nil {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					errs = append(errs, fmt.Errorf("end process %d in %s: %w", pid, ns, err))
				}
			}
		}
		// The cables go with their namespaces.
		_, err = run("ip", "netns", "delete", ns)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// namespaces lists all that have names.
func namespaces() ([]string, error) {
	entries, err := os.ReadDir("/run/netns")
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, err
}

// sweep removes what runs that were killed have left.
func sweep() error {
	names, err := namespaces()
	errs := []error{err}
	swept := make(map[network]bool)
	for _, ns := range names {
		rest, ours := strings.CutPrefix(ns, namePrefix)
		pid, _, _ := strings.Cut(rest, "-")
		n := network(namePrefix + pid)
		if !ours || swept[n] || runs(pid) {
			continue
		}
		swept[n] = true
		fmt.Fprintf(os.Stderr, "removing what run %s has left\n", pid)
		errs = append(errs, n.remove(), os.RemoveAll(n.dir()))
	}
	return errors.Join(errs...)
}

// runs reports whether the process of that number is one of this program.
func runs(pid string) bool {
	theirs, err1 := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	ours, err2 := os.ReadFile("/proc/self/comm")
	return err1 == nil && err2 == nil && bytes.Equal(theirs, ours)
}
