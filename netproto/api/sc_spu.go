package api

import (
	"net"
	"strconv"

	"github.com/fluvio-go/fluvio/netproto/codec"
)

// SpuType tells who runs an SPU.
type SpuType uint8

// The types of SPU.
const (
	SpuManaged SpuType = iota // by Kubernetes
	SpuCustom                 // by somebody who registered it
)

// Encryption of an endpoint.
type Encryption uint8

// The encryptions.
const (
	Plaintext Encryption = iota
	SSL
)

// Endpoint is an address that a node listens on.
type Endpoint struct {
	Port       uint16
	Host       string
	Encryption Encryption
}

// Code visits the endpoint.
func (e *Endpoint) Code(c *codec.Coder) {
	c.U16(&e.Port)
	c.String(&e.Host)
	codec.Enum8(c, &e.Encryption, SSL, "encryption")
}

// Addr is host:port.
func (e *Endpoint) Addr() string { return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))) }

// Ingress is one way to reach a port from outside.
type Ingress struct {
	Hostname *string
	IP       *string
}

// Code visits the ingress.
func (i *Ingress) Code(c *codec.Coder) {
	c.StringOption(&i.Hostname)
	c.StringOption(&i.IP)
}

// IngressPort is an endpoint behind any number of ingresses. Clients dial the
// first, by hostname rather than IP.
type IngressPort struct {
	Port       uint16
	Ingress    []Ingress
	Encryption Encryption
}

// Code visits the port.
func (p *IngressPort) Code(c *codec.Coder) {
	c.U16(&p.Port)
	codec.Slice(c, &p.Ingress, (*Ingress).Code)
	codec.Enum8(c, &p.Encryption, SSL, "encryption")
}

// Host is what clients dial: hostname, else IP, of the first ingress; empty
// when there is none.
func (p *IngressPort) Host() string {
	if len(p.Ingress) == 0 {
		return ""
	}
	switch in := p.Ingress[0]; {
	case in.Hostname != nil:
		return *in.Hostname
	case in.IP != nil:
		return *in.IP
	}
	return ""
}

// Addr is host:port of the first ingress.
func (p *IngressPort) Addr() string {
	return net.JoinHostPort(p.Host(), strconv.Itoa(int(p.Port)))
}

// SpuSpec is the desired state of an SPU.
type SpuSpec struct {
	ID          int32
	Type        SpuType
	Public      IngressPort
	Private     Endpoint
	Rack        *string
	PublicLocal *Endpoint // for clients inside the same network
}

// Code visits the spec.
func (s *SpuSpec) Code(c *codec.Coder) {
	c.I32(&s.ID)
	codec.Enum8(c, &s.Type, SpuCustom, "SPU type")
	s.Public.Code(c)
	s.Private.Code(c)
	c.StringOption(&s.Rack)
	if c.Since(1) {
		codec.Option(c, &s.PublicLocal, (*Endpoint).Code)
	}
}

// CustomSpuSpec is SpuSpec as it is registered: the type is known.
type CustomSpuSpec struct {
	ID          int32
	Public      IngressPort
	Private     Endpoint
	Rack        *string
	PublicLocal *Endpoint
}

// Code visits the spec.
func (s *CustomSpuSpec) Code(c *codec.Coder) {
	c.I32(&s.ID)
	s.Public.Code(c)
	s.Private.Code(c)
	c.StringOption(&s.Rack)
	codec.Option(c, &s.PublicLocal, (*Endpoint).Code)
}

// Spec is the same SPU as a SpuSpec.
func (s *CustomSpuSpec) Spec() SpuSpec {
	return SpuSpec{s.ID, SpuCustom, s.Public, s.Private, s.Rack, s.PublicLocal}
}

// Custom is the same SPU as a CustomSpuSpec.
func (s *SpuSpec) Custom() CustomSpuSpec {
	return CustomSpuSpec{s.ID, s.Public, s.Private, s.Rack, s.PublicLocal}
}

// SpuResolution is whether an SPU is there. Online is 0.
type SpuResolution uint8

// The states of an SPU.
const (
	SpuOnlineState SpuResolution = iota
	SpuOfflineState
	SpuInitState
)

var spuResolutionNames = [...]string{"Online", "Offline", "Init"}

// String is the name that command lines show.
func (r SpuResolution) String() string {
	if int(r) < len(spuResolutionNames) {
		return spuResolutionNames[r]
	}
	return "Unknown"
}

// SpuStatus is the actual state of an SPU.
type SpuStatus struct {
	Resolution SpuResolution
}

// Code visits the status.
func (s *SpuStatus) Code(c *codec.Coder) {
	codec.Enum8(c, &s.Resolution, SpuInitState, "SPU resolution")
}

// CustomSpuKey names a custom SPU by name or by id.
type CustomSpuKey struct {
	ByID bool
	ID   int32
	Name string
}

// Code visits the key, whose tag is text.
func (k *CustomSpuKey) Code(c *codec.Coder) {
	tag := "Name"
	if k.ByID {
		tag = "Id"
	}
	c.String(&tag)
	if c.Err() != nil {
		return
	}
	switch tag {
	case "Name":
		c.String(&k.Name)
	case "Id":
		c.I32(&k.ID)
	default:
		c.Invalidf("custom SPU key %q is neither Name nor Id", tag)
	}
	if !c.Encoding() {
		k.ByID = tag == "Id"
	}
}

// SpuGroupSpec asks Kubernetes for a number of SPUs.
type SpuGroupSpec struct {
	Replicas  uint16
	MinID     int32
	Rack      *string
	MinInSync *SpuReplication
	Storage   *SpuStorage
	Env       []EnvVar
}

// Code visits the spec.
func (s *SpuGroupSpec) Code(c *codec.Coder) {
	c.U16(&s.Replicas)
	c.I32(&s.MinID)
	c.StringOption(&s.Rack)
	codec.Option(c, &s.MinInSync, (*SpuReplication).Code)
	codec.Option(c, &s.Storage, (*SpuStorage).Code)
	codec.Slice(c, &s.Env, (*EnvVar).Code)
}

// SpuReplication holds the replication settings of a group.
type SpuReplication struct {
	InSyncReplicaMin *uint16
}

// Code visits the settings.
func (r *SpuReplication) Code(c *codec.Coder) {
	codec.Option(c, &r.InSyncReplicaMin, codec.U16Elem)
}

// SpuStorage holds the storage settings of a group; Size is a Kubernetes
// quantity such as 10Gi.
type SpuStorage struct {
	LogDir *string
	Size   *string
}

// Code visits the settings.
func (s *SpuStorage) Code(c *codec.Coder) {
	c.StringOption(&s.LogDir)
	c.StringOption(&s.Size)
}

// EnvVar is an environment variable of an SPU.
type EnvVar struct {
	Name, Value string
}

// Code visits the variable.
func (e *EnvVar) Code(c *codec.Coder) {
	c.String(&e.Name)
	c.String(&e.Value)
}

// SpuGroupResolution is whether the ids of a group are reserved.
type SpuGroupResolution uint8

// The states of an SPU group.
const (
	SpuGroupInit SpuGroupResolution = iota
	SpuGroupInvalid
	SpuGroupReserved
)

// SpuGroupStatus is the actual state of a group.
type SpuGroupStatus struct {
	Resolution SpuGroupResolution
	Reason     *string
}

// Code visits the status.
func (s *SpuGroupStatus) Code(c *codec.Coder) {
	codec.Enum8(c, &s.Resolution, SpuGroupReserved, "SPU group resolution")
	codec.Option(c, &s.Reason, codec.TextElem)
}
