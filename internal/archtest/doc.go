// Package archtest keeps the layers of the product true: its tests ask the Go
// tool who depends on whom and fail with a reason for each edge that points
// the wrong way. It holds no code of its own and imports nothing.
package archtest
