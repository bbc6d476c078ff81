// Package metatest is the suite that every meta.Store must pass. Tests import
// it, nothing else does.
package metatest
