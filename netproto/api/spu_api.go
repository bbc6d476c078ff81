package api

// Keys of the SPU's public API. Some numbers mean something else on the SC.
const (
	KeyProduce              uint16 = 0
	KeyFetch                uint16 = 1
	KeyFetchOffsets         uint16 = 1002
	KeyStreamFetch          uint16 = 1003
	KeyUpdateOffsets        uint16 = 1005
	KeyUpdateConsumerOffset uint16 = 1006
	KeyDeleteConsumerOffset uint16 = 1007
	KeyFetchConsumerOffsets uint16 = 1008
	KeyStartMirror          uint16 = 2000
)

// ConsumerOffsetTopic is the system topic that holds consumer offsets.
const ConsumerOffsetTopic = "consumer-offset"
