package output

import (
	"io"

	"github.com/fluvio-go/fluvio/internal/table"
)

// Listing writes the answer of a list command: a table made of the objects
// themselves, or none when there are none, and in the other formats the view
// of each.
func Listing[T, V any](w io.Writer, f Format, items []T, none string, tableOf func([]T) *table.Table, viewOf func(*T) V) error {
	if f == Table {
		return List(w, Table, items, none, tableOf)
	}
	views := make([]V, len(items))
	for i := range items {
		views[i] = viewOf(&items[i])
	}
	return Write(w, f, views)
}
