package suggest

import (
	"slices"
	"strings"
)

// limit is the most names Nearest returns.
const limit = 3

// Nearest returns up to three of the candidates that word may have been meant
// to be, best first: names it is a prefix of, names equal but for dashes and
// underscores, and names at most two edits away (one for words of up to four
// letters). It never returns word itself.
func Nearest(word string, candidates []string) []string {
	type match struct {
		name string
		cost int
	}
	allowed := 2
	if len(word) <= 4 {
		allowed = 1
	}
	var found []match
	for _, name := range candidates {
		var cost int
		switch {
		case name == word || word == "":
			continue
		case plain(name) == plain(word):
			cost = 0
		case strings.HasPrefix(name, word):
			cost = 1
		default:
			cost = distance([]rune(word), []rune(name), allowed)
		}
		if cost <= allowed {
			found = append(found, match{name, cost})
		}
	}
	slices.SortFunc(found, func(a, b match) int {
		if a.cost != b.cost {
			return a.cost - b.cost
		}
		return strings.Compare(a.name, b.name)
	})
	names := make([]string, 0, limit)
	for _, m := range found[:min(len(found), limit)] {
		names = append(names, m.name)
	}
	return names
}

func plain(s string) string {
	return strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(s))
}

// distance is the optimal string alignment distance of a and b: insertions,
// deletions, substitutions and swaps of neighbours. Beyond allowed it returns
// some number greater than allowed.
func distance(a, b []rune, allowed int) int {
	if d := len(a) - len(b); d > allowed || -d > allowed {
		return allowed + 1
	}
	before, above, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := above[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(change, above[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(b)]
}
