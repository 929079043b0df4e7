package logs

import (
	"io"
	"log/slog"
	"strings"
	"time"
)

// ecsVersion is the version of ECS that the names of the JSON lines are from.
const ecsVersion = "8.11.0"

// Options are about a logger.
type Options struct {
	// Level is the least level that is written. Default info.
	Level slog.Leveler
	// JSON writes each line as an object with ECS names. Default: text.
	JSON bool
}

// New makes a handler that writes to out. It never looks into values, so it cannot leave out a secret: those who log leave it out.
func New(out io.Writer, opt Options) slog.Handler {
	opts := &slog.HandlerOptions{Level: opt.Level}
	if !opt.JSON {
		return slog.NewTextHandler(out, opts)
	}
	opts.ReplaceAttr = ecsNames
	return slog.NewJSONHandler(out, opts).WithAttrs([]slog.Attr{
		slog.String("ecs.version", ecsVersion), slog.String("log.logger", "trailbeat"), slog.String("service.name", "trailbeat"),
	})
}

// ecsNames gives the members that every line has the names of ECS, and the values that Beats give them.
func ecsNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "@timestamp"
		if a.Value.Kind() == slog.KindTime {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format(time.RFC3339Nano))
		}
	case slog.LevelKey:
		a.Key = "log.level"
		if level, ok := a.Value.Any().(slog.Level); ok {
			a.Value = slog.StringValue(strings.ToLower(level.String()))
		}
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}
