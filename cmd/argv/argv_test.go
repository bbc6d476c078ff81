package argv

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// sample is a small tree with every kind of flag and rule.
func sample() *cobra.Command {
	run := func(*cobra.Command, []string) error { return nil }
	root := &cobra.Command{Use: "fluvio", TraverseChildren: true, SilenceErrors: true, SilenceUsage: true}
	root.SetFlagErrorFunc(FlagError)
	root.Flags().StringP("cluster", "c", "", "the `host:port`")
	root.Flags().Bool("tls", false, "")

	consume := &cobra.Command{Use: "consume <topic>", RunE: run}
	fs := consume.Flags()
	fs.StringP("consumer", "c", "", "")
	fs.UintSliceP("partition", "p", nil, "the `id`")
	fs.BoolP("beginning", "B", false, "")
	fs.BoolP("disable-continuous", "d", false, "")
	fs.Uint32P("head", "H", 0, "take `n`")
	fs.Uint32P("tail", "T", 0, "take `n`")
	fs.StringP("output", "O", "", "the `type`")
	fs.String("smartmodule", "", "")
	fs.StringP("params", "e", "", "")
	fs.String("aggregate-initial", "", "")
	Exclusive(consume, "beginning", "head", "tail")
	Requires(consume, "params", "smartmodule")
	Requires(consume, "aggregate-initial", "smartmodule", "output")
	Repeatable(consume, "params")
	Alias(consume, "smartmodule", "sm")
	Alias(consume, "aggregate-initial", "a-init")

	topic := &cobra.Command{Use: "topic", Aliases: []string{"topics"}}
	create := &cobra.Command{Use: "create [name]", RunE: run}
	create.Flags().StringP("config", "c", "", "read `PATH`")
	create.Flags().String("retention-time", "", "")
	create.Flags().Bool("mirror", false, "")
	Conflicts(create, "config", "[name]", "retention-time", "mirror")
	del := &cobra.Command{Use: "delete <name>...", RunE: run}
	sm := &cobra.Command{Use: "sm <name>", RunE: run}
	sm.Flags().String("wasm-file", "", "")
	Required(sm, "wasm-file")
	topic.AddCommand(create, del, sm)

	profile := &cobra.Command{Use: "profile", RunE: run}
	profile.AddCommand(&cobra.Command{Use: "list", RunE: run})
	root.AddCommand(consume, topic, profile)
	return root
}

func TestParse(t *testing.T) {
	for line, want := range map[string]string{
		"consume t":                           "consume -- t",
		"-c h:1 consume -c id t":              "--cluster=h:1 consume --consumer=id -- t",
		"--cluster=h:1 --tls topics create x": "--cluster=h:1 --tls topic create -- x",
		"consume -Bd t -Ojson":                "consume --beginning --disable-continuous --output=json -- t",
		"consume t -dp1 -p=2 -p 3":            "consume --disable-continuous --partition=1 --partition=2 --partition=3 -- t",
		"consume help":                        "consume -- help",
		"consume --sm=x t":                    "consume --smartmodule=x -- t",
		"consume --head=-5 t":                 "consume --head=-5 -- t",
		"consume -H=-5 t":                     "consume --head=-5 -- t",
		"consume -- -t":                       "consume -- -t",
		"consume t -O -":                      "consume --output=- -- t",
		"consume t -O=":                       "consume --output= -- t",
		"consume t --sm x -e a=1 -e b=2":      "consume --smartmodule=x --params=a=1 --params=b=2 -- t",
		"consume t --a-init 0 -O x":           "consume --aggregate-initial=0 --output=x -- t",
		"topic delete a b":                    "topic delete -- a b",
		"topic create":                        "topic create",
		"profile":                             "profile",
		"profile list":                        "profile list",
		"consume --help --nope":               "consume --help",
		"topic -h create":                     "topic --help",
		"topic sm n --wasm-file f":            "topic sm --wasm-file=f -- n",
	} {
		got, err := Parse(sample(), strings.Fields(line))
		if err != nil || strings.Join(got.Args, " ") != want {
			t.Errorf("%s\n got %q, %v\nwant %q", line, strings.Join(got.Args, " "), err, want)
		}
	}
}

