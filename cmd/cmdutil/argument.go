package cmdutil

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/fluvio-go/fluvio/internal/uerr"
)

// ErrInvalidArg returns the error for a value that only the command can judge.
func ErrInvalidArg(format string, args ...any) error {
	return &uerr.Error{What: "Invalid argument: " + fmt.Sprintf(format, args...), Code: uerr.Usage}
}

// FileError returns the error for a file named on the command line that cannot
// be read: the system's text, as the original spells it.
func FileError(path string, err error) error {
	e := &uerr.Error{What: osText(err), Err: err, Why: path + " cannot be read", Code: uerr.Failed}
	if errors.Is(err, fs.ErrNotExist) {
		e.Why, e.Code = path+" does not exist", uerr.NotFound
	}
	return e
}
