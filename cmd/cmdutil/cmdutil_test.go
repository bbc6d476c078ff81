package cmdutil

import (
	"errors"
	"strings"
	"testing"

	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
)

func TestExplainKeepsTheSentence(t *testing.T) {
	for _, tt := range []struct {
		err  error
		code uerr.Code
		why  string
		next string
	}{
		{profiles.ErrNoActiveProfile, uerr.NotFound, "no profile is selected", "fluvio profile switch"},
		{&profiles.ClusterMissingError{Profile: "p", Cluster: "c"}, uerr.NotFound, `points at cluster "c"`, "fluvio profile add c"},
		{&profiles.UnknownProfileError{Name: "prdo", Known: []string{"local", "prod"}}, uerr.NotFound, "known: local, prod", "fluvio -P prod"},
		{&profiles.UsageError{Reason: "x"}, uerr.Usage, "", ""},
		{profiles.MissingTLSFlagsError{}, uerr.Usage, "", ""},
		{&profiles.ParseError{Path: "/f", Line: 3, Err: errors.New("bad")}, uerr.Failed, "/f:3: bad", ""},
		{&profiles.FileError{Path: "/f", Err: errors.New("permission denied")}, uerr.Failed, "permission denied", ""},
	} {
		got := Explain(tt.err)
		var e *uerr.Error
		if !errors.As(got, &e) || got.Error() != tt.err.Error() || uerr.ExitCode(got) != tt.code ||
			!strings.Contains(e.Why, tt.why) || !strings.Contains(strings.Join(e.Next, "\n"), tt.next) || !errors.Is(got, tt.err) {
			t.Errorf("%v: %+v", tt.err, e)
		}
	}
	if plain := errors.New("other"); Explain(plain) != plain || Explain(nil) != nil {
		t.Error("other errors change")
	}
}

func TestMissingFileNamesTheWayOut(t *testing.T) {
	t.Setenv(profiles.PathEnv, t.TempDir()+"/none")
	t.Setenv(profiles.ProfileEnv, "")
	_, err := (&Factory{}).Target()
	var e *uerr.Error
	if !errors.As(err, &e) || len(e.Next) == 0 || e.Next[0] != "fluvio cluster start" || uerr.ExitCode(err) != uerr.NotFound {
		t.Errorf("%+v", err)
	}
	ok, err := (&Factory{Overrides: profiles.Overrides{Cluster: "h:1"}}).Target()
	if err != nil || ok.Cluster.Endpoint != "h:1" {
		t.Errorf("%+v, %v", ok, err)
	}
}

func TestFlagValues(t *testing.T) {
	var p Params
	if err := errors.Join(p.Set("a=1=2"), p.Set("b=")); err != nil || p["a"] != "1=2" || len(p) != 2 {
		t.Errorf("%v %v", p, err)
	}
	if err := p.Set("x"); err == nil || err.Error() != "Invalid argument: invalid KEY=value: no `=` found in `x`" {
		t.Error(err)
	}
	c := Choice{Choices: []string{"gzip", "lz4"}, Fold: true}
	if err := c.Set("GZIP"); err != nil || c.Value != "gzip" {
		t.Error(c, err)
	}
	if err := c.Set("rar"); err == nil || err.Error() != "[possible values: gzip, lz4]" {
		t.Error(err)
	}
	n := Parsed[int]{Parse: func(s string) (int, error) { return len(s), nil }}
	if err := n.Set("abc"); err != nil || *n.Value != 3 || n.String() != "abc" {
		t.Error(n, err)
	}
}
