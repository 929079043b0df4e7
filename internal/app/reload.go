package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/trailbeat/trailbeat/internal/config"
)

// errReload is why a run ends that begins anew.
var errReload = errors.New("the configuration is loaded anew")

// reloader lets a run begin anew with the configuration as it is then, within the process. What is in flight becomes durable
// before, or is handed back to its source, as at any stop; checkpoints carry over in the registry.
type reloader struct {
	app *app
	// asked gets a value for each request.
	asked <-chan struct{}
	stdin *touched
	// terminal says that a person saw the log when the process began.
	terminal bool
}

// touched notes that something was read. What a run has read ahead from standard input is gone for the next one.
type touched struct {
	io.Reader
	once atomic.Bool
}

func (t *touched) Read(p []byte) (int, error) {
	t.once.Store(true)
	return t.Reader.Read(p)
}

// runReloading ships, and again after each request with the new settings, until ctx ends or a run does.
func (a *app) runReloading(ctx context.Context, s *settings, job func(*settings) shipment, asked <-chan struct{}) error {
	stdin := &touched{Reader: a.Stdin}
	a.Stdin = stdin
	r := &reloader{app: a, asked: asked, stdin: stdin, terminal: isTerminal(a.Stderr)}
	var before *settings // those that ran until a reload; nil: they have run again since
	for {
		round, end := context.WithCancelCause(ctx)
		var next atomic.Pointer[settings]
		started := false
		j := job(s)
		j.begins = func(log *slog.Logger) func() {
			started = true
			done := make(chan struct{})
			go func() {
				defer close(done)
				r.listen(round, s, log, func(fresh *settings) {
					next.Store(fresh)
					end(errReload)
				}, func() { end(nil) })
			}()
			return func() { end(nil); <-done }
		}
		if before != nil {
			j.failed = func(log *slog.Logger, err error) {
				log.Error("the new configuration cannot be started; going on with the one before", "error.message", err)
			}
		}
		err := a.ship(round, s, j)
		end(nil)
		switch fresh := next.Load(); {
		case ctx.Err() != nil:
			return err
		case !started && err != nil && before != nil:
			s, before = before, nil
		case fresh == nil:
			return err
		default:
			if err != nil {
				fmt.Fprintf(a.Stderr, "trailbeat: ending the run before the reload: %s\n", err)
			}
			s, before = fresh, s
		}
	}
}

// listen waits for requests and begins anew with the first configuration that can be used.
func (r *reloader) listen(ctx context.Context, s *settings, log *slog.Logger, begin func(*settings), stop func()) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.asked:
		}
		if r.terminal && !isTerminal(r.app.Stderr) {
			log.Info("the terminal is gone, stopping")
			stop()
			return
		}
		fresh, err := r.load(s)
		if err != nil {
			refuse(log, err)
			continue
		}
		log.Info("reloading: the new configuration is valid; what is in flight is finished first")
		begin(fresh)
		return
	}
}

// load reads and checks the whole configuration.
func (r *reloader) load(s *settings) (*settings, error) {
	fresh, err := r.app.load()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(fresh.needSources(), fresh.needOutput()); err != nil {
		return nil, err
	}
	if fresh.Path.Data != s.Path.Data {
		return nil, fmt.Errorf("path.data: is %s, but this process keeps its checkpoints in %s; stop it and start it anew to move them", fresh.Path.Data, s.Path.Data)
	}
	if r.stdin.once.Load() {
		return nil, errors.New("an input reads from standard input, which cannot be read a second time; stop the process and start it anew")
	}
	return fresh, nil
}

// refuse says what is wrong with a new configuration, a line for each fault.
func refuse(log *slog.Logger, err error) {
	var faults config.Errors
	if !errors.As(err, &faults) {
		log.Error("not reloaded, nothing is changed", "error.message", err)
		return
	}
	for _, f := range faults {
		log.Error("the new configuration cannot be used", "option", f.Path, "position", f.Pos.String(), "reason", f.Message)
	}
	log.Error("not reloaded, nothing is changed", "error.message", fmt.Sprintf("%d faults in the configuration", len(faults)))
}
