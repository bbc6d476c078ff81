package argv

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// check applies the declared rules to the flags of the current command.
func (p *parser) check() error {
	for _, name := range p.given {
		f := p.cmd.Flags().Lookup(name)
		if err := p.conflict(f); err != nil {
			return err
		}
	}
	var missing []string
	for _, name := range p.given {
		for _, group := range p.cmd.Flags().Lookup(name).Annotations[requiresKey] {
			options := strings.Split(group, "|")
			if !slices.ContainsFunc(options, p.present) {
				missing = append(missing, p.describe(options))
			}
		}
	}
	p.cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if len(f.Annotations[requiredKey]) > 0 && !p.present(f.Name) {
			missing = append(missing, Display(f))
		}
	})
	if len(missing) > 0 {
		return p.missing(missing)
	}
	return nil
}

// conflict names the flag that declares the rule first, wherever it stood on
// the line.
func (p *parser) conflict(f *pflag.Flag) error {
	var clash []string
	for _, other := range f.Annotations[conflictsKey] {
		if p.present(other) {
			clash = append(clash, p.describe([]string{other}))
		}
	}
	switch len(clash) {
	case 0:
		return nil
	case 1:
		return p.fail("the argument '" + Display(f) + "' cannot be used with '" + clash[0] + "'")
	}
	return p.fail("the argument '" + Display(f) + "' cannot be used with:\n  " + strings.Join(clash, "\n  "))
}

// present reports whether a flag, or a positional in brackets, was given.
func (p *parser) present(name string) bool {
	if !strings.ContainsAny(name[:1], "<[") {
		return slices.Contains(p.given, name)
	}
	i := slices.IndexFunc(positionals(p.cmd), func(q positional) bool { return q.text == name })
	return i >= 0 && i < len(p.words)
}

func (p *parser) describe(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name
		if f := p.cmd.Flags().Lookup(name); f != nil {
			out[i] = Display(f)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return "<" + strings.Join(out, "|") + ">"
}

func (p *parser) missing(what []string) error {
	return p.fail("the following required arguments were not provided:\n  " + strings.Join(what, "\n  "))
}

// checkWords compares the positionals with the command's Use line.
func (p *parser) checkWords() error {
	specs := positionals(p.cmd)
	many := len(specs) > 0 && specs[len(specs)-1].many
	if len(p.words) > len(specs) && !many {
		return p.unexpected(p.words[len(specs)])
	}
	var missing []string
	for i, spec := range specs {
		if spec.required && i >= len(p.words) {
			missing = append(missing, spec.text)
		}
	}
	if len(missing) > 0 {
		return p.missing(missing)
	}
	return nil
}
