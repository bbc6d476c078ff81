package api

import (
	"fmt"
	"strings"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// Code is the number of an error on the wire. The set is closed: an official
// client cannot decode a message with a number that it does not know, so a
// server must use only the codes of this file. A Code is an error value of
// its own; match it with errors.Is(err, api.TopicNotFound).
type Code int16

// Error codes of Fluvio 0.18, in order of their number.
const (
	UnknownServerError Code = -1
	OK                 Code = 0
	OffsetOutOfRange   Code = 1
	Other              Code = 2 // Detail.Text

	NotLeaderForPartition Code = 6
	RequestTimedOut       Code = 7 // Detail.TimeoutMS, Detail.Request
	MessageTooLarge       Code = 10
	PermissionDenied      Code = 13
	StorageError          Code = 56
	InvalidCreateRequest  Code = 60
	InvalidDeleteRequest  Code = 61

	OffsetEvicted           Code = 71 // Detail.Offset, Detail.NextAvailable
	PartitionFull           Code = 72 // Detail.Replica
	PartitionShortCircuited Code = 73

	SpuError              Code = 1000
	SpuRegistrationFailed Code = 1001
	SpuOffline            Code = 1002
	SpuNotFound           Code = 1003
	SpuAlreadyExists      Code = 1004

	TopicError                 Code = 2000
	TopicNotFound              Code = 2001
	TopicAlreadyExists         Code = 2002
	TopicPendingInitialization Code = 2003
	TopicInvalidConfiguration  Code = 2004
	TopicNotProvisioned        Code = 2005
	TopicInvalidName           Code = 2006
	TopicDeleted               Code = 2007
	TopicInvalidReplicaType    Code = 2008

	PartitionPendingInitialization Code = 3000
	PartitionNotLeader             Code = 3001
	FetchSessionNotFound           Code = 3002
	OffsetFlushRequestError        Code = 3003 // Detail.Text; made by clients
	OffsetManagementDisabled       Code = 3004 // made by clients
	MaxRetryReached                Code = 3005 // made by clients

	ManagedConnectorError         Code = 5000
	ManagedConnectorNotFound      Code = 5001
	ManagedConnectorAlreadyExists Code = 5002

	SmartModuleError               Code = 6000
	SmartModuleNotFound            Code = 6001 // Detail.Text: its name
	SmartModuleInvalid             Code = 6002 // Detail.Text, Detail.Name
	SmartModuleInvalidExports      Code = 6003 // Detail.Text, Detail.Kind
	SmartModuleRuntimeError        Code = 6004 // Detail.Runtime
	SmartModuleChainInitError      Code = 6005 // Detail.Text
	SmartModuleInitError           Code = 6006 // Detail.Text
	SmartModuleLookBackError       Code = 6007 // Detail.Text
	SmartModuleMemoryLimitExceeded Code = 6008 // Detail.Requested, Detail.Max

	TableFormatError         Code = 7000
	TableFormatNotFound      Code = 7001
	TableFormatAlreadyExists Code = 7002

	DerivedStreamObjectError    Code = 8000
	DerivedStreamNotFound       Code = 8001 // Detail.Text
	DerivedStreamJoinFetchError Code = 8002
	DerivedStreamInvalid        Code = 8003 // Detail.Text

	CompressionError Code = 9000

	DeduplicationSmartModuleNotLoaded   Code = 10000
	DeduplicationSmartModuleNameInvalid Code = 10001 // Detail.Text

	MirrorNotFound                    Code = 11001
	MirrorAlreadyExists               Code = 11002
	MirrorProduceFromHome             Code = 11003
	MirrorDeleteFromRemote            Code = 11004
	MirrorInvalidType                 Code = 11005
	MirrorProduceFromRemoteNotAllowed Code = 11006

	SystemSpecDeletionAttempt Code = 12001 // Detail.Kind, Detail.Name
	SystemSpecUpdatingAttempt Code = 12002 // Detail.Kind, Detail.Name
)

// shape tells which fields of ErrorDetail follow a code on the wire.
type shape uint8

const (
	shapeNone shape = iota
	shapeText
	shapeTimeout
	shapeEvicted
	shapeReplica
	shapeTextOptName
	shapeTextKind
	shapeRuntime
	shapeMemory
	shapeKindName
)

type codeInfo struct {
	name  string
	shape shape
	text  string // what official clients print; a verb takes the detail
}

var codes = map[Code]codeInfo{
	UnknownServerError:                  {"UnknownServerError", shapeNone, "An unknown server error occurred"},
	OK:                                  {"None", shapeNone, "success"},
	OffsetOutOfRange:                    {"OffsetOutOfRange", shapeNone, "Offset out of range"},
	Other:                               {"Other", shapeText, "Other error: %s"},
	NotLeaderForPartition:               {"NotLeaderForPartition", shapeNone, "the given SPU is not the leader for the partition"},
	RequestTimedOut:                     {"RequestTimedOut", shapeTimeout, "the request 'Produce' exceeded the timeout %d ms"},
	MessageTooLarge:                     {"MessageTooLarge", shapeNone, "the message is too large to send"},
	PermissionDenied:                    {"PermissionDenied", shapeNone, "permission denied"},
	StorageError:                        {"StorageError", shapeNone, "a storage error occurred"},
	InvalidCreateRequest:                {"InvalidCreateRequest", shapeNone, "invalid create request"},
	InvalidDeleteRequest:                {"InvalidDeleteRequest", shapeNone, "invalid Delete request"},
	OffsetEvicted:                       {"OffsetEvicted", shapeEvicted, "Offset %d is evicted. The next available is %d"},
	PartitionFull:                       {"PartitionFull", shapeReplica, "Partition storage is full"},
	PartitionShortCircuited:             {"PartitionShortCircuited", shapeNone, "Partition is short-circuited"},
	SpuError:                            {"SpuError", shapeNone, "an error occurred on the SPU"},
	SpuRegistrationFailed:               {"SpuRegisterationFailed", shapeNone, "failed to register an SPU"},
	SpuOffline:                          {"SpuOffline", shapeNone, "the SPU is offline"},
	SpuNotFound:                         {"SpuNotFound", shapeNone, "the SPU was not found"},
	SpuAlreadyExists:                    {"SpuAlreadyExists", shapeNone, "the SPU already exists"},
	TopicError:                          {"TopicError", shapeNone, "a topic error occurred"},
	TopicNotFound:                       {"TopicNotFound", shapeNone, "the topic was not found"},
	TopicAlreadyExists:                  {"TopicAlreadyExists", shapeNone, "the topic already exists"},
	TopicPendingInitialization:          {"TopicPendingInitialization", shapeNone, "the topic has not been initialized"},
	TopicInvalidConfiguration:           {"TopicInvalidConfiguration", shapeNone, "the topic configuration is invalid"},
	TopicNotProvisioned:                 {"TopicNotProvisioned", shapeNone, "the topic is not provisioned"},
	TopicInvalidName:                    {"TopicInvalidName", shapeNone, "the topic name is invalid"},
	TopicDeleted:                        {"TopicDeleted", shapeNone, "the topic was deleted"},
	TopicInvalidReplicaType:             {"TopicInvalidReplicaType", shapeNone, "the topic has invalid replica type"},
	PartitionPendingInitialization:      {"PartitionPendingInitialization", shapeNone, "the partition is not initialized"},
	PartitionNotLeader:                  {"PartitionNotLeader", shapeNone, "the partition is not a leader"},
	FetchSessionNotFound:                {"FetchSessionNotFoud", shapeNone, "the fetch session was not found"},
	OffsetFlushRequestError:             {"OffsetFlushRequestError", shapeText, "offset flush error: %s"},
	OffsetManagementDisabled:            {"OffsetManagementDisabled", shapeNone, "the offset management is disabled for the stream"},
	MaxRetryReached:                     {"MaxRetryReached", shapeNone, "max retry attempts reached"},
	ManagedConnectorError:               {"ManagedConnectorError", shapeNone, "an error occurred while managing a connector"},
	ManagedConnectorNotFound:            {"ManagedConnectorNotFound", shapeNone, "the connector was not found"},
	ManagedConnectorAlreadyExists:       {"ManagedConnectorAlreadyExists", shapeNone, "the connector already exists"},
	SmartModuleError:                    {"SmartModuleError", shapeNone, "an error occurred while managing a SmartModule"},
	SmartModuleNotFound:                 {"SmartModuleNotFound", shapeText, "SmartModule %s was not found"},
	SmartModuleInvalid:                  {"SmartModuleInvalid", shapeTextOptName, "SmartModule is invalid: %s"},
	SmartModuleInvalidExports:           {"SmartModuleInvalidExports", shapeTextKind, "SmartModule has invalid exports: %s"},
	SmartModuleRuntimeError:             {"SmartModuleRuntimeError", shapeRuntime, "SmartModule transform error %s"},
	SmartModuleChainInitError:           {"SmartModuleChainInitError", shapeText, "Error initializing %s SmartModule Chain"},
	SmartModuleInitError:                {"SmartModuleInitError", shapeText, "SmartModule init error %s"},
	SmartModuleLookBackError:            {"SmartModuleLookBackError", shapeText, "SmartModule look_back error: %s"},
	SmartModuleMemoryLimitExceeded:      {"SmartModuleMemoryLimitExceeded", shapeMemory, "SmartModule memory limit exceeded: requested %d bytes, max allowed %d bytes"},
	TableFormatError:                    {"TableFormatError", shapeNone, "a tableformat error occurred"},
	TableFormatNotFound:                 {"TableFormatNotFound", shapeNone, "the tableformat was not found"},
	TableFormatAlreadyExists:            {"TableFormatAlreadyExists", shapeNone, "the tableformat already exists"},
	DerivedStreamObjectError:            {"DerivedStreamObjectError", shapeNone, "a derived stream error occurred"},
	DerivedStreamNotFound:               {"DerivedStreamNotFound", shapeText, "the derived stream %s was not found"},
	DerivedStreamJoinFetchError:         {"DerivedStreamJoinFetchError", shapeNone, "the derived stream could not join"},
	DerivedStreamInvalid:                {"DerivedStreamInvalid", shapeText, "the derived stream %s is invalid"},
	CompressionError:                    {"CompressionError", shapeNone, "a compression error occurred in the SPU"},
	DeduplicationSmartModuleNotLoaded:   {"DeduplicationSmartModuleNotLoaded", shapeNone, "Deduplication SmartModule is not loaded into the cluster"},
	DeduplicationSmartModuleNameInvalid: {"DeduplicationSmartModuleNameInvalid", shapeText, "Deduplication SmartModule name is invalid: %s"},
	MirrorNotFound:                      {"MirrorNotFound", shapeNone, "the mirror was not found"},
	MirrorAlreadyExists:                 {"MirrorAlreadyExists", shapeNone, "the mirror already exists"},
	MirrorProduceFromHome:               {"MirrorProduceFromHome", shapeNone, "produce from home is not allowed"},
	MirrorDeleteFromRemote:              {"MirrorDeleteFromRemote", shapeNone, "delete from remote is not allowed"},
	MirrorInvalidType:                   {"MirrorInvalidType", shapeNone, "the mirror is invalid"},
	MirrorProduceFromRemoteNotAllowed:   {"MirrorProduceFromRemoteNotAllowed", shapeNone, "produce from remote target is not allowed"},
	SystemSpecDeletionAttempt:           {"SystemSpecDeletionAttempt", shapeKindName, "system %s '%s' can only be deleted forcibly"},
	SystemSpecUpdatingAttempt:           {"SystemSpecUpdatingAttempt", shapeKindName, "system %s '%s' can only be updated forcibly"},
}

// Codes lists every assigned code in no particular order.
func Codes() []Code {
	out := make([]Code, 0, len(codes))
	for c := range codes {
		out = append(out, c)
	}
	return out
}

// Name is upstream's name of the code, for logs.
func (c Code) Name() string {
	if info, ok := codes[c]; ok {
		return info.name
	}
	return fmt.Sprintf("Code(%d)", int16(c))
}

// Error is the text of the code without detail.
func (c Code) Error() string { return ErrorCode{ID: c}.Error() }

// ErrorCode is an error as it travels: a code and what that code carries. The
// zero value is success. It is an error; Err turns it into a nil error on
// success.
type ErrorCode struct {
	ID     Code
	Detail *ErrorDetail // nil where the code carries nothing
}

// ErrorDetail holds the data of all codes that have some; each code uses the
// fields named at its constant.
type ErrorDetail struct {
	Text, Name, Kind      string
	HasName               bool // SmartModuleInvalid: Name is present
	TimeoutMS             uint64
	Request               uint8 // RequestTimedOut: 0 = Produce
	Offset, NextAvailable int64
	Replica               ReplicaKey
	Requested, Max        uint64 // bytes
	Runtime               *SmartModuleFailure
}

// SmartModuleFailure is what a SmartModule said about the record it failed
// on. Kind is 0 Filter, 1 Map, 2 ArrayMap, 3 Aggregate, 4 FilterMap, 5 Join,
// 6 Generic: not the numbering of SmartModuleInvocation.
type SmartModuleFailure struct {
	Hint   string
	Offset int64
	Kind   uint8
	HasKey bool
	Key    []byte
	Value  []byte
}

// Errorf returns Other with a formatted text. Use it for situations that have
// no code of their own, since new codes would break official clients.
func Errorf(format string, args ...any) ErrorCode {
	return ErrorCode{Other, &ErrorDetail{Text: fmt.Sprintf(format, args...)}}
}

// notEnoughInSync begins the text of NotEnoughInSync.
const notEnoughInSync = "not enough in-sync replicas"

// NotEnoughInSync refuses records that are to be committed while fewer replicas
// are in sync than their topic wants.
func NotEnoughInSync(have, want int) ErrorCode {
	return Errorf("%s: %d of %d", notEnoughInSync, have, want)
}

// IsNotEnoughInSync recognises NotEnoughInSync, which has no number of its own.
func (e ErrorCode) IsNotEnoughInSync() bool {
	return e.ID == Other && e.Detail != nil && strings.HasPrefix(e.Detail.Text, notEnoughInSync)
}

// Err returns nil on success and e otherwise.
func (e ErrorCode) Err() error {
	if e.ID == OK {
		return nil
	}
	return e
}

// Is makes errors.Is(e, code) compare the numbers.
func (e ErrorCode) Is(target error) bool {
	c, ok := target.(Code)
	return ok && c == e.ID
}

// Error is the text that official clients print.
func (e ErrorCode) Error() string {
	info, ok := codes[e.ID]
	if !ok {
		return fmt.Sprintf("error code %d", int16(e.ID))
	}
	d := e.Detail
	if d == nil {
		d = &ErrorDetail{}
	}
	switch info.shape {
	case shapeText, shapeTextOptName, shapeTextKind:
		return fmt.Sprintf(info.text, d.Text)
	case shapeTimeout:
		return fmt.Sprintf(info.text, d.TimeoutMS)
	case shapeEvicted:
		return fmt.Sprintf(info.text, d.Offset, d.NextAvailable)
	case shapeMemory:
		return fmt.Sprintf(info.text, d.Requested, d.Max)
	case shapeKindName:
		return fmt.Sprintf(info.text, d.Kind, d.Name)
	case shapeRuntime:
		hint := ""
		if d.Runtime != nil {
			hint = fmt.Sprintf("at offset %d: %s", d.Runtime.Offset, d.Runtime.Hint)
		}
		return fmt.Sprintf(info.text, hint)
	}
	return info.text
}

// Code visits the error: number, then the data of that number. An
// unassigned number is an error when decoding, as its data cannot be skipped.
func (e *ErrorCode) Code(c *codec.Coder) {
	n := int16(e.ID)
	c.I16(&n)
	if c.Err() != nil {
		return
	}
	info, ok := codes[Code(n)]
	if !ok {
		c.Invalidf("error code %d is not assigned", n)
		return
	}
	if !c.Encoding() {
		*e = ErrorCode{ID: Code(n)}
	}
	if info.shape == shapeNone {
		return
	}
	if e.Detail == nil {
		if c.Encoding() {
			(&ErrorDetail{}).code(c, info.shape)
			return
		}
		e.Detail = &ErrorDetail{}
	}
	e.Detail.code(c, info.shape)
}

func (d *ErrorDetail) code(c *codec.Coder, s shape) {
	switch s {
	case shapeText:
		c.Text(&d.Text)
	case shapeTimeout:
		c.U64(&d.TimeoutMS)
		codec.Enum8(c, &d.Request, 0, "request kind")
	case shapeEvicted:
		c.I64(&d.Offset)
		c.I64(&d.NextAvailable)
	case shapeReplica:
		d.Replica.Code(c)
	case shapeTextOptName:
		c.Text(&d.Text)
		c.Bool(&d.HasName)
		if d.HasName {
			c.Text(&d.Name)
		}
	case shapeTextKind:
		c.Text(&d.Text)
		c.Text(&d.Kind)
	case shapeMemory:
		c.U64(&d.Requested)
		c.U64(&d.Max)
	case shapeKindName:
		c.Text(&d.Kind)
		c.Text(&d.Name)
	case shapeRuntime:
		if d.Runtime == nil {
			d.Runtime = &SmartModuleFailure{}
		}
		d.Runtime.Code(c)
	}
}

// Code visits the failure.
func (f *SmartModuleFailure) Code(c *codec.Coder) {
	c.Text(&f.Hint)
	c.I64(&f.Offset)
	codec.Enum8(c, &f.Kind, 6, "SmartModule kind")
	c.Bool(&f.HasKey)
	if f.HasKey {
		recordData(&f.Key, c)
	}
	recordData(&f.Value, c)
}

// recordData visits bytes with a varint length, as keys and values of records
// are written.
func recordData(v *[]byte, c *codec.Coder) {
	n := int64(len(*v))
	c.Varint(&n)
	if c.Err() != nil {
		return
	}
	if !c.Encoding() && (n < 0 || n > int64(c.Remaining())) {
		c.Invalidf("record data of %d bytes, %d left", n, c.Remaining())
		return
	}
	c.Raw(v, int(n))
}

// ReplicaKey names a partition.
type ReplicaKey struct {
	Topic     string
	Partition uint32
}

// Code visits the key.
func (k *ReplicaKey) Code(c *codec.Coder) {
	c.String(&k.Topic)
	c.U32(&k.Partition)
}

// String is the partition's object name, <topic>-<partition>.
func (k ReplicaKey) String() string { return fmt.Sprintf("%s-%d", k.Topic, k.Partition) }
