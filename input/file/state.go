package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
)

const (
	keyPrefix = "file/"
	cleanKey  = "clean"
)

// state is what the Store holds of one file.
type state struct {
	// Size in bytes and ModTime in nanoseconds since 1970 are those of the file when it was opened.
	Size    int64 `json:"size"`
	ModTime int64 `json:"mtime"`
	// Records is how many records from the start were acknowledged without a gap.
	Records int64 `json:"records"`
	// Last is a hash of the last of them, and Offset where it starts in the unpacked data: how the file is known again.
	Last   string `json:"last,omitempty"`
	Offset int64  `json:"offset"`
	// Lines says that the content is lines, Packed that it is compressed.
	Lines  bool `json:"lines,omitempty"`
	Packed bool `json:"packed,omitempty"`
	// Done says that the file was read to its end.
	Done bool `json:"done"`
	// Error is the fault that ended the reading, if one did.
	Error string `json:"error,omitempty"`
	// Gone is when the file was first seen missing, in seconds since 1970. 0: it is there.
	Gone int64 `json:"gone,omitempty"`
}

// same tells whether the file looks as it did when the state was made.
func (s *state) same(info fs.FileInfo) bool {
	return s.Size == info.Size() && s.ModTime == info.ModTime().UnixNano()
}

// hash knows a record again. White space around it does not count, as lines keep it and objects do not.
func hash(raw []byte) string {
	sum := sha256.Sum256(bytes.TrimSpace(raw))
	return hex.EncodeToString(sum[:12])
}
