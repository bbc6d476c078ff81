package view

import "github.com/fluvio-go/fluvio/netproto/api"

// Spu is an SPU as it is printed.
type Spu = Object[SpuSpec, SpuStatus]

// SpuSpec is the desired state of an SPU.
type SpuSpec struct {
	ID          int32       `json:"spuId"`
	Type        string      `json:"spuType"`
	Public      IngressPort `json:"publicEndpoint"`
	Private     Endpoint    `json:"privateEndpoint"`
	Rack        *string     `json:"rack,omitempty"`
	PublicLocal *Endpoint   `json:"publicEndpointLocal,omitempty"`
}

// SpuStatus is the actual state of an SPU.
type SpuStatus struct {
	Resolution string `json:"resolution"`
}

// IngressPort is an endpoint behind ingresses.
type IngressPort struct {
	Port       uint16    `json:"port"`
	Ingress    []Ingress `json:"ingress"`
	Encryption string    `json:"encryption"`
}

// Ingress is one way to reach a port from outside.
type Ingress struct {
	Hostname *string `json:"hostname"`
	IP       *string `json:"ip"`
}

// Endpoint is an address that a node listens on.
type Endpoint struct {
	Port       uint16 `json:"port"`
	Host       string `json:"host"`
	Encryption string `json:"encryption"`
}

var (
	spuTypes    = []string{"Managed", "Custom"}
	encryptions = []string{"PLAINTEXT", "SSL"}
)

// OfSpu returns the view of an SPU.
func OfSpu(s *api.Spu) Spu {
	return Spu{
		Name: s.Name,
		Spec: SpuSpec{
			ID:   s.Spec.ID,
			Type: name(spuTypes, s.Spec.Type),
			Public: IngressPort{
				Port:       s.Spec.Public.Port,
				Ingress:    each(s.Spec.Public.Ingress, func(i *api.Ingress) Ingress { return Ingress{i.Hostname, i.IP} }),
				Encryption: name(encryptions, s.Spec.Public.Encryption),
			},
			Private:     endpoint(&s.Spec.Private),
			Rack:        s.Spec.Rack,
			PublicLocal: optionalEndpoint(s.Spec.PublicLocal),
		},
		Status: SpuStatus{s.Status.Resolution.String()},
	}
}

func endpoint(e *api.Endpoint) Endpoint {
	return Endpoint{e.Port, e.Host, name(encryptions, e.Encryption)}
}

func optionalEndpoint(e *api.Endpoint) *Endpoint {
	if e == nil {
		return nil
	}
	v := endpoint(e)
	return &v
}
