package cmdutil

import (
	"context"
	"errors"

	"github.com/fluvio-go/fluvio/client"
	"github.com/fluvio-go/fluvio/internal/uerr"
	"github.com/fluvio-go/fluvio/netproto/api"
	"github.com/fluvio-go/fluvio/netproto/transport"
)

// adminTexts are the refusals whose text does not depend on what the SC says.
var adminTexts = map[api.Code]string{
	api.TopicAlreadyExists:            "Topic already exists",
	api.TopicNotFound:                 "Topic not found",
	api.TopicInvalidName:              "Invalid topic name: topic name may only include lowercase letters (a-z), numbers (0-9), and hyphens (-).",
	api.MirrorNotFound:                "Mirror not found",
	api.SmartModuleNotFound:           "SmartModule not found",
	api.TableFormatAlreadyExists:      "TableFormat already exists",
	api.TableFormatNotFound:           "TableFormat not found",
	api.ManagedConnectorAlreadyExists: "Connector already exists",
	api.ManagedConnectorNotFound:      "Connector not found",
}

// ExplainAdmin turns the error of an administrative call into one for people.
// why and next may be empty; they are what the command knows about the object.
func ExplainAdmin(err error, why string, next ...string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	e := &uerr.Error{What: err.Error(), Err: err, Why: why, Next: next, Code: ExitCode(err)}
	var refused *client.Error
	if errors.As(err, &refused) {
		e.What = refused.Error()
		if text, ok := adminTexts[refused.Code.ID]; ok {
			e.What = text
		}
	}
	return lostConnection(e)
}

// ExplainStream turns the error of a producer or consumer into one for people.
func ExplainStream(err error, why string, next ...string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	return lostConnection(&uerr.Error{What: err.Error(), Err: err, Why: why, Next: next, Code: ExitCode(err)})
}

// lostConnection words e as a failure of the connection, if it is one.
func lostConnection(e *uerr.Error) error {
	var conn *transport.ConnError
	if errors.As(e.Err, &conn) {
		e.What = "Socket error: " + osText(conn.Err)
		if e.Why == "" {
			e.Why = "the connection to " + conn.Addr + " ended"
		}
	}
	return e
}

// exitCodes lists the refusals that have an exit code of their own.
var exitCodes = map[api.Code]uerr.Code{
	api.TopicNotFound:            uerr.NotFound,
	api.MirrorNotFound:           uerr.NotFound,
	api.SmartModuleNotFound:      uerr.NotFound,
	api.TableFormatNotFound:      uerr.NotFound,
	api.SpuNotFound:              uerr.NotFound,
	api.TopicAlreadyExists:       uerr.Conflict,
	api.MirrorAlreadyExists:      uerr.Conflict,
	api.SpuAlreadyExists:         uerr.Conflict,
	api.TableFormatAlreadyExists: uerr.Conflict,
	api.RequestTimedOut:          uerr.TimedOut,
	api.PermissionDenied:         uerr.Denied,
}

// ExitCode returns the exit code for an error of the client library.
func ExitCode(err error) uerr.Code {
	var code api.ErrorCode
	var conn *transport.ConnError
	switch {
	case errors.As(err, &code) && exitCodes[code.ID] != 0:
		return exitCodes[code.ID]
	case errors.Is(err, client.ErrTopicNotFound), errors.Is(err, client.ErrPartitionNotFound):
		return uerr.NotFound
	case errors.Is(err, client.ErrConfig):
		return uerr.Usage
	case errors.Is(err, transport.ErrTimeout), errors.Is(err, context.DeadlineExceeded), errors.Is(err, client.ErrQueueTimeout):
		return uerr.TimedOut
	case errors.As(err, &conn):
		return uerr.Unreachable
	}
	return uerr.Failed
}
