//go:build sim

package sim

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A test that never fails proves little. Each plant is a mistake that systems
// of this kind have had, put into the product for one run. The simulation has
// to find every one of them.
//
// A plant replaces text of source files while they are compiled (go build
// -overlay); the files themselves do not change. Text that is not there, or
// more than once, fails the test: whoever changes such code has to say what
// the mistake would be now.
//
// Three mistakes are not here because other rules make up for them, so that no
// seed has found them. A leader without a lease serves stale reads, but commits
// nothing, since followers know epochs. A change of the in-sync set that is
// based on another state does not get through: it belongs to a session that has
// ended or names an SPU that is gone. A leader that remembers the highest log
// end a follower ever had was found until replicas said what they lost and with
// which start of their SPU they join.
type plant struct {
	name  string
	means string
	edits []edit
}

type edit struct{ file, old, new string }

var plants = []plant{
	{"no-fencing", "a leader serves followers of an older epoch, and they take what it sends", []edit{
		{"engine/spu/leader.go", "case epoch < mine:\n\t\treturn nil, mine, api.FetchFenced\n", "case epoch < mine:\n\t\tmine = epoch\n"},
		{"engine/spu/leader.go", "case epoch > mine, !p.leads(),", "case p.log == nil,"},
		{"engine/spu/leader.go", "if p.assigned.LeaderEpoch != st.LeaderEpoch || p.alone || !p.leads() {", "if p.alone || p.log == nil {"},
		{"engine/spu/leader.go", "if again, now, _ := p.fetchStatus(peer, st.LeaderEpoch); again != l || now != epoch {", "if false {"},
	}},
	{"cut-to-watermark", "a follower of a new leader cuts its log to its own high watermark, which lags", []edit{
		{"engine/spu/partition.go", "	if newTerm {\n\t\tp.cutLost()\n", "	if newTerm && a.Leader != p.srv.cfg.ID {\n\t\tif hw := p.log.HighWatermark(); hw < p.log.EndOffset() {\n\t\t\t_ = p.log.TruncateTo(hw)\n\t\t\tp.moved(p.log)\n\t\t}\n\t}\n\tif newTerm {\n\t\tp.cutLost()\n"},
	}},
	{"cut-below-watermark", "a follower whose log differs cuts committed records, too", []edit{
		{"engine/spu/follower.go", "offset < hw && !empty && !p.assigned.Config.UncleanElection {", "false && hw < 0 {"},
		{"engine/spu/follower.go", "	end := l.EndOffset()\n\tif offset >= end", "	offset = max(l.StartOffset(), min(offset, l.HighWatermark())-2)\n\tend := l.EndOffset()\n\tif offset >= end"},
		{"engine/spu/progress.go", "(f.offset == unknownOffset || f.offset >= g.hw)", "true"},
	}},
	{"no-divergence", "a leader does not compare epochs with its followers", []edit{
		{"engine/spu/leader.go", "epochEnd < st.FetchOffset {", "epochEnd < st.FetchOffset && st.FetchOffset > end {"},
		{"engine/spu/leader.go", "epoch < st.LastEpoch || ", ""},
	}},
	{"ack-before-replication", "a produce request is answered before the followers have the records", []edit{
		{"engine/spu/append.go", "commit: p.mustCommit(iso)", "commit: false"},
	}},
	{"ack-before-disk", "where every record has to be on disk, it is answered before it is", []edit{
		{"engine/spu/append.go", "on = awaits{disk: synced,", "on = awaits{disk: false && synced,"},
		{"engine/spu/leader.go", "return p.log.DurableOffset()", "return p.log.EndOffset()"},
		{"engine/spu/follower.go", "return l != nil && l.Config().Durability == log.Always", "return l == nil"},
	}},
	{"elect-outside-isr", "a replica that is not in sync is elected", []edit{
		{"engine/sc/election.go", "if r.inSync && r.ready && r.loss == api.LossNone {", "if r.ready && r.loss == api.LossNone {"},
	}},
	{"elect-in-doubt", "a replica that lost power counts as whole", []edit{
		{"engine/spu/link.go", "Clean: s.clean}", "Clean: true}"},
		{"engine/spu/loss.go", "return !s.clean && ", "return false && !s.clean && "},
	}},
	{"lost-log-unnoticed", "a replica that begins with an empty log does not say so", []edit{
		{"engine/spu/loss.go", "return api.LossAll, x.Reason", "return api.LossNone, \"\""},
		{"engine/spu/loss.go", "return api.LossTail, x.Reason", "return api.LossNone, \"\""},
		{"engine/spu/link.go", "Clean: s.clean}", "Clean: true}"},
		{"engine/spu/loss.go", "return !s.clean && ", "return false && !s.clean && "},
	}},
	{"watermark-of-shrunken-set", "the high watermark counts the set that was asked for, not the one in force", []edit{
		{"engine/spu/progress.go", "if slices.Contains(g.isr, f.id) || slices.Contains(g.proposed, f.id) {", "if g.proposed == nil && slices.Contains(g.isr, f.id) || slices.Contains(g.proposed, f.id) {"},
	}},
	{"join-too-early", "a follower is in sync as soon as it asks for something", []edit{
		{"engine/spu/progress.go", "return f.offset >= max(g.hw, g.termStart) && recent", "return f.offset >= 0"},
	}},
	{"read-uncommitted", "a committed reader gets what is not committed", []edit{
		{"engine/spu/partition.go", "	if p.mustCommit(iso) {\n\t\treturn &p.hw\n\t}\n\treturn &p.leo", "	return &p.leo"},
	}},
}

