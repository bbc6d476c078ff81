package argv

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// UsageError is a mistake on the command line.
type UsageError struct {
	Message string
	Command *cobra.Command // whose usage line belongs below the message
}

// Error returns the full text: message, usage line and a pointer to the help.
func (e *UsageError) Error() string {
	return "error: " + e.Message + "\n\n" + UsageLine(e.Command) + "\n\nFor more information, try '--help'."
}

// UsageLine returns "Usage: fluvio …" for cmd.
func UsageLine(cmd *cobra.Command) string {
	var b strings.Builder
	b.WriteString("Usage: " + cmd.CommandPath())
	optional, required := "", ""
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		switch {
		case len(f.Annotations[requiredKey]) > 0:
			required += " " + Display(f)
		case f.Name != "help" && !f.Hidden:
			optional = " [OPTIONS]"
		}
	})
	b.WriteString(optional + required)
	for _, p := range positionals(cmd) {
		b.WriteString(" " + p.text)
	}
	if cmd.HasAvailableSubCommands() {
		if cmd.Runnable() && cmd.HasParent() {
			b.WriteString(" [COMMAND]")
		} else {
			b.WriteString(" <COMMAND>")
		}
	}
	return b.String()
}

// Display returns how messages name a flag: --name, with its value's name when
// it takes one.
func Display(f *pflag.Flag) string {
	if !takesValue(f) {
		return "--" + f.Name
	}
	return "--" + f.Name + " <" + ValueName(f) + ">"
}

// ValueName returns the name of a flag's value: what stands in backquotes in
// its usage text, else the flag's name in capitals.
func ValueName(f *pflag.Flag) string {
	if first := strings.IndexByte(f.Usage, '`'); first >= 0 {
		if n := strings.IndexByte(f.Usage[first+1:], '`'); n > 0 {
			return f.Usage[first+1 : first+1+n]
		}
	}
	return strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
}

// ChoiceError is a value that is not one of a fixed set.
type ChoiceError struct{ Choices []string }

func (e *ChoiceError) Error() string {
	return "[possible values: " + strings.Join(e.Choices, ", ") + "]"
}

// FlagError rewords an error of the flag library. It is a cobra flag-error
// function.
func FlagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return invalidValue(cmd, Display(invalid.GetFlag()), invalid.GetValue(), invalid.Unwrap())
	}
	return &UsageError{Message: err.Error(), Command: cmd}
}

// InvalidArg returns the error for a bad positional value; name is how the Use
// line writes it.
func InvalidArg(cmd *cobra.Command, name, value string, cause error) error {
	return invalidValue(cmd, name, value, cause)
}

func invalidValue(cmd *cobra.Command, what, value string, cause error) error {
	message := fmt.Sprintf("invalid value '%s' for '%s'", value, what)
	var choice *ChoiceError
	var number *strconv.NumError
	switch {
	case errors.As(cause, &choice):
		message += "\n  " + choice.Error()
	case errors.As(cause, &number) && errors.Is(number, strconv.ErrRange):
		message += ": number too large to fit in target type"
	case errors.As(cause, &number):
		message += ": invalid digit found in string"
	default:
		message += ": " + cause.Error()
	}
	return &UsageError{Message: message, Command: cmd}
}

// positional is one argument of a Use line.
type positional struct {
	text     string // as written
	required bool   // <NAME>
	many     bool   // NAME...
}

func positionals(cmd *cobra.Command) []positional {
	var out []positional
	for _, word := range useArgs(cmd.Use) {
		out = append(out, positional{
			text:     word,
			required: word[0] == '<',
			many:     strings.HasSuffix(word, "..."),
		})
	}
	return out
}

// useArgs returns the bracketed words of a Use line; a name within the
// brackets may contain blanks.
func useArgs(use string) []string {
	var out []string
	for {
		start := strings.IndexAny(use, "<[")
		if start < 0 {
			return out
		}
		end := strings.IndexAny(use[start:], ">]")
		if end < 0 {
			return out
		}
		end += start + 1
		if strings.HasPrefix(use[end:], "...") {
			end += len("...")
		}
		out = append(out, use[start:end])
		use = use[end:]
	}
}
