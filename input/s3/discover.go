package s3

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// rediscover is how often the kinds and regions of an account that is known, and the folders above AWSLogs/, are looked for.
	// Accounts are looked for with every pass.
	rediscover = 15 * time.Minute
	// maxDepth and maxLooks bound the search for AWSLogs/ below the prefix.
	maxDepth = 3
	maxLooks = 50
)

// discovery finds the scopes of a bucket with CloudTrail's layout, by listing folders.
type discovery struct {
	api               bucketAPI
	prefix            string // bucket_list_prefix
	exclude           string // prefix of the copies; empty for none
	leases            string // prefix of the leases; empty for none
	accounts, regions []string
	skip              func(kind string) bool

	roots    []string // AWSLogs/ and what is before it
	rootsAt  time.Time
	branches map[string]*branch // by the folder of the account
}

// branch is what is known of an account.
type branch struct {
	scopes []scope
	at     time.Time
}

// scopes gives all scopes, in order. With all nothing is taken from memory. Where a part cannot be listed, the others
// are given together with the error.
func (d *discovery) scopes(ctx context.Context, now time.Time, all bool) ([]scope, error) {
	if d.branches == nil {
		d.branches = make(map[string]*branch)
	}
	var errs []error
	if all || len(d.roots) == 0 || stale(d.rootsAt, now) {
		roots, err := d.findRoots(ctx)
		if err != nil {
			errs = append(errs, err)
		} else {
			d.roots, d.rootsAt = roots, now
		}
	}
	var list []scope
	found := make(map[string]bool)
	for _, root := range d.roots {
		accounts, err := d.accountFolders(ctx, root)
		if err != nil {
			errs = append(errs, err)
			// What is known is read all the same.
			for folder := range d.branches {
				if strings.HasPrefix(folder, root) && !slices.Contains(accounts, folder) {
					accounts = append(accounts, folder)
				}
			}
		}
		for _, folder := range accounts {
			found[folder] = true
			b := d.branches[folder]
			if b == nil || all || stale(b.at, now) {
				scopes, err := d.account(ctx, folder)
				if err == nil {
					b = &branch{scopes: scopes, at: now}
					d.branches[folder] = b
				} else {
					errs = append(errs, err)
				}
			}
			if b != nil {
				list = append(list, b.scopes...)
			}
		}
	}
	if len(errs) == 0 {
		maps.DeleteFunc(d.branches, func(folder string, _ *branch) bool { return !found[folder] })
	}
	return list, errors.Join(errs...)
}

func stale(at, now time.Time) bool { return now.Sub(at) >= rediscover || now.Before(at) }

// findRoots looks for AWSLogs/ in the prefix, at its end, and a few folders below it.
func (d *discovery) findRoots(ctx context.Context) ([]string, error) {
	if i := strings.Index("/"+d.prefix, "/"+logs); i >= 0 {
		return []string{d.prefix[:i+len(logs)]}, nil
	}
	var roots []string
	level := []string{d.prefix[:strings.LastIndexByte(d.prefix, '/')+1]}
	looks := 0
	for depth := 0; depth <= maxDepth && len(level) > 0; depth++ {
		var next []string
		for _, folder := range level {
			if looks++; looks > maxLooks {
				break
			}
			if d.within(folder + logs) {
				p, err := d.api.List(ctx, listing{Prefix: folder + logs, Max: 1})
				if err != nil {
					return nil, err
				}
				if len(p.Objects) > 0 {
					roots = append(roots, folder+logs)
				}
			}
			if depth == maxDepth {
				continue
			}
			// One page: a bucket with more folders than that is not one of trails.
			p, err := d.api.List(ctx, listing{Prefix: longer(folder, d.prefix), Delimiter: "/"})
			if err != nil {
				return nil, err
			}
			for _, child := range p.Prefixes {
				if child != folder+logs && d.within(child) {
					next = append(next, child)
				}
			}
		}
		level = next
	}
	return roots, nil
}

// within says that something below the folder can begin with the prefix, and is no copy.
func (d *discovery) within(folder string) bool {
	return (strings.HasPrefix(folder, d.prefix) || strings.HasPrefix(d.prefix, folder)) && !d.excluded(folder)
}

func (d *discovery) excluded(key string) bool {
	return d.exclude != "" && strings.HasPrefix(key, d.exclude) || d.leases != "" && strings.HasPrefix(key, d.leases)
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

// children gives the names of the folders in a folder.
func (d *discovery) children(ctx context.Context, folder string) ([]string, error) {
	if rest, ok := strings.CutPrefix(d.prefix, folder); ok && rest != "" {
		if name, _, ok := strings.Cut(rest, "/"); ok {
			return []string{name}, nil // the prefix leads through one of them
		}
	}
	var names []string
	for token := ""; ; {
		p, err := d.api.List(ctx, listing{Prefix: longer(folder, d.prefix), Delimiter: "/", Token: token})
		if err != nil {
			return nil, err
		}
		for _, child := range p.Prefixes {
			if !d.excluded(child) {
				names = append(names, strings.TrimSuffix(strings.TrimPrefix(child, folder), "/"))
			}
		}
		if token = p.Next; token == "" {
			return names, nil
		}
	}
}

// accountFolders gives the folders of the accounts below AWSLogs/ and its organisations.
func (d *discovery) accountFolders(ctx context.Context, root string) ([]string, error) {
	names, err := d.children(ctx, root)
	if err != nil {
		return nil, err
	}
	var list []string
	var errs []error
	for _, name := range names {
		folder := root + name + "/"
		switch {
		case account().MatchString(name):
			list = append(list, d.chosen(root, name)...)
		case organization().MatchString(name):
			members, err := d.children(ctx, folder)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			for _, member := range members {
				list = append(list, d.chosen(folder, member)...)
			}
		}
	}
	return list, errors.Join(errs...)
}

func (d *discovery) chosen(folder, name string) []string {
	if !account().MatchString(name) || len(d.accounts) > 0 && !slices.Contains(d.accounts, name) {
		return nil
	}
	return []string{folder + name + "/"}
}

// account gives the scopes of one account.
func (d *discovery) account(ctx context.Context, folder string) ([]scope, error) {
	kinds, err := d.children(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("looking for the kinds of files: %w", err)
	}
	parts := strings.Split(strings.TrimSuffix(folder, "/"), "/")
	id := parts[len(parts)-1]
	var list []scope
	for _, kind := range kinds {
		if !strings.HasPrefix(kind, kindPrefix) || d.skip != nil && d.skip(kind) {
			continue
		}
		regions, err := d.children(ctx, folder+kind+"/")
		if err != nil {
			return nil, fmt.Errorf("looking for the regions: %w", err)
		}
		for _, r := range regions {
			if len(d.regions) == 0 || slices.Contains(d.regions, r) {
				list = append(list, scope{prefix: folder + kind + "/" + r + "/", account: id, kind: kind, region: r})
			}
		}
	}
	return list, nil
}
