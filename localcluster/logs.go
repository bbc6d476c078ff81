package localcluster

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fluvio-go/fluvio/localcluster/node"
)

// maxLog is when a node's log file is put aside as <name>.1; what was there is
// lost. A node writes one line per change of state, so this is a long time.
const maxLog = 16 << 20

// logFiles are the logs of the nodes of a daemon, one file each, named as
// upstream's launcher names them and begun anew with every start.
type logFiles struct {
	dir   string
	level slog.Level
	files []*logFile
}

func openLogs(dir, rustLog string) (*logFiles, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	return &logFiles{dir: dir, level: node.ParseLevel(rustLog)}, nil
}

// logPath is the file of a node: "sc" or "spu-<id>".
func logPath(dir, node string) string {
	if id, ok := strings.CutPrefix(node, "spu-"); ok {
		return filepath.Join(dir, "spu_log_"+id+".log")
	}
	return filepath.Join(dir, "flv_"+node+".log")
}

// logger opens the file of a node. A file that cannot be opened is no reason
// not to run: its lines are dropped and the error is returned beside a logger.
func (l *logFiles) logger(node string) (*slog.Logger, error) {
	f := &logFile{path: logPath(l.dir, node)}
	if err := f.open(); err != nil {
		return slog.New(slog.DiscardHandler), fmt.Errorf("log of %s: %w", node, err)
	}
	l.files = append(l.files, f)
	h := slog.NewJSONHandler(f, &slog.HandlerOptions{Level: l.level})
	return slog.New(h).With(slog.String("node", node)), nil
}

func (l *logFiles) close() error {
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// logFile is a file that starts over when it is full.
type logFile struct {
	path string
	mu   sync.Mutex
	f    *os.File
	size int64
}

func (l *logFile) open() error {
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	l.f, l.size = f, 0
	return nil
}

// Write appends one line.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return 0, os.ErrClosed
	}
	if l.size+int64(len(p)) > maxLog {
		if err := l.turn(); err != nil {
			return 0, err
		}
	}
	n, err := l.f.Write(p)
	l.size += int64(n)
	return n, err
}

func (l *logFile) turn() error {
	if err := l.f.Close(); err != nil {
		return err
	}
	if err := os.Rename(l.path, l.path+".1"); err != nil {
		return err
	}
	return l.open()
}

// Close closes the file; later lines are dropped.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