func TestPlugin(t *testing.T) {
	got, err := Parse(sample(), []string{"--tls", "cloud", "-c", "--help", "login", "--"})
	if err != nil || got.Command != nil || !slices.Equal(got.Plugin, []string{"cloud", "-c", "--help", "login", "--"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestNoCommand(t *testing.T) {
	for _, line := range []string{"topic", "--tls", "topics"} {
		got, err := Parse(sample(), strings.Fields(line))
		if !errors.Is(err, ErrNoCommand) || got.Command == nil {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"--nope":                                      "unexpected argument '--nope' found",
		"consume t --nope=1":                          "unexpected argument '--nope' found",
		"consume t -Bx":                               "unexpected argument '-x' found",
		"consume t -é":                                "unexpected argument '-é' found",
		"consume":                                     "the following required arguments were not provided:\n  <topic>",
		"consume a b":                                 "unexpected argument 'b' found",
		"consume t --head":                            "a value is required for '--head <n>' but none was supplied",
		"consume t --head --tail 1":                   "a value is required for '--head <n>' but none was supplied",
		"consume t --head -T1":                        "a value is required for '--head <n>' but none was supplied",
		"consume t --head --":                         "a value is required for '--head <n>' but none was supplied",
		"consume t --head -5":                         "unexpected argument '-5' found",
		"consume t -B -B":                             "the argument '--beginning' cannot be used multiple times",
		"consume t --sm a --smartmodule b":            "the argument '--smartmodule <SMARTMODULE>' cannot be used multiple times",
		"consume t -B=1":                              "unexpected argument '-=' found",
		"consume t --beginning=true":                  "unexpected value 'true' for '--beginning' found; no more were expected",
		"consume t -T 1 -B":                           "the argument '--beginning' cannot be used with '--tail <n>'",
		"consume t -T 1 -H 2 -B":                      "the argument '--head <n>' cannot be used with '--tail <n>'",
		"consume t -B -T 1 -H 2":                      "the argument '--beginning' cannot be used with:\n  --head <n>\n  --tail <n>",
		"consume t -e a=b":                            "the following required arguments were not provided:\n  --smartmodule <SMARTMODULE>",
		"consume t --a-init 1":                        "the following required arguments were not provided:\n  <--smartmodule <SMARTMODULE>|--output <type>>",
		"topic create x --config f":                   "the argument '--config <PATH>' cannot be used with '[name]'",
		"topic create --retention-time 1s --config f": "the argument '--config <PATH>' cannot be used with '--retention-time <RETENTION_TIME>'",
		"topic nope":                                  "unrecognized subcommand 'nope'",
		"topic delete":                                "the following required arguments were not provided:\n  <name>...",
		"topic sm n":                                  "the following required arguments were not provided:\n  --wasm-file <WASM_FILE>",
		"profile list x":                              "unexpected argument 'x' found",
		"consume t --=x":                              "unexpected argument '--' found",
	} {
		_, err := Parse(sample(), strings.Fields(line))
		var usage *UsageError
		if !errors.As(err, &usage) || usage.Message != want {
			t.Errorf("%s\n got %v\nwant %s", line, err, want)
		}
	}
}

func TestValuesAreRefusedInKnownWords(t *testing.T) {
	for line, want := range map[string]string{
		"consume t --head x":           "invalid value 'x' for '--head <n>': invalid digit found in string",
		"consume t --head=-5":          "invalid value '-5' for '--head <n>': invalid digit found in string",
		"consume t --head 99999999999": "invalid value '99999999999' for '--head <n>': number too large to fit in target type",
	} {
		root := sample()
		parsed, err := Parse(root, strings.Fields(line))
		if err != nil {
			t.Fatal(err)
		}
		root.SetArgs(parsed.Args)
		err = root.Execute()
		var usage *UsageError
		if !errors.As(err, &usage) || usage.Message != want {
			t.Errorf("%s\n got %v\nwant %s", line, err, want)
		}
	}
}

func TestUsageText(t *testing.T) {
	_, err := Parse(sample(), []string{"topic", "sm"})
	const want = `error: the following required arguments were not provided:
  --wasm-file <WASM_FILE>

Usage: fluvio topic sm --wasm-file <WASM_FILE> <name>

For more information, try '--help'.`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v", err)
	}
}

// FuzzParse: no line panics, and what is handed to cobra means the same again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"consume t -Bd -p1", "-c h topic create x", "consume -- -x", "nope -- x", "topic", "consume -H=-5 -é", "consume t -O= "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		first, err := Parse(sample(), strings.Split(line, " "))
		if err != nil || first.Plugin != nil {
			return
		}
		second, err := Parse(sample(), first.Args)
		if err != nil || !slices.Equal(first.Args, second.Args) {
			t.Fatalf("%q became %q, which became %q, %v", line, first.Args, second.Args, err)
		}
	})
}
