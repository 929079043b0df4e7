package config

import (
	"fmt"
	"slices"
	"strings"
)

// unknownOption says that there is no option of that name, and which one may have been meant.
func unknownOption(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("there is no such option; did you mean %q?", near)
	}
	if len(names) == 0 {
		return "there is no such option; remove it"
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return "there is no such option; these exist here: " + strings.Join(slices.Compact(names), ", ")
}

// Unknown completes an error about a name of a fixed set, such as the type of an input: a near one is suggested, else all
// are listed.
func Unknown(name string, names []string) string {
	if near := nearest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	names = slices.Clone(names)
	slices.Sort(names)
	return "these exist: " + strings.Join(names, ", ")
}

// nearest gives the name that a typing error away from is, or "" where none is near.
func nearest(name string, names []string) string {
	if len(name) > 64 {
		return ""
	}
	best, bound := "", max(1, min(3, len(name)/3))
	for _, candidate := range names {
		if d := distance(strings.ToLower(name), candidate); d <= bound && (best == "" || d < distance(strings.ToLower(name), best)) {
			best = candidate
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that lead from a to b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
