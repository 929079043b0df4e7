package trailstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// MetadataSuffix is put behind the name of a file for that of another one with what `aws s3api head-object` printed of the object. The
// signature of a digest is in there, and nowhere in the digest itself.
const MetadataSuffix = ".metadata.json"

// Folder is a Store of downloaded files, in folders as in the bucket: what `aws s3 sync` writes, of the whole bucket or of a part of
// it. It takes the names of buckets for one and the same.
type Folder struct {
	root string
	// A key is a path below root, with base in place of extra at its beginning.
	base, extra string
}

// NewFolder opens a folder. Where its digests say that they come from a longer key than their path is, what the folder stands for is
// taken from them: a folder may hold the bucket, or what is below any prefix of it.
func NewFolder(root string) (*Folder, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, fmt.Errorf("opening the folder: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("opening the folder: %s is a file; name the folder with the files of the trail", root)
	}
	return &Folder{root: root}, nil
}

// Rebase says for one file that the key of the path rel is key, and gives whether that can be. Others of the folder follow.
func (f *Folder) Rebase(rel, key string) bool {
	a, b := strings.Split(rel, "/"), strings.Split(key, "/")
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	// Up to the account at least: ACCOUNT/CloudTrail-Digest/REGION/YYYY/MM/DD/NAME.
	if n < 7 {
		return false
	}
	f.extra = strings.TrimPrefix(strings.Join(a[:len(a)-n], "/")+"/", "/")
	f.base = strings.TrimPrefix(strings.Join(b[:len(b)-n], "/")+"/", "/")
	return true
}

// FirstDigest gives the path of a digest file in the folder, empty where there is none.
func (f *Folder) FirstDigest(ctx context.Context) (string, error) {
	found := ""
	err := filepath.WalkDir(f.root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && digestName().MatchString(d.Name()) {
			rel, err := filepath.Rel(f.root, p)
			if err != nil {
				return err
			}
			found = filepath.ToSlash(rel)
			return fs.SkipAll
		}
		return ctx.Err()
	})
	if err != nil {
		return "", fmt.Errorf("looking for digests: %w", err)
	}
	return found, nil
}

// Name is the path of the folder.
func (f *Folder) Name() string { return f.root }

// Bucket is empty.
func (f *Folder) Bucket() string { return "" }

// file is the path of a key, empty for what cannot be in the folder.
func (f *Folder) file(key string) string {
	rest, ok := strings.CutPrefix(key, f.base)
	rel := filepath.FromSlash(f.extra + rest)
	if !ok || rest != "" && !filepath.IsLocal(rel) {
		return ""
	}
	return filepath.Join(f.root, rel)
}

// Folders is part of Store.
func (f *Folder) Folders(_ context.Context, _, prefix string) ([]string, error) {
	if rest, ok := strings.CutPrefix(f.base, prefix); ok && rest != "" { // the part of the bucket that is not here
		name, _, _ := strings.Cut(rest, "/")
		return []string{prefix + name + "/"}, nil
	}
	dir := f.file(prefix)
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("listing: %w", err)
	}
	var list []string
	for _, e := range entries {
		if isDir(dir, e) {
			list = append(list, prefix+e.Name()+"/")
		}
	}
	return list, nil
}

// isDir follows links, as WalkDir does not.
func isDir(dir string, e fs.DirEntry) bool {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir()
	}
	info, err := os.Stat(filepath.Join(dir, e.Name()))
	return err == nil && info.IsDir()
}

// List is part of Store. Files of metadata are not shown.
func (f *Folder) List(ctx context.Context, _, prefix, after string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) { f.walk(ctx, prefix, after, yield) }
}

// walk lists one folder and those in it.
func (f *Folder) walk(ctx context.Context, prefix, after string, yield func(Entry, error) bool) bool {
	dir := f.file(prefix)
	if dir == "" || ctx.Err() != nil {
		return ctx.Err() == nil || yield(Entry{}, ctx.Err())
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil {
		return yield(Entry{}, fmt.Errorf("listing: %w", err))
	}
	for _, e := range entries {
		key := prefix + e.Name()
		if isDir(dir, e) {
			key += "/"
			if key < after && !strings.HasPrefix(after, key) {
				continue
			}
			if !f.walk(ctx, key, after, yield) {
				return false
			}
			continue
		}
		if key <= after || strings.HasSuffix(key, MetadataSuffix) {
			continue
		}
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil {
			if !yield(Entry{}, fmt.Errorf("listing: %w", err)) {
				return false
			}
			continue
		}
		if !yield(Entry{Key: key, Size: info.Size()}, nil) {
			return false
		}
	}
	return true
}

// Open is part of Store. A file that was unpacked, and lost its .gz with that, is found under the name of the packed one.
func (f *Folder) Open(_ context.Context, _, key string) (*File, error) {
	name := f.file(key)
	if name == "" {
		return nil, fmt.Errorf("reading %s: it is not in the folder %s: %w", path.Base(key), f.root, ErrNotExist)
	}
	in, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, ".gz") {
		if plain, err2 := os.Open(strings.TrimSuffix(name, ".gz")); err2 == nil {
			in, err = plain, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading: %w", err)
	}
	file := &File{ReadCloser: in}
	if data, err := os.ReadFile(name + MetadataSuffix); err == nil {
		var head struct{ Metadata map[string]string }
		if err := json.Unmarshal(data, &head); err != nil {
			_ = in.Close()
			return nil, fmt.Errorf("reading %s: %w; it must be what `aws s3api head-object` prints", name+MetadataSuffix, err)
		}
		file.Metadata = head.Metadata
	}
	return file, nil
}
