package node

import (
	"log/slog"
	"strings"
)

// ParseLevel understands what people give RUST_LOG: a level, or directives of
// the form target=level, of which only a bare level counts here.
func ParseLevel(s string) slog.Level {
	level := slog.LevelInfo
	for part := range strings.SplitSeq(s, ",") {
		switch strings.ToLower(strings.TrimSpace(part)) {
		case "trace", "debug":
			level = slog.LevelDebug
		case "info":
			level = slog.LevelInfo
		case "warn":
			level = slog.LevelWarn
		case "error", "off":
			level = slog.LevelError
		}
	}
	return level
}
