package vfs

import (
	"math/rand/v2"
	"slices"
)

// sector is the unit that a device writes whole or not at all.
const sector = 512

// CrashClone returns a file system as it might be found after a power loss at
// this moment. Everything synced is there. Of what was not synced some part
// is: directory changes in order up to a point or any subset of them; writes
// in order up to a point, the last one torn at any byte, or any subset of the
// changed 512-byte sectors. rng decides; the same seed gives the same clone.
// The original goes on undisturbed.
func (m *Mem) CrashClone(rng *rand.Rand) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{root: m.root.crash(rng), now: m.now}
}

func (n *memNode) crash(rng *rand.Rand) *memNode {
	if !n.dir {
		data := n.crashData(rng)
		return &memNode{mtime: n.mtime, data: data, synced: slices.Clone(data)}
	}
	names := make(map[string]*memNode, len(n.survives))
	for k, v := range n.survives {
		names[k] = v
	}
	changes := n.changes
	if rng.IntN(2) == 0 {
		changes = changes[:rng.IntN(len(changes)+1)]
	} else {
		changes = slices.DeleteFunc(slices.Clone(changes), func(memChange) bool { return rng.IntN(2) == 0 })
	}
	for _, c := range changes {
		c.apply(names)
	}
	out := newMemDir()
	out.mtime = n.mtime
	keys := make([]string, 0, len(names))
	for k := range names {
		keys = append(keys, k)
	}
	slices.Sort(keys) // map order must not reach rng
	for _, k := range keys {
		c := names[k].crash(rng)
		out.names[k], out.survives[k] = c, c
	}
	return out
}

func (n *memNode) crashData(rng *rand.Rand) []byte {
	data := slices.Clone(n.synced)
	if len(n.pending) == 0 {
		return data
	}
	truncates := slices.ContainsFunc(n.pending, func(w memWrite) bool { return w.cut })
	if truncates || rng.IntN(2) == 0 {
		return n.crashPrefix(data, rng)
	}
	return n.crashSectors(data, rng)
}

// word is how many aligned bytes are written as a whole.
const word = 8

func (n *memNode) crashPrefix(data []byte, rng *rand.Rand) []byte {
	k := rng.IntN(len(n.pending) + 1)
	for _, w := range n.pending[:k] {
		data = w.apply(data)
	}
	if k < len(n.pending) && !n.pending[k].cut {
		w := n.pending[k]
		done := rng.IntN(len(w.data) + 1)
		if end := w.off + int64(len(w.data)); end <= int64(len(data)) && done < len(w.data) {
			// No device, and no page cache, tears a word that is overwritten.
			done = max(0, int((w.off+int64(done))/word*word-w.off))
		}
		w.data = w.data[:done]
		data = w.apply(data)
	}
	return data
}

func (n *memNode) crashSectors(data []byte, rng *rand.Rand) []byte {
	full := slices.Clone(data)
	for _, w := range n.pending {
		full = w.apply(full)
	}
	if grown := len(full) - len(data); grown > 0 && rng.IntN(2) == 0 {
		full = full[:len(data)+rng.IntN(grown+1)]
	}
	data = resize(data, int64(max(len(data), len(full))))
	for from := 0; from < len(full); from += sector {
		if to := min(from+sector, len(full)); rng.IntN(4) != 0 {
			copy(data[from:to], full[from:to])
		}
	}
	return data
}
