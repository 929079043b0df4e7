package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/report"
)

// Files are the files of an input as such.
type Files struct {
	Store trailstore.Store
	// Keys of CloudTrail.
	Keys trailstore.KeySource
	// Prefix, Accounts and Regions are as the options of the input say.
	Prefix            string
	Accounts, Regions []string
	// Identity is who reads.
	Identity func(ctx context.Context) (string, error)
	Close    func() error
}

// verifyFiles opens what is verified.
func (a *app) verifyFiles(ctx context.Context, f verifyFlags, args []string, cfg *verify.Config, r *report.Report) (*Files, error) {
	var files *Files
	var err error
	if len(args) == 1 && !strings.Contains(args[0], "://") {
		root, err := filepath.Abs(args[0])
		if err != nil {
			return nil, fmt.Errorf("opening the folder: %w", err)
		}
		folder, err := verify.OpenFolder(ctx, root)
		if err != nil {
			return nil, usage(err)
		}
		cfg.Downloaded = true
		files = &Files{Store: folder, Close: func() error { return nil }}
		if f.publicKeys == "" { // CloudTrail is asked all the same
			with := "s3://none" // the credentials of the environment
			if f.input != "" {
				with = ""
			}
			online, err := a.inputFiles(ctx, f, with)
			if err != nil {
				return nil, err
			}
			files.Keys, files.Identity, files.Close = online.Keys, online.Identity, online.Close
		}
	} else if files, err = a.inputFiles(ctx, f, strings.Join(args, "")); err != nil {
		return nil, err
	}
	r.Source, r.KeySource = files.Store.Name(), "CloudTrail (ListPublicKeys)"
	if files.Prefix != "" {
		r.Source += "/" + files.Prefix
	}
	if f.publicKeys != "" {
		data, err := os.ReadFile(f.publicKeys)
		if err != nil {
			return nil, errors.Join(usage(fmt.Errorf("reading the public keys: %w", err)), files.Close())
		}
		keys, err := trailstore.ParseKeyFile(data)
		if err != nil {
			return nil, errors.Join(usage(fmt.Errorf("%s: %w", f.publicKeys, err)), files.Close())
		}
		files.Keys, r.KeySource = keys, "the file "+f.publicKeys
	}
	cfg.Store, cfg.Keys = files.Store, files.Keys
	cfg.Filter = trailstore.Filter{Prefix: files.Prefix, Accounts: files.Accounts, Regions: files.Regions, Organizations: f.organizations}
	if len(f.accounts) > 0 {
		cfg.Filter.Accounts = f.accounts
	}
	if len(f.regions) > 0 {
		cfg.Filter.Regions = f.regions
	}
	return files, nil
}

// inputFiles opens the bucket of an address, or that of a configured input where it is empty.
func (a *app) inputFiles(ctx context.Context, f verifyFlags, address string) (*Files, error) {
	s, err := a.verifySettings(address)
	if err != nil {
		return nil, err
	}
	var chosen []*inputSetting
	var ids []string
	for i := range s.inputs {
		in := &s.inputs[i]
		if in.kind.Files == nil {
			continue
		}
		ids = append(ids, in.ID)
		if f.input == "" || f.input == in.ID || address != "" {
			chosen = append(chosen, in)
		}
	}
	switch {
	case len(ids) == 0:
		return nil, usage(errors.New("no bucket is configured; name one, such as s3://my-trail, or a folder, or a configuration with an input aws-s3 and bucket_arn"))
	case len(chosen) == 0:
		return nil, usage(fmt.Errorf("--input: there is no input %q with a bucket; these are: %s", f.input, strings.Join(ids, ", ")))
	case len(chosen) > 1:
		return nil, usage(fmt.Errorf("several inputs have a bucket; choose one with --input: %s", strings.Join(ids, ", ")))
	}
	level := slog.LevelWarn
	if a.flags.verbose {
		level = slog.LevelDebug
	}
	files, err := chosen[0].kind.Files(ctx, chosen[0].options, InputEnv{ID: chosen[0].ID, Logger: newLogger(a.Stderr, level, s.Logging.JSON)})
	return files, usage(err)
}

// verifySettings are the configuration, or one that is made of the address of a bucket.
func (a *app) verifySettings(address string) (*settings, error) {
	if address == "" {
		return a.load()
	}
	rest, ok := strings.CutPrefix(address, "s3://")
	bucket, prefix, _ := strings.Cut(rest, "/")
	if !ok || bucket == "" || strings.ContainsAny(rest, "\n\"\\") {
		return nil, usage(fmt.Errorf("%q must be a bucket such as s3://my-trail/prefix, or a folder", address))
	}
	option := "bucket_arn: \"arn:aws:s3:::" + bucket + "\""
	text := fmt.Sprintf("trailbeat.inputs: [{type: aws-s3, id: verify, %s, bucket_list_prefix: %q}]\n", option, prefix)
	s, err := resolve([]config.Source{{Name: address, Data: []byte(text)}}, a.flags.allOverrides(), a.components)
	if err != nil {
		return nil, usage(err)
	}
	s.makePathsAbsolute()
	return s, nil
}
