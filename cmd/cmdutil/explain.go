package cmdutil

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fluvio-go/fluvio/internal/suggest"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/profiles"
)

// Explain turns an error of the profile file into one for people: same first
// line, with a reason and the next commands. Other errors pass unchanged.
func Explain(err error) error {
	var (
		file    *profiles.FileError
		parse   *profiles.ParseError
		missing *profiles.ClusterMissingError
		unknown *profiles.UnknownProfileError
		usage   *profiles.UsageError
		tls     profiles.MissingTLSFlagsError
	)
	e := &uerr.Error{Err: err}
	switch {
	case err == nil:
		return nil
	case profiles.IsNotExist(err):
		e.Why = "there is no profile file yet"
		e.Next = []string{"fluvio cluster start", "fluvio profile add NAME HOST:PORT"}
		e.Code = uerr.NotFound
	case errors.As(err, &file):
		e.Why = file.Err.Error()
	case errors.As(err, &parse):
		e.Why = parse.Detail()
	case errors.As(err, &missing):
		e.Why = fmt.Sprintf("profile %q points at cluster %q, which the file does not have", missing.Profile, missing.Cluster)
		e.Next = []string{"fluvio profile list", fmt.Sprintf("fluvio profile add %s HOST:PORT", missing.Cluster)}
		e.Code = uerr.NotFound
	case errors.As(err, &unknown):
		e.Why, e.Next = unknownProfile(unknown.Name, unknown.Known, "fluvio -P %s")
		e.Code = uerr.NotFound
	case errors.Is(err, profiles.ErrNoActiveProfile):
		e.Why = "no profile is selected"
		e.Next = []string{"fluvio profile list", "fluvio profile switch NAME"}
		e.Code = uerr.NotFound
	case errors.As(err, &usage):
		e.Code = uerr.Usage
	case errors.As(err, &tls):
		e.Code = uerr.Usage
	default:
		return err
	}
	e.What = err.Error()
	return e
}

// unknownProfile explains a name that no profile has. use is the command, with
// a verb for the name, that would have worked.
func unknownProfile(name string, known []string, use string) (why string, next []string) {
	why = fmt.Sprintf("no profile is called %q", name)
	if len(known) > 0 {
		why += "; known: " + strings.Join(known, ", ")
	}
	for _, near := range suggest.Nearest(name, known) {
		next = append(next, fmt.Sprintf(use, near))
	}
	return why, append(next, "fluvio profile list")
}
