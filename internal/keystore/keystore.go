// Package keystore keeps secrets in a file, so that a configuration can name them and hold none.
//
// The file is JSON around one sealed text: AES-256-GCM, with a key that PBKDF2 makes of the password and a salt. The header is
// authenticated with it, so nothing in the file can be changed without the password. Without a password the key follows from the file itself: that
// keeps secrets from being seen by accident, as the keystore of Beats does, and no more; the mode of the file protects them.
package keystore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// Rounds of PBKDF2 with SHA-256 where there is a password; OWASP advises no fewer.
const rounds = 600_000

// maxRounds bounds what a file may ask for.
const maxRounds = 10_000_000

// maxFile bounds the file. Secrets are short.
const maxFile = 1 << 20

// name is what a configuration can name as ${NAME}.
var name = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// file is the form on disk.
type file struct {
	Version int    `json:"version"`
	KDF     string `json:"kdf"`
	Rounds  int    `json:"rounds"`
	Salt    []byte `json:"salt"`
	Nonce   []byte `json:"nonce"`
	Sealed  []byte `json:"sealed,omitempty"`
}

const (
	version = 1
	kdf     = "pbkdf2-sha256"
)

// ErrPassword says that a keystore could not be opened: the password is another, or the file was changed.
var ErrPassword = errors.New("it cannot be opened: the password is another, or the file was changed")

// Store holds secrets by name. It is not safe for concurrent use.
type Store struct {
	path     string
	password string
	secrets  map[string]string
}

// New makes an empty store, which is not on disk until Save.
func New(path, password string) *Store {
	return &Store{path: path, password: password, secrets: map[string]string{}}
}

// Open reads a store. Its errors wrap fs.ErrNotExist where there is none, and ErrPassword. A file that others may read is refused.
func Open(path, password string) (*Store, error) {
	s := New(path, password)
	info, err := os.Stat(path)
	if err != nil {
		return nil, s.fault("opening", err)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, s.fault("opening", fmt.Errorf("its mode is %#o, so others may read it; chmod 600 it, and take new secrets if others did", mode))
	}
	if info.Size() > maxFile {
		return nil, s.fault("opening", errors.New("it is longer than 1 MiB, so it is no keystore"))
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, s.fault("reading", err)
	}
	var f file
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, s.fault("reading", fmt.Errorf("it is no keystore: %w", err))
	}
	if f.Version != version || f.KDF != kdf || f.Rounds < 1 || f.Rounds > maxRounds {
		return nil, s.fault("reading", fmt.Errorf("version %d with %q and %d rounds is not known here; it was written by another program or a newer version", f.Version, f.KDF, f.Rounds))
	}
	sealed := f.Sealed
	f.Sealed = nil
	aead, header, err := f.cipher(password)
	if err != nil {
		return nil, s.fault("reading", err)
	}
	if len(f.Nonce) != aead.NonceSize() {
		return nil, s.fault("reading", ErrPassword)
	}
	plain, err := aead.Open(nil, f.Nonce, sealed, header)
	if err != nil {
		return nil, s.fault("reading", ErrPassword)
	}
	if err := json.Unmarshal(plain, &s.secrets); err != nil {
		return nil, s.fault("reading", err)
	}
	if s.secrets == nil {
		s.secrets = map[string]string{}
	}
	return s, nil
}

// cipher gives what seals the secrets, and the header that is authenticated with them.
func (f *file) cipher(password string) (cipher.AEAD, []byte, error) {
	key, err := pbkdf2.Key(sha256.New, password, f.Salt, f.Rounds, 32)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, err
	}
	header, err := json.Marshal(f)
	return aead, header, err
}

// Save writes the store whole, or leaves the file as it was. Only the user of the process may read it.
func (s *Store) Save() error {
	f := file{Version: version, KDF: kdf, Rounds: rounds, Salt: make([]byte, 32), Nonce: make([]byte, 12)}
	if s.password == "" {
		f.Rounds = 1 // nothing is gained by time
	}
	_, _ = rand.Read(f.Salt) // it never fails
	_, _ = rand.Read(f.Nonce)
	aead, header, err := f.cipher(s.password)
	if err != nil {
		return s.fault("writing", err)
	}
	plain, err := json.Marshal(s.secrets)
	if err != nil {
		return s.fault("writing", err)
	}
	f.Sealed = aead.Seal(nil, f.Nonce, plain, header)
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return s.fault("writing", err)
	}
	if err := write(s.path, append(data, '\n')); err != nil {
		return s.fault("writing", err)
	}
	return nil
}

// write replaces a file at once.
func write(path string, data []byte) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // with mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = temp.Close()
			_ = os.Remove(temp.Name())
		}
	}()
	if _, err := bytes.NewReader(data).WriteTo(temp); err != nil {
		return err
	}
	if err := temp.Sync(); err != nil {
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}

// Names are those of all secrets, sorted.
func (s *Store) Names() []string { return slices.Sorted(maps.Keys(s.secrets)) }

// Get gives a secret.
func (s *Store) Get(name string) (string, bool) {
	text, ok := s.secrets[name]
	return text, ok
}

// Set keeps a secret until the next Save and after it. An empty one is refused, as a variable without a value counts as not set.
func (s *Store) Set(n, secret string) error {
	if !name().MatchString(n) {
		return fmt.Errorf("%q cannot be the name of a secret: a configuration names it as ${NAME}, of letters, digits, _, . and -, and not beginning with a digit", n)
	}
	if secret == "" {
		return fmt.Errorf("the secret %s is empty", n)
	}
	s.secrets[n] = secret
	return nil
}

// Remove forgets a secret and reports whether there was one.
func (s *Store) Remove(name string) bool {
	_, ok := s.secrets[name]
	delete(s.secrets, name)
	return ok
}

func (s *Store) fault(doing string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err // the name is said already
	}
	return fmt.Errorf("%s the keystore %q: %w", doing, s.path, err)
}
