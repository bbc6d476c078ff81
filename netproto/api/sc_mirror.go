package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// MirrorSide tells which end of a mirror is described.
type MirrorSide uint8

// The sides, as tagged in topic and partition settings.
const (
	MirrorRemote MirrorSide = iota
	MirrorHome
)

// MirrorConfig is the replica spec of a mirror topic.
type MirrorConfig struct {
	Side MirrorSide

	// Remote side.
	HomeCluster string
	HomeSpus    []HomeSpu
	Target      bool

	// Home side.
	Partitions []HomePartition
	Source     bool
}

// Code visits the union.
func (m *MirrorConfig) Code(c *codec.Coder) {
	codec.Enum8(c, &m.Side, MirrorHome, "mirror config")
	if c.Err() != nil {
		return
	}
	if m.Side == MirrorRemote {
		c.String(&m.HomeCluster)
		codec.Slice(c, &m.HomeSpus, (*HomeSpu).Code)
		if c.Since(18) {
			c.Bool(&m.Target)
		}
		return
	}
	codec.Slice(c, &m.Partitions, (*HomePartition).Code)
	if c.Since(18) {
		c.Bool(&m.Source)
	}
}

// HomeSpu is an SPU of the home cluster as a remote sees it.
type HomeSpu struct {
	ID       int32
	Key      string
	Endpoint string
}

// Code visits the SPU.
func (s *HomeSpu) Code(c *codec.Coder) {
	c.I32(&s.ID)
	c.String(&s.Key)
	c.String(&s.Endpoint)
}

// HomePartition is a partition of a home topic: which remote it mirrors.
type HomePartition struct {
	RemoteCluster string
	RemoteReplica string // partition name at the remote, such as boats-0
	Source        bool
}

// Code visits the partition.
func (p *HomePartition) Code(c *codec.Coder) {
	c.String(&p.RemoteCluster)
	c.String(&p.RemoteReplica)
	if c.Since(18) {
		c.Bool(&p.Source)
	}
}

// PartitionMirror is the mirror role of one partition.
type PartitionMirror struct {
	Side MirrorSide

	// Remote side.
	HomeCluster     string
	HomeSpuKey      string
	HomeSpuID       int32
	HomeSpuEndpoint string
	Target          bool

	// Home side.
	Home HomePartition
}

// Code visits the union.
func (m *PartitionMirror) Code(c *codec.Coder) {
	codec.Enum8(c, &m.Side, MirrorHome, "partition mirror")
	if c.Err() != nil {
		return
	}
	if m.Side == MirrorHome {
		m.Home.Code(c)
		return
	}
	c.String(&m.HomeCluster)
	c.String(&m.HomeSpuKey)
	c.I32(&m.HomeSpuID)
	c.String(&m.HomeSpuEndpoint)
	if c.Since(18) {
		c.Bool(&m.Target)
	}
}

// MirrorSpec is a mirror object: a remote that may connect to this cluster,
// or the home this cluster connects to.
type MirrorSpec struct {
	Side           MirrorSide
	ID             string
	RemoteID       string // home only, as the rest
	PublicEndpoint string
	ClientTLS      *MirrorTLS
}

// Code visits the union.
func (m *MirrorSpec) Code(c *codec.Coder) {
	codec.Enum8(c, &m.Side, MirrorHome, "mirror")
	if c.Err() != nil {
		return
	}
	c.String(&m.ID)
	if m.Side == MirrorHome {
		c.String(&m.RemoteID)
		c.String(&m.PublicEndpoint)
		codec.Option(c, &m.ClientTLS, (*MirrorTLS).Code)
	}
}

// MirrorTLS holds PEM texts, each at most codec.MaxString bytes.
type MirrorTLS struct {
	Domain, CACert, ClientCert, ClientKey string
}

// Code visits the texts.
func (t *MirrorTLS) Code(c *codec.Coder) {
	c.String(&t.Domain)
	c.String(&t.CACert)
	c.String(&t.ClientCert)
	c.String(&t.ClientKey)
}

// PairState is the state of one end of a mirror connection.
type PairState uint8

// The states; PairDetailFailure carries a text.
const (
	PairWaiting PairState = iota
	PairSuccessful
	PairFailed
	PairDisabled
	PairUnauthorized
	PairDetailFailure
)

// MirrorPair is a state with its text.
type MirrorPair struct {
	State  PairState
	Detail string
}

// Code visits the state. Clients before version 17 do not know
// PairDetailFailure and would lose the whole update, so they are told Failed.
func (p *MirrorPair) Code(c *codec.Coder) {
	state := p.State
	if c.Encoding() && state == PairDetailFailure && !c.Since(17) {
		state = PairFailed
	}
	codec.Enum8(c, &state, PairDetailFailure, "mirror pair")
	if !c.Encoding() {
		p.State = state
	}
	if state == PairDetailFailure {
		c.Text(&p.Detail)
	}
}

// MirrorStatus is the actual state of a mirror.
type MirrorStatus struct {
	Online     bool
	PairingSC  MirrorPair
	PairingSPU MirrorPair
	LastSeen   uint64 // ms since the Unix epoch
}

// Code visits the status. The connection tag is 0 offline, 1 online, which is
// the encoding of a bool.
func (s *MirrorStatus) Code(c *codec.Coder) {
	c.Bool(&s.Online)
	s.PairingSC.Code(c)
	s.PairingSPU.Code(c)
	c.U64(&s.LastSeen)
}

// MirrorConnect opens the mirroring stream of the SC (key 1005).
type MirrorConnect struct {
	RemoteID string
}

// Code visits the request.
func (m *MirrorConnect) Code(c *codec.Coder) { c.String(&m.RemoteID) }

// MirroringStatusResponse lists the home topics of a remote.
type MirroringStatusResponse struct {
	Name    string
	Error   ErrorCode
	Message *string
	Topics  []MirroringTopic
}

// Code visits the response.
func (r *MirroringStatusResponse) Code(c *codec.Coder) {
	c.String(&r.Name)
	r.Error.Code(c)
	codec.Option(c, &r.Message, codec.TextElem)
	codec.Slice(c, &r.Topics, (*MirroringTopic).Code)
}

// MirroringTopic is a home topic and the SPU that holds the remote's
// partition of it.
type MirroringTopic struct {
	Key         string
	Spec        TopicSpec
	SpuID       int32
	SpuKey      string
	SpuEndpoint string
}

// Code visits the topic.
func (t *MirroringTopic) Code(c *codec.Coder) {
	c.String(&t.Key)
	t.Spec.Code(c)
	c.I32(&t.SpuID)
	c.String(&t.SpuKey)
	c.String(&t.SpuEndpoint)
}