var (
	plantFlag      = flag.String("sim.plant", "", "plant only this mistake; \"all\" for each of them")
	plantSeedsFlag = flag.Uint64("sim.plantseeds", 600, "seeds in which a mistake has to be found")
)

// TestPlants plants one mistake after another. It needs the go command.
func TestPlants(t *testing.T) {
	if *plantFlag == "" {
		t.Skip("takes minutes: -sim.plant=all")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, p := range plants {
		if *plantFlag != "all" && *plantFlag != p.name {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			bin := p.build(t, root)
			out, err := exec.Command(bin, "-test.run=^TestSeeds$", "-sim.untilbroken", fmt.Sprint("-sim.seeds=", *plantSeedsFlag)).CombinedOutput()
			first := firstSeed.FindSubmatch(out)
			switch {
			case err == nil:
				t.Fatalf("%s: not found in %d seeds", p.means, *plantSeedsFlag)
			case first == nil:
				t.Fatalf("%s: %v\n%s", p.means, err, out)
			}
			if out, err := exec.Command(self, "-test.run=^TestSeeds$", "-sim.seed="+string(first[1])).CombinedOutput(); err != nil {
				t.Fatalf("seed %s finds something without the mistake, too:\n%s", first[1], out)
			}
			t.Logf("%s: found by seed %s: %s", p.means, first[1], complaint(string(out)))
			found++
		})
	}
	if found == 0 {
		t.Errorf("nothing planted: no mistake is called %q", *plantFlag)
	}
}

var firstSeed = regexp.MustCompile(`-sim\.seed=(\d+)`)

// complaint is the first broken promise in the output of a run.
func complaint(out string) string {
	_, after, _ := strings.Cut(out, "\n        \n")
	line, _, _ := strings.Cut(strings.TrimSpace(after), "\n")
	return line
}

// build compiles the simulation with the mistake in it.
func (p *plant) build(t *testing.T, root string) (bin string) {
	t.Helper()
	dir := t.TempDir()
	texts := make(map[string]string)
	for _, e := range p.edits {
		path := filepath.Join(root, e.file)
		text, ok := texts[path]
		if !ok {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if n := strings.Count(text, e.old); n != 1 {
			t.Fatalf("%s has %d places with:\n%s", e.file, n, e.old)
		}
		texts[path] = strings.Replace(text, e.old, e.new, 1)
	}
	replace := make(map[string]string)
	for path, text := range texts {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[path] = file
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, overlay, 0o644); err != nil {
		t.Fatal(err)
	}
	bin = filepath.Join(dir, "sim.test")
	cmd := exec.Command("go", "test", "-c", "-tags", "sim", "-overlay", list, "-o", bin, "./tests/sim")
	cmd.Dir = root
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOFLAGS=") })
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}
