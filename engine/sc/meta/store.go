package meta

import (
	"context"
	"errors"
	"fmt"
)

// Store keeps objects. It is safe for concurrent use.
//
// Revisions are numbers that grow with every change to the store; they say
// nothing else. A write is conditional on the revision of the object it
// replaces, so that two writers cannot undo each other's work unseen.
type Store interface {
	// ClusterID is the random identity that the store got when it was made:
	// 32 hexadecimal digits. Data of another cluster carries another one.
	ClusterID() string

	// List returns all objects, kinds in the order of Kinds and names
	// ascending, and the revision of the store at that moment.
	List(ctx context.Context) ([]Object, uint64, error)

	// Get returns one object, or ErrNotFound.
	Get(ctx context.Context, kind Kind, name string) (Object, error)

	// Commit makes changes, all or none, and returns the revision of each.
	// They are durable when it returns. If any condition does not hold the
	// error is a *ConflictError. No object may occur twice.
	//
	// A store without transactions may apply the first few changes and then
	// fail; it returns the revisions of those. Whoever commits must therefore
	// choose an order from which the rest can be finished later: owners are
	// created before what they own, and deleted after it.
	Commit(ctx context.Context, changes []Change) ([]uint64, error)

	// Watch waits until something changed after revision after and returns
	// the changes since, oldest first, with the revision to continue from.
	// When the store no longer remembers that far back the error is
	// ErrTooOld: list again.
	Watch(ctx context.Context, after uint64) ([]Event, uint64, error)

	// Close releases the store. Calls under way and later ones get ErrClosed.
	// It is idempotent.
	Close() error
}

// Change is one conditional write.
type Change struct {
	Kind Kind
	Name string
	// Value is the new content, nil to delete the object.
	Value Value
	// IfRevision is the revision that the object must have; 0 means that it
	// must not exist.
	IfRevision uint64
}

// Create writes an object that must not exist.
func Create(name string, v Value) Change { return Change{Kind: v.Kind(), Name: name, Value: v} }

// Update replaces an object that must have that revision.
func Update(name string, v Value, revision uint64) Change {
	return Change{Kind: v.Kind(), Name: name, Value: v, IfRevision: revision}
}

// Delete removes an object that must have that revision.
func Delete(kind Kind, name string, revision uint64) Change {
	return Change{Kind: kind, Name: name, IfRevision: revision}
}

// Event is a change that happened.
type Event struct {
	Kind     Kind
	Name     string
	Revision uint64
	Value    Value // nil: deleted
}

// Errors of stores. Match them with errors.Is.
var (
	ErrNotFound = errors.New("object does not exist")
	ErrTooOld   = errors.New("changes since that revision are no longer known")
	ErrClosed   = errors.New("metadata store is closed")
)

// ConflictError says that an object was not at the revision that a write
// expected.
type ConflictError struct {
	Kind     Kind
	Name     string
	Want     uint64 // revision expected, 0 none
	Revision uint64 // revision found, 0 none
}

func (e *ConflictError) Error() string {
	switch {
	case e.Want == 0:
		return fmt.Sprintf("%s %q exists already, at revision %d", e.Kind, e.Name, e.Revision)
	case e.Revision == 0:
		return fmt.Sprintf("%s %q does not exist, expected revision %d", e.Kind, e.Name, e.Want)
	}
	return fmt.Sprintf("%s %q is at revision %d, expected %d", e.Kind, e.Name, e.Revision, e.Want)
}

// Check returns an error if the change can never be applied, whatever the
// store holds.
func (c *Change) Check() error {
	switch {
	case NewValue(c.Kind) == nil:
		return fmt.Errorf("kind %q of object %q is unknown", c.Kind, c.Name)
	case c.Name == "":
		return fmt.Errorf("%s without a name", c.Kind)
	case c.Value != nil && c.Value.Kind() != c.Kind:
		return fmt.Errorf("%s %q has the value of a %s", c.Kind, c.Name, c.Value.Kind())
	case c.Value == nil && c.IfRevision == 0:
		return fmt.Errorf("%s %q would be deleted only if it does not exist", c.Kind, c.Name)
	}
	return nil
}
