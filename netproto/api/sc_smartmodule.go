package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// minSmartModuleV2 is the SC version from which SmartModules have package
// data. Their older layout cannot reach a server: no client that negotiates
// Watch speaks it.
const minSmartModuleV2 = 10

// SmartModuleSpec is a stored WebAssembly module.
type SmartModuleSpec struct {
	Meta    *SmartModuleMeta
	Summary *SmartModuleSummary // only in answers to summary requests
	Format  WasmFormat
	Wasm    []byte // gzip by convention; empty in summaries; aliases the frame
}

// WasmFormat is the text or binary form of a module.
type WasmFormat uint8

// The formats.
const (
	WasmBinary WasmFormat = iota
	WasmText
)

// Code visits the spec.
func (s *SmartModuleSpec) Code(c *codec.Coder) {
	if !c.Since(minSmartModuleV2) {
		c.Invalidf("SmartModules of version %d are not supported; the oldest is %d", c.Version(), minSmartModuleV2)
		return
	}
	codec.Option(c, &s.Meta, (*SmartModuleMeta).Code)
	codec.Option(c, &s.Summary, (*SmartModuleSummary).Code)
	codec.Enum8(c, &s.Format, WasmText, "wasm format")
	c.ByteSlice(&s.Wasm)
}

// SmartModuleSummary replaces the module in summaries.
type SmartModuleSummary struct {
	WasmLength uint32 // bytes as stored, usually compressed
}

// Code visits the summary.
func (s *SmartModuleSummary) Code(c *codec.Coder) { c.U32(&s.WasmLength) }

// SmartModuleMeta is the package data of a module.
type SmartModuleMeta struct {
	Package SmartModulePackage
	Params  map[string]SmartModuleParam
}

// Code visits the data.
func (m *SmartModuleMeta) Code(c *codec.Coder) {
	m.Package.Code(c)
	codec.Map(c, &m.Params, codec.StringElem, (*SmartModuleParam).Code)
}

// SmartModulePackage identifies a module. Versions are strict semver.
type SmartModulePackage struct {
	Name, Group, Version, APIVersion string
	Description, License             *string
	Public                           bool // visibility: private is 0, public 1
	Repository                       *string
}

// Code visits the package. Visibility sits between license and repository.
func (p *SmartModulePackage) Code(c *codec.Coder) {
	c.String(&p.Name)
	c.String(&p.Group)
	c.String(&p.Version)
	c.String(&p.APIVersion)
	c.StringOption(&p.Description)
	c.StringOption(&p.License)
	if c.Since(19) {
		c.Bool(&p.Public)
	}
	c.StringOption(&p.Repository)
}

// SmartModuleParam describes one parameter.
type SmartModuleParam struct {
	Description *string
	Optional    bool
}

// Code visits the parameter.
func (p *SmartModuleParam) Code(c *codec.Coder) {
	c.StringOption(&p.Description)
	c.Bool(&p.Optional)
}

// SmartModuleStatus is empty.
type SmartModuleStatus struct{}

// Code visits nothing.
func (*SmartModuleStatus) Code(*codec.Coder) {}
