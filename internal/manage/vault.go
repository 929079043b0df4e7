package manage

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/trailbeat/trailbeat/internal/keystore"
)

// maxVault bounds the secrets, in bytes, so that the file stays one that a keystore opens.
const maxVault = 600_000

// vault keeps the secrets of sources. Safe for concurrent use.
type vault struct {
	mu    sync.Mutex
	store *keystore.Store
	bytes int
}

// openVault opens the keystore of the sources. The file is made with the first secret.
func openVault(path, password string) (*vault, error) {
	store, err := keystore.Open(path, password)
	if errors.Is(err, fs.ErrNotExist) {
		store, err = keystore.New(path, password), nil
	}
	if err != nil {
		return nil, err
	}
	v := &vault{store: store}
	for _, name := range store.Names() {
		text, _ := store.Get(name)
		v.bytes += len(text)
	}
	return v, nil
}

// keep stores secrets and gives the name of each. All of them are on disk when it returns, or none is.
func (v *vault) keep(texts map[string]string) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	names, size := map[string]string{}, 0
	for _, text := range texts {
		size += len(text)
	}
	if v.bytes+size > maxVault {
		return nil, fmt.Errorf("%w: the secrets of all sources have more than %d bytes; purge sources that are in the trash, or name secrets by reference", ErrBusy, maxVault)
	}
	if len(texts) == 0 {
		return names, nil
	}
	undo := func() {
		for _, name := range names {
			v.store.Remove(name)
		}
	}
	for option, text := range texts {
		name := "s" + strings.ToLower(rand.Text())
		if err := v.store.Set(name, text); err != nil {
			undo()
			return nil, err
		}
		names[option] = name
	}
	if err := v.store.Save(); err != nil {
		undo()
		return nil, err
	}
	v.bytes += size
	return names, nil
}

func (v *vault) get(name string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.store.Get(name)
}

// retain forgets all secrets but these.
func (v *vault) retain(used map[string]bool) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	changed := false
	for _, name := range v.store.Names() {
		if used[name] {
			continue
		}
		text, _ := v.store.Get(name)
		v.store.Remove(name)
		v.bytes -= len(text)
		changed = true
	}
	if !changed {
		return nil
	}
	return v.store.Save()
}
