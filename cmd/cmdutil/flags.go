package cmdutil

import (
	"fmt"
	"strings"

	"github.com/fluvio-go/fluvio/cmd/argv"
	"github.com/fluvio-go/fluvio/internal/output"
	"github.com/spf13/cobra"
)

// OutputFlag is the value of -O.
type OutputFlag struct {
	Format output.Format
	// Wide is set by "-O wide" where a command has that: a table with more
	// than upstream's columns. Format is Table then.
	Wide bool

	hasWide bool
}

// wide is a table with more in it, which only some commands have.
const wide = "wide"

func (o *OutputFlag) choices() []string {
	if o.hasWide {
		return append(output.Formats(), wide)
	}
	return output.Formats()
}

// String is part of pflag.Value.
func (o *OutputFlag) String() string { return string(o.Format) }

// Type is part of pflag.Value.
func (*OutputFlag) Type() string { return "type" }

// Set is part of pflag.Value.
func (o *OutputFlag) Set(s string) error {
	o.Wide = o.hasWide && strings.EqualFold(s, wide)
	if o.Wide {
		o.Format = output.Table
		return nil
	}
	f, ok := output.ParseFormat(s)
	if !ok {
		return &argv.ChoiceError{Choices: o.choices()}
	}
	o.Format = f
	return nil
}

// AddOutputFlag defines -O with a default.
func AddOutputFlag(cmd *cobra.Command, o *OutputFlag, def output.Format) {
	o.Format = def
	cmd.Flags().VarP(o, "output", "O", "Print as `type`: "+strings.Join(o.choices(), ", "))
	completeWith(cmd, "output", o.choices())
}

// AddWideOutputFlag is AddOutputFlag for a command that has a wide table too.
func AddWideOutputFlag(cmd *cobra.Command, o *OutputFlag, def output.Format) {
	o.hasWide = true
	AddOutputFlag(cmd, o, def)
}

// Choice is a flag that takes one of a fixed set of words.
type Choice struct {
	Value   string
	Choices []string
	// Fold accepts the words in any case; Value keeps the listed spelling.
	Fold bool
}

// String is part of pflag.Value.
func (c *Choice) String() string { return c.Value }

// Type is part of pflag.Value.
func (*Choice) Type() string { return "choice" }

// Set is part of pflag.Value.
func (c *Choice) Set(s string) error {
	for _, choice := range c.Choices {
		if s == choice || c.Fold && strings.EqualFold(s, choice) {
			c.Value = choice
			return nil
		}
	}
	return &argv.ChoiceError{Choices: c.Choices}
}

// Params is a repeatable key=value flag, one pair for each use. A later pair
// replaces an earlier one with the same key.
type Params map[string]string

// String is part of pflag.Value.
func (p Params) String() string { return "" }

// Type is part of pflag.Value.
func (Params) Type() string { return "key=value" }

// Set is part of pflag.Value.
func (p *Params) Set(s string) error {
	key, value, ok := strings.Cut(s, "=")
	if !ok {
		return fmt.Errorf("Invalid argument: invalid KEY=value: no `=` found in `%s`", s) //nolint:staticcheck // upstream's sentence
	}
	if *p == nil {
		*p = Params{}
	}
	(*p)[key] = value
	return nil
}

// Parsed is a flag whose text is turned into a value by Parse.
type Parsed[T any] struct {
	Value *T // nil until the flag is given
	Parse func(string) (T, error)

	text string
}

// String is part of pflag.Value.
func (p *Parsed[T]) String() string { return p.text }

// Type is part of pflag.Value.
func (*Parsed[T]) Type() string { return "value" }

// Set is part of pflag.Value.
func (p *Parsed[T]) Set(s string) error {
	v, err := p.Parse(s)
	if err != nil {
		return err
	}
	p.Value, p.text = &v, s
	return nil
}

// completeWith offers a fixed set of values in the shell.
func completeWith(cmd *cobra.Command, flag string, values []string) {
	err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	if err != nil {
		panic("cmdutil: " + err.Error()) // the flag was defined one line above
	}
}
