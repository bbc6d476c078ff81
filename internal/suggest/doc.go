// Package suggest finds the names a person may have meant. It knows words, not
// what they stand for, and imports the standard library alone.
package suggest
