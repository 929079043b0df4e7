package app

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailbeat/trailbeat/internal/shipper"
)

// meta is the file meta.json in path.data, of the same form as that of Beats.
type meta struct {
	UUID       string    `json:"uuid"`
	FirstStart time.Time `json:"first_start"`
}

// agent gives agent.* of the documents. Its id is made at the first start and kept in path.data.
func (s *settings) agent() (shipper.Agent, error) {
	name := s.Name
	if name == "" {
		// A machine without a name still ships; the field is absent then.
		name, _ = os.Hostname()
	}
	id := seededID(s.Agent.Seed)
	if id == "" {
		var err error
		if id, err = agentID(filepath.Join(s.Path.Data, "meta.json")); err != nil {
			return shipper.Agent{}, fmt.Errorf("identifying this installation: %w", err)
		}
	}
	return shipper.Agent{ID: id, EphemeralID: newUUID(), Name: name, Version: Version()}, nil
}

func agentID(path string) (string, error) {
	var m meta
	data, err := os.ReadFile(path)
	switch {
	case err == nil:
		if err := json.Unmarshal(data, &m); err == nil && m.UUID != "" {
			return m.UUID, nil
		}
		// A half-written file is worth nothing, and refusing to start for it would be worse than a new id.
	case !errors.Is(err, os.ErrNotExist):
		return "", err
	}
	m = meta{UUID: newUUID(), FirstStart: time.Now().UTC()}
	if data, err = json.Marshal(m); err != nil {
		return "", err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, append(data, '\n'), 0o600); err != nil {
		return "", err
	}
	return m.UUID, os.Rename(temporary, path)
}

// seedSpace is the name space of the ids that are made of seeds. Another one would be another id for every seed.
var seedSpace = [16]byte{0x8d, 0x1c, 0x6f, 0x52, 0x3b, 0x0e, 0x4a, 0x7d, 0x9e, 0x21, 0x5c, 0xf4, 0x08, 0xb6, 0x7a, 0x13}

// seededID is the UUID (version 5, RFC 9562) of a seed; empty where there is none.
func seededID(seed string) string {
	if seed == "" {
		return ""
	}
	h := sha1.New() // what version 5 is made with; nothing depends on its strength
	h.Write(seedSpace[:])
	h.Write([]byte(seed))
	return formatUUID([16]byte(h.Sum(nil)[:16]), 5)
}

// newUUID makes a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails, by its documentation
	return formatUUID(b, 4)
}

func formatUUID(b [16]byte, version byte) string {
	b[6], b[8] = b[6]&0x0f|version<<4, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
