package api

import "github.com/fluvio-go/fluvio/netproto/codec"

// ApiVersionsRequest is the first request on every connection, sent at
// version ApiVersionsVersion.
type ApiVersionsRequest struct {
	ClientVersion string // strict semver
	ClientOS      string // Rust target names: linux, macos, windows
	ClientArch    string // x86_64, aarch64
}

// ApiVersionsVersion is the version of ApiVersionsRequest itself.
const ApiVersionsVersion = 2

// Code visits the request.
func (r *ApiVersionsRequest) Code(c *codec.Coder) {
	if c.Since(1) {
		c.String(&r.ClientVersion)
		c.String(&r.ClientOS)
		c.String(&r.ClientArch)
	}
}

// ApiRange is a row of the table a server advertises.
type ApiRange struct {
	Key, Min, Max int16
}

// Code visits the row.
func (r *ApiRange) Code(c *codec.Coder) {
	c.I16(&r.Key)
	c.I16(&r.Min)
	c.I16(&r.Max)
}

// ApiVersionsResponse tells what a server speaks. ApiVersions itself is never
// listed.
type ApiVersionsResponse struct {
	Error           ErrorCode
	APIs            []ApiRange
	PlatformVersion string // strict semver; 0.0.0 on an SPU
}

// Code visits the response.
func (r *ApiVersionsResponse) Code(c *codec.Coder) {
	r.Error.Code(c)
	codec.Slice(c, &r.APIs, (*ApiRange).Code)
	c.String(&r.PlatformVersion)
}

// Current versions of the two servers' messages.
const (
	ScVersion  int16 = 19
	SpuVersion int16 = 25
	// StreamFetchFallback is used when a server does not list StreamFetch.
	StreamFetchFallback int16 = 17
	// minWatch is the oldest Watch that anybody who can connect speaks.
	minWatch int16 = 15
)

// SpuPlatformVersion is what SPUs report; only the SC knows the release.
const SpuPlatformVersion = "0.0.0"

// ScAPIs is the table of an SC: upstream's rows in upstream's order, then our
// own additions, which official clients look past.
func ScAPIs() []ApiRange {
	return []ApiRange{
		{int16(KeyCreate), 9, ScVersion},
		{int16(KeyDelete), 1, ScVersion},
		{int16(KeyList), minWatch, ScVersion},
		{int16(KeyWatch), minWatch, ScVersion},
		{int16(KeyMirroring), 14, ScVersion},
		{int16(KeyUpdate), 1, ScVersion},
		{int16(KeyExtCreateTopic), 1, ExtVersion},
		{int16(KeyExtDescribeTopics), 1, ExtVersion},
		{int16(KeyExtDescribePartitions), 1, ExtVersion},
	}
}

// SpuAPIs is the table of an SPU. Consumer offsets and mirroring are served
// but, as upstream, not listed; clients send them at their own version.
func SpuAPIs(clientVersion string) []ApiRange {
	stream := SpuVersion
	if clientVersion == "" {
		// Clients that do not say who they are predate next_filter_offset
		// semantics above 15.
		stream = 15
	}
	return []ApiRange{
		{int16(KeyProduce), 0, SpuVersion},
		{int16(KeyFetch), 0, SpuVersion},
		{int16(KeyFetchOffsets), SpuVersion, SpuVersion},
		{int16(KeyStreamFetch), 0, stream},
		{int16(KeyUpdateOffsets), 0, 0},
	}
}

// clientRange is what a client of this release speaks, per server.
var (
	scClient = map[uint16][2]int16{
		KeyCreate: {9, ScVersion}, KeyDelete: {1, ScVersion}, KeyList: {minWatch, ScVersion},
		KeyWatch: {minWatch, ScVersion}, KeyMirroring: {14, ScVersion}, KeyUpdate: {1, ScVersion},
		KeyExtCreateTopic: {1, ExtVersion}, KeyExtDescribeTopics: {1, ExtVersion},
		KeyExtDescribePartitions: {1, ExtVersion},
	}
	spuClient = map[uint16][2]int16{
		KeyProduce: {0, SpuVersion}, KeyFetch: {0, SpuVersion}, KeyFetchOffsets: {23, SpuVersion},
		KeyStreamFetch: {23, SpuVersion}, KeyUpdateOffsets: {0, 0},
		KeyUpdateConsumerOffset: {23, SpuVersion}, KeyDeleteConsumerOffset: {23, SpuVersion},
		KeyFetchConsumerOffsets: {23, SpuVersion},
	}
)

// Versions is the outcome of the handshake with one server.
type Versions struct {
	Platform string
	apis     map[uint16][2]int16
	client   map[uint16][2]int16
}

// ScVersions interprets the handshake answer of an SC.
func ScVersions(r *ApiVersionsResponse) Versions { return newVersions(r, scClient) }

// SpuVersions interprets the handshake answer of an SPU.
func SpuVersions(r *ApiVersionsResponse) Versions { return newVersions(r, spuClient) }

func newVersions(r *ApiVersionsResponse, client map[uint16][2]int16) Versions {
	v := Versions{Platform: r.PlatformVersion, apis: make(map[uint16][2]int16, len(r.APIs)), client: client}
	for _, a := range r.APIs {
		if _, ok := v.apis[uint16(a.Key)]; !ok { // the first entry of a key counts
			v.apis[uint16(a.Key)] = [2]int16{a.Min, a.Max}
		}
	}
	return v
}

// Pick returns the highest version of key that both sides speak; ok is false
// when the server does not list the key or the ranges do not meet.
func (v Versions) Pick(key uint16) (version int16, ok bool) {
	c, known := v.client[key]
	s, listed := v.apis[key]
	if !known || !listed || s[1] < c[0] || s[0] > c[1] {
		return 0, false
	}
	return min(c[1], s[1]), true
}

// PickOrDefault is Pick for requests that official clients send at their own
// version when nothing was negotiated.
func (v Versions) PickOrDefault(key uint16) int16 {
	if n, ok := v.Pick(key); ok {
		return n
	}
	if key == KeyStreamFetch {
		return StreamFetchFallback
	}
	return v.client[key][1]
}
