// Package crash proves what an acknowledgement promises: producers write
// through kill -9 of the daemon and note every attempt and acknowledgement in
// a Ledger; after each recovery a Checker reads everything back.
//
// The ledger and the checker are tested by themselves, on logs with known
// faults, in every `go test ./...`. The rounds need the real binary and some
// time; they are behind the build tag crash. CRASH_ROUNDS (3) is their number
// per case and CRASH_SEED repeats a run.
package crash
