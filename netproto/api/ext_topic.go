package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// Keys of our own additions to the SC's public API. They begin far above
// upstream's and are listed in ApiVersions, which is how our client tells
// whether a cluster has them.
const (
	KeyExtCreateTopic        uint16 = 31001
	KeyExtDescribeTopics     uint16 = 31002
	KeyExtDescribePartitions uint16 = 31003

	// ExtVersion is the version of our additions.
	ExtVersion int16 = 1
)

// objectVersion is the version at which upstream's objects are encoded inside
// our own messages, whose header carries their own version.
const objectVersion = ScVersion

// TopicConfig holds the topic settings that upstream does not have. The zero
// value means: the cluster's defaults.
type TopicConfig struct {
	Durability Durability
	// MinInSync is how many replicas must have a record before ReadCommitted
	// produce is acknowledged; 0 means 1.
	MinInSync uint32
	// UncleanElection lets a replica that is not in sync lead when no other
	// is left, at the price of acknowledged records.
	UncleanElection bool
}

// Code visits the settings.
func (t *TopicConfig) Code(c *codec.Coder) {
	codec.Enum8(c, &t.Durability, DurabilityNever, "durability")
	c.U32(&t.MinInSync)
	c.Bool(&t.UncleanElection)
}

// Durability is when a record of a topic may be acknowledged.
type Durability uint8

// The modes. DurabilityAuto means that an acknowledged record survives any one
// failure: Always for topics with one replica, and for the others Interval on
// every replica, with acknowledgements that wait until all that are in sync
// have the record. While that is only the leader it acts as in Always.
const (
	DurabilityAuto     Durability = iota
	DurabilityAlways              // after fdatasync, shared by all waiting requests; on every in-sync replica
	DurabilityInterval            // at once; fdatasync at least every second or 16 MiB
	DurabilityNever               // at once; the operating system decides
)

var durabilityNames = [...]string{"auto", "always", "interval", "never"}

// String is the name that flags use.
func (d Durability) String() string {
	if int(d) < len(durabilityNames) {
		return durabilityNames[d]
	}
	return "unknown"
}

// ParseDurability returns the mode with that name.
func ParseDurability(name string) (Durability, bool) {
	for i, n := range durabilityNames {
		if n == name {
			return Durability(i), true
		}
	}
	return 0, false
}

// Resolve returns the mode that applies to the logs of a topic with that many
// replicas.
func (d Durability) Resolve(replicas int) Durability {
	switch {
	case d != DurabilityAuto:
		return d
	case replicas > 1:
		return DurabilityInterval
	}
	return DurabilityAlways
}

// Commits reports whether every producer to a topic with that many replicas is
// acknowledged only when its records are committed, also one that does not ask
// for it.
func (d Durability) Commits(replicas int) bool {
	return replicas > 1 && (d == DurabilityAuto || d == DurabilityAlways)
}

// ExtCreateTopicRequest is Create for a topic with TopicConfig. Its answer is
// a Status.
type ExtCreateTopicRequest struct {
	Name    string
	DryRun  bool
	Timeout *uint32 // ms
	Spec    TopicSpec
	Config  TopicConfig
}

// Code visits the request.
func (r *ExtCreateTopicRequest) Code(c *codec.Coder) {
	c.String(&r.Name)
	c.Bool(&r.DryRun)
	codec.Option(c, &r.Timeout, codec.U32Elem)
	c.At(objectVersion, &r.Spec)
	r.Config.Code(c)
}

// ExtDescribeTopicsRequest asks for topics with TopicConfig.
type ExtDescribeTopicsRequest struct {
	Names []string // exact; none means all
}

// Code visits the request.
func (r *ExtDescribeTopicsRequest) Code(c *codec.Coder) {
	codec.Slice(c, &r.Names, codec.StringElem)
}

// ExtDescribeTopicsResponse holds the topics that exist, by name.
type ExtDescribeTopicsResponse struct {
	Topics []ExtTopic
}

// Code visits the response.
func (r *ExtDescribeTopicsResponse) Code(c *codec.Coder) {
	codec.Slice(c, &r.Topics, (*ExtTopic).Code)
}

// ExtTopic is a topic with everything we know of it.
type ExtTopic struct {
	Name   string
	ID     TopicID
	Spec   TopicSpec
	Status TopicStatus
	Config TopicConfig
}

// Code visits the topic.
func (t *ExtTopic) Code(c *codec.Coder) {
	c.String(&t.Name)
	t.ID.Code(c)
	c.At(objectVersion, &t.Spec)
	c.At(objectVersion, &t.Status)
	t.Config.Code(c)
}
