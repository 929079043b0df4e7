package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/trailbeat/trailbeat/input/trailstore"
)

// OpenFolder opens a folder of downloaded files. Which part of the bucket it is, is taken from the first digest in it.
func OpenFolder(ctx context.Context, root string) (*trailstore.Folder, error) {
	folder, err := trailstore.NewFolder(root)
	if err != nil {
		return nil, err
	}
	rel, err := folder.FirstDigest(ctx)
	if err != nil || rel == "" {
		return folder, err
	}
	key, err := digestKey(filepath.Join(root, filepath.FromSlash(rel)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", rel, err)
	}
	if key != "" {
		folder.Rebase(rel, key) // what does not fit is found to be elsewhere
	}
	return folder, nil
}

// digestKey is the key that a digest gives itself, empty for one that is broken.
func digestKey(name string) (string, error) {
	in, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { _ = in.Close() }()
	var doc document
	content := new(limited)
	if _, err := (&Verifier{cfg: Config{Downloaded: true}}).unpack(in, content, maxDigest); err != nil {
		return "", nil //nolint:nilerr // it is found again, and told, when it is verified
	}
	if json.Unmarshal(content.data, &doc) != nil || !fs.ValidPath(doc.Key) {
		return "", nil
	}
	return doc.Key, nil
}

// limited collects what is written; unpack sees to the limit.
type limited struct{ data []byte }

func (l *limited) Write(p []byte) (int, error) {
	l.data = append(l.data, p...)
	return len(p), nil
}
