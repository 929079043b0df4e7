package app

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/logs"
)

// parseLevel takes the names of Beats.
func parseLevel(name string) (slog.Level, error) {
	switch name {
	case "debug":
		return slog.LevelDebug, nil
	case "info":
		return slog.LevelInfo, nil
	case "warning", "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("is %q, but must be debug, info, warning or error", name)
}

// logger makes the program's logger. The function closes its file.
func (s *settings) logger(stderr io.Writer) (*slog.Logger, func() error, error) {
	level, err := parseLevel(s.Logging.Level)
	if err != nil {
		return nil, nil, err
	}
	out, closeLog := stderr, func() error { return nil }
	if s.Logging.ToFiles {
		f, err := openLogFile(s.Path.Logs, s.Logging.Files)
		if err != nil {
			return nil, nil, err
		}
		out, closeLog = f, f.Close
	}
	limited := logs.NewRepeats(newHandler(out, level, s.Logging.JSON), errorKind)
	return slog.New(limited), func() error {
		limited.Flush()
		return closeLog()
	}, nil
}

// errorKind tells the errors of one message apart.
func errorKind(err error) string {
	kind, _ := input.Explain(err)
	return kind
}

// newLogger makes the logger of a command that ends soon: it writes each line.
func newLogger(out io.Writer, level slog.Level, json bool) *slog.Logger {
	return slog.New(newHandler(out, level, json))
}

func newHandler(out io.Writer, level slog.Level, json bool) slog.Handler {
	return logs.New(out, logs.Options{Level: level, JSON: json})
}
