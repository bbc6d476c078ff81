// Command exact prepares a build of the simulation in which a seed replays
// exactly, to the byte and the nanosecond, in any process and however busy the
// machine is:
//
//	go test -tags 'sim exact' -overlay "$(go run ./tests/sim/exact DIR)" ./tests/sim
//
// Where several goroutines are ready at the same moment of simulated time, the
// Go runtime chooses at random: which case of a select, in which order a map is
// walked, which of two timers is first. It also takes the processor from a
// goroutine that has had it for ten milliseconds of real time. The command
// writes copies of the few source files of the installed runtime where that
// happens, in which a number that depends on the simulated time decides
// instead, and prints the path of a list of them for the overlay flag. The
// installed files stay as they are. If the runtime is one that does not have
// the expected text the command fails; seeds can still be played without it,
// and nearly always replay.
package main
