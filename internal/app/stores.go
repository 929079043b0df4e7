package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/internal/registry"
)

// openStores opens the dead letters now, and the registry with the first input that asks: a replay needs none and must not
// wait for the lock of a run.
func (r *wiring) openStores(ctx context.Context, s *settings) error {
	letters, err := s.openLetters(ctx, r)
	if err != nil {
		return err
	}
	r.letters = letters
	var opened *registry.Registry
	r.store = func(id string) (input.Store, error) {
		if opened == nil {
			reg, err := registry.Open(filepath.Join(s.Path.Data, registry.FileName))
			if err != nil {
				return nil, err
			}
			r.onClose(reg.Close)
			opened, r.registry = reg, reg
		}
		return opened.Input(id), nil
	}
	return nil
}

// openIfThere opens a file; nil where there is none.
func openIfThere(path string) (*os.File, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("opening %q: %w", path, reason(err))
	}
	return f, nil
}

func isEnd(err error) bool { return errors.Is(err, io.EOF) }
