package argv

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// ErrNoCommand reports a command line that ends at a group of commands, which
// is answered with the group's help.
var ErrNoCommand = errors.New("no command given")

// Line is a command line understood.
type Line struct {
	Command *cobra.Command // whose arguments these are; nil for a plug-in
	Args    []string       // for cobra: path, flags as --name=value, --, positionals
	Plugin  []string       // name and verbatim arguments of an external command
}

// Parse reads args against the tree below root. The error is a *UsageError or
// ErrNoCommand, with Line.Command set for the latter.
func Parse(root *cobra.Command, args []string) (Line, error) {
	p := &parser{rest: args}
	p.enter(root)
	for len(p.rest) > 0 {
		arg := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case arg == "--":
			p.words = append(p.words, p.rest...)
			p.rest = nil
		case strings.HasPrefix(arg, "--"):
			if err := p.long(arg); err != nil {
				return Line{}, err
			}
		case len(arg) > 1 && arg[0] == '-':
			if err := p.short(arg); err != nil {
				return Line{}, err
			}
		default:
			done, err := p.word(arg)
			if done || err != nil {
				return Line{Command: p.cmd, Plugin: p.plugin}, err
			}
		}
		if p.help {
			return Line{Command: p.cmd, Args: append(p.path, "--help")}, nil
		}
	}
	return p.finish()
}

type parser struct {
	rest   []string
	cmd    *cobra.Command
	out    []string // flags of the commands above cmd, and their names
	path   []string // names of the commands down to cmd
	flags  []string // canonical flags of cmd
	given  []string // names of cmd's flags, in order of first appearance
	words  []string
	plugin []string
	help   bool
}

// enter makes cmd the command whose flags and words follow.
func (p *parser) enter(cmd *cobra.Command) {
	cmd.InitDefaultHelpFlag()
	p.out = append(p.out, p.flags...)
	if p.cmd != nil {
		p.out = append(p.out, cmd.Name())
		p.path = append(p.path, cmd.Name())
	}
	p.cmd, p.flags, p.given = cmd, nil, nil
}

func (p *parser) fail(message string) error {
	return &UsageError{Message: message, Command: p.cmd}
}

func (p *parser) unexpected(arg string) error {
	return p.fail("unexpected argument '" + arg + "' found")
}

func (p *parser) long(arg string) error {
	name, value, attached := strings.Cut(arg[2:], "=")
	f := p.cmd.Flags().Lookup(name)
	if f == nil || name == "" {
		return p.unexpected("--" + name)
	}
	if !takesValue(f) && attached {
		return p.fail("unexpected value '" + value + "' for '--" + f.Name + "' found; no more were expected")
	}
	return p.flag(f, value, attached)
}

// short reads a cluster: switches, the last of which may be a flag with a
// value, attached or not.
func (p *parser) short(arg string) error {
	for i, letter := range arg[1:] {
		var f *pflag.Flag
		if letter < 0x80 {
			f = p.cmd.Flags().ShorthandLookup(string(letter))
		}
		if f == nil {
			return p.unexpected("-" + string(letter))
		}
		if !takesValue(f) {
			if err := p.flag(f, "", false); err != nil {
				return err
			}
			continue
		}
		value := arg[1+i+len(string(letter)):]
		return p.flag(f, strings.TrimPrefix(value, "="), value != "")
	}
	return nil
}

// flag records one use of f.
func (p *parser) flag(f *pflag.Flag, value string, attached bool) error {
	if f.Name == "help" {
		p.help = true
		return nil
	}
	if slices.Contains(p.given, f.Name) {
		if !repeatable(f) {
			return p.fail("the argument '" + Display(f) + "' cannot be used multiple times")
		}
	} else {
		p.given = append(p.given, f.Name)
	}
	if !takesValue(f) {
		p.flags = append(p.flags, "--"+f.Name)
		return nil
	}
	if !attached {
		next, err := p.value(f)
		if err != nil {
			return err
		}
		value = next
	}
	p.flags = append(p.flags, "--"+f.Name+"="+value)
	return nil
}

// value takes the following argument as the value of f.
func (p *parser) value(f *pflag.Flag) (string, error) {
	missing := p.fail("a value is required for '" + Display(f) + "' but none was supplied")
	if len(p.rest) == 0 {
		return "", missing
	}
	next := p.rest[0]
	if len(next) > 1 && next[0] == '-' {
		if next == "--" || p.known(next) {
			return "", missing
		}
		return "", p.unexpected(next)
	}
	p.rest = p.rest[1:]
	return next, nil
}

// known reports whether arg starts with a flag of the command.
func (p *parser) known(arg string) bool {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		name, _, _ = strings.Cut(name, "=")
		return p.cmd.Flags().Lookup(name) != nil
	}
	return arg[1] < 0x80 && p.cmd.Flags().ShorthandLookup(arg[1:2]) != nil
}

// word reads an argument that is not a flag: the name of a sub-command, of a
// plug-in, or a positional. done means that the line ends here.
func (p *parser) word(arg string) (done bool, err error) {
	if !p.cmd.HasSubCommands() || len(p.words) > 0 {
		p.words = append(p.words, arg)
		return false, nil
	}
	for _, sub := range p.cmd.Commands() {
		if sub.Name() == arg || sub.HasAlias(arg) {
			if err := p.check(); err != nil {
				return false, err
			}
			p.enter(sub)
			return false, nil
		}
	}
	if !p.cmd.HasParent() {
		p.plugin = append([]string{arg}, p.rest...)
		p.cmd = nil
		return true, nil
	}
	if len(positionals(p.cmd)) == 0 {
		return false, p.fail("unrecognized subcommand '" + arg + "'")
	}
	p.words = append(p.words, arg)
	return false, nil
}

func (p *parser) finish() (Line, error) {
	if !p.cmd.Runnable() {
		return Line{Command: p.cmd}, ErrNoCommand
	}
	if err := p.check(); err != nil {
		return Line{}, err
	}
	if err := p.checkWords(); err != nil {
		return Line{}, err
	}
	args := append(p.out, p.flags...)
	if len(p.words) > 0 {
		args = append(append(args, "--"), p.words...)
	}
	return Line{Command: p.cmd, Args: args}, nil
}
