package trailstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Filter chooses places. Empty lists choose all.
type Filter struct {
	// Prefix that keys begin with: that of the trail, or a folder below AWSLogs/.
	Prefix string
	// Organizations, such as o-exampleorgid.
	Organizations []string
	Accounts      []string
	Regions       []string
}

// maxDepth and maxLooks bound the search for AWSLogs/ below the prefix.
const (
	maxDepth = 3
	maxLooks = 200
)

// Places finds the places of a store by listing folders, account after account, in order. What cannot be listed is an error in its place,
// and the rest follows. A store without a folder AWSLogs/ is an error.
func Places(ctx context.Context, store Store, f Filter) iter.Seq2[Place, error] {
	return func(yield func(Place, error) bool) {
		l := looker{ctx: ctx, store: store, filter: f}
		roots, err := l.roots()
		if err == nil && len(roots) == 0 {
			err = fmt.Errorf("there is no folder %s below %s/%s: name the bucket (or the folder) of a trail, and the prefix that the trail writes below",
				logs, store.Name(), f.Prefix)
		}
		if err != nil {
			yield(Place{}, err)
			return
		}
		for _, root := range roots {
			if !l.accounts(root, "", yield) {
				return
			}
		}
	}
}

type looker struct {
	ctx    context.Context
	store  Store
	filter Filter
	looks  int
}

// roots are the folders AWSLogs/.
func (l *looker) roots() ([]string, error) {
	prefix := l.filter.Prefix
	if i := strings.Index("/"+prefix, "/"+logs); i >= 0 {
		return []string{prefix[:i+len(logs)]}, nil
	}
	if strings.HasSuffix("/"+prefix, "/"+strings.TrimSuffix(logs, "/")) {
		return []string{prefix + "/"}, nil
	}
	var roots []string
	level := []string{prefix[:strings.LastIndexByte(prefix, '/')+1]}
	for depth := 0; depth <= maxDepth && len(level) > 0; depth++ {
		var next []string
		for _, folder := range level {
			if l.looks++; l.looks > maxLooks {
				return roots, nil
			}
			children, err := l.store.Folders(l.ctx, l.store.Bucket(), folder)
			if err != nil {
				return nil, err
			}
			for _, child := range children {
				switch {
				case child == folder+logs:
					if strings.HasPrefix(child, prefix) {
						roots = append(roots, child)
					}
				case strings.HasPrefix(child, prefix) || strings.HasPrefix(prefix, child):
					next = append(next, child)
				}
			}
		}
		level = next
	}
	return roots, nil
}

// children gives the names of the folders in a folder: that of the prefix alone where it leads through it.
func (l *looker) children(folder string) ([]string, error) {
	if rest, ok := strings.CutPrefix(l.filter.Prefix, folder); ok {
		if name, _, _ := strings.Cut(rest, "/"); name != "" && (account().MatchString(name) || organization().MatchString(name)) {
			return []string{name}, nil
		}
	}
	list, err := l.store.Folders(l.ctx, l.store.Bucket(), folder)
	for i, child := range list {
		list[i] = strings.TrimSuffix(strings.TrimPrefix(child, folder), "/")
	}
	return list, err
}

// accounts looks below AWSLogs/ or the folder of an organization.
func (l *looker) accounts(root, org string, yield func(Place, error) bool) bool {
	names, err := l.children(root)
	if err != nil && !yield(Place{Root: root}, err) {
		return false
	}
	for _, name := range names {
		switch {
		case org == "" && organization().MatchString(name):
			if chosen(l.filter.Organizations, name) && !l.accounts(root+name+"/", name, yield) {
				return false
			}
		case account().MatchString(name) && chosen(l.filter.Accounts, name):
			if org == "" && len(l.filter.Organizations) > 0 {
				continue
			}
			if !l.regions(Place{Bucket: l.store.Bucket(), Root: root, Organization: org, Account: name}, yield) {
				return false
			}
		}
	}
	return true
}

func chosen(list []string, name string) bool { return len(list) == 0 || slices.Contains(list, name) }

// regions looks into the folders of an account.
func (l *looker) regions(p Place, yield func(Place, error) bool) bool {
	folder := p.Root + p.Account + "/"
	kinds, err := l.store.Folders(l.ctx, p.Bucket, folder)
	if err != nil {
		return yield(p, err)
	}
	found := map[string][]string{} // kinds of log files by region
	var errs []error
	for _, kind := range kinds {
		name := strings.TrimSuffix(strings.TrimPrefix(kind, folder), "/")
		if !strings.HasPrefix(name, KindLogs) {
			continue // of another service
		}
		regions, err := l.store.Folders(l.ctx, p.Bucket, kind)
		if err != nil {
			errs = append(errs, err)
		}
		for _, r := range regions {
			r = strings.TrimSuffix(strings.TrimPrefix(r, kind), "/")
			if !chosen(l.filter.Regions, r) {
				continue
			}
			if name == KindDigest {
				found[r] = append(found[r], []string(nil)...)
			} else {
				found[r] = append(found[r], name)
			}
		}
	}
	if err := errors.Join(errs...); err != nil && !yield(p, err) {
		return false
	}
	for _, r := range sortedKeys(found) {
		p.Region, p.Kinds = r, found[r]
		if !yield(p, nil) {
			return false
		}
	}
	return true
}

func sortedKeys(m map[string][]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
