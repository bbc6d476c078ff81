// Package argv reads a command line the way Fluvio's always has: root flags
// only before the command, values that start with a dash only when attached,
// no flag twice unless it is a list, and every mistake answered in one known
// wording with exit code 2. It checks the arguments against a cobra tree and
// hands cobra an equivalent spelling that cobra cannot read otherwise; rules
// between flags are declared once, on the command. It imports cobra and pflag.
package argv
