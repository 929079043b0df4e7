package app

import (
	"fmt"
	"io"
	"log/slog"
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
	return newLogger(out, level, s.Logging.JSON), closeLog, nil
}

// newLogger writes ECS-like names: machines that read the log expect them.
func newLogger(out io.Writer, level slog.Level, json bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if !json {
		return slog.New(slog.NewTextHandler(out, opts))
	}
	opts.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.TimeKey:
			a.Key = "@timestamp"
		case slog.LevelKey:
			a.Key = "log.level"
		case slog.MessageKey:
			a.Key = "message"
		}
		return a
	}
	return slog.New(slog.NewJSONHandler(out, opts))
}
