package app

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailbeat/trailbeat/internal/config"
)

// targetFlags are those of commands that read what stands on their command line instead of what a configuration names: files,
// folders, and parts of buckets.
type targetFlags struct {
	timeRange
	input  []string
	retain string
	tags   []string
}

func (a *app) targetFlags(cmd *cobra.Command) *targetFlags {
	f := &targetFlags{}
	flags := cmd.Flags()
	f.timeRange.flags(cmd, "", "default: the beginning", "default: the end")
	flags.StringArrayVar(&f.input, "input", nil, "an option of the input that reads buckets: `name=value`, such as role_arn=ARN, region=REGION, endpoint=URL; repeatable")
	flags.StringVar(&f.retain, "retain", "all", "which `FORMS` of request, response and event data are kept: "+strings.Join(retains, ", "))
	flags.StringArrayVar(&f.tags, "tag", nil, "`TAG` that the documents start with; repeatable (default actor_target_mapping, forwarded, aws-cloudtrail)")
	return f
}

const bucketScheme = "s3://"

// wholeRange is a lookback that lets each listing cover all of a range, so that files which are copied into it later are found too.
const wholeRange = "87600h"

// lateDelivery is how much later than its events an object of a bucket is still looked at. CloudTrail delivers within some minutes, and
// after an outage within hours.
const lateDelivery = 6 * time.Hour

// until is when objects of the range are no longer delivered; zero: there is no end.
func (f *targetFlags) until() time.Time {
	if f.end.IsZero() {
		return time.Time{}
	}
	return f.end.Add(lateDelivery)
}

// settings makes the configuration that reads the targets; more is YAML of other options. The id of each input follows from what it
// reads, so that what was read once is known again.
func (f *targetFlags) settings(a *app, targets []string, more string) (*settings, error) {
	if len(a.flags.files) > 0 {
		return nil, usage(errors.New("this command reads no configuration, so -c has no effect on it; give options with -E and --input"))
	}
	if err := f.check(time.Now()); err != nil {
		return nil, usage(err)
	}
	var files []string
	var yaml strings.Builder
	yaml.WriteString(more + "\ntrailbeat.inputs:\n")
	overrides := a.flags.allOverrides()
	n := 0
	for _, target := range targets {
		bucket, prefix, ok, err := bucketTarget(target)
		if err != nil {
			return nil, usage(err)
		}
		if !ok {
			files = append(files, target)
			continue
		}
		fmt.Fprintf(&yaml, "  - type: aws-s3\n    id: %s\n    bucket_arn: %s\n    bucket_list_prefix: %s\n    lookback: %s\n",
			f.id("bucket", target), quoted(bucket), quoted(prefix), wholeRange)
		if !f.start.IsZero() {
			fmt.Fprintf(&yaml, "    start_timestamp: %s\n", f.start.Format(time.RFC3339))
		}
		f.mapping(&yaml)
		for _, option := range f.input {
			overrides = append(overrides, fmt.Sprintf("trailbeat.inputs.%d.%s", n, option))
		}
		n++
	}
	if len(f.input) > 0 && n == 0 {
		return nil, usage(errors.New("--input is for buckets, but no bucket is read; name one as s3://bucket/prefix"))
	}
	if len(files) > 0 {
		fmt.Fprintf(&yaml, "  - type: file\n    id: %s\n    clean_removed: false\n    paths:\n", f.id("files", ""))
		for _, name := range files {
			fmt.Fprintf(&yaml, "      - %s\n", quoted(name))
		}
		f.mapping(&yaml)
	}
	s, err := resolve([]config.Source{{Name: "command line", Data: []byte(yaml.String())}}, overrides, a.components)
	if err != nil {
		return nil, usage(err)
	}
	s.makePathsAbsolute()
	return s, nil
}

// mapping writes the options of an input that say what becomes of its records.
func (f *targetFlags) mapping(yaml *strings.Builder) {
	fmt.Fprintf(yaml, "    retain: %s\n", quoted(f.retain))
	if f.tags == nil {
		return
	}
	fmt.Fprint(yaml, "    actor_target_mapping: false\n    tags:\n")
	for _, tag := range f.tags {
		fmt.Fprintf(yaml, "      - %s\n", quoted(tag))
	}
}

// id names an input by what it reads. Files are told apart by their names, so all of a range have one.
func (f *targetFlags) id(kind, target string) string {
	sum := sha256.Sum256([]byte(target + "\x00" + f.start.String() + "\x00" + f.end.String()))
	return kind + "-" + hex.EncodeToString(sum[:6])
}

// quoted writes a text as YAML takes it, and so that it names no variable.
func quoted(text string) string { return strings.ReplaceAll(strconv.Quote(text), "${", "$${") }

func (f *targetFlags) check(now time.Time) error {
	if err := f.timeRange.check(now); err != nil {
		return err
	}
	for _, option := range f.input {
		name, _, ok := strings.Cut(option, "=")
		if !ok {
			return errors.New("--input must be name=value, such as --input region=eu-west-1")
		}
		// Reading alone must never change the bucket.
		if strings.HasPrefix(name, "delete_") || strings.Contains(name, "backup_") {
			return fmt.Errorf("--input %s: this command changes nothing in a bucket; use an input in a configuration for that", name)
		}
	}
	return nil
}

// bucketTarget reads s3://bucket/prefix, or an ARN of a bucket with a prefix behind it. ok is false for anything else.
func bucketTarget(target string) (arn, prefix string, ok bool, err error) {
	if rest, found := strings.CutPrefix(target, bucketScheme); found {
		name, prefix, _ := strings.Cut(rest, "/")
		if name == "" {
			return "", "", false, fmt.Errorf("%q names no bucket; write s3://bucket or s3://bucket/prefix", target)
		}
		return "arn:aws:s3:::" + name, prefix, true, nil
	}
	if strings.HasPrefix(target, "arn:") && strings.Contains(target, ":s3:::") {
		arn, prefix, _ := strings.Cut(target, "/")
		return arn, prefix, true, nil
	}
	return "", "", false, nil
}

// needTargets says what is missing where nothing is named to be read.
func needTargets(command string, targets []string) error {
	if len(targets) == 0 {
		return usage(fmt.Errorf("%s needs something to read: files, folders, patterns in quotes, - for standard input, or s3://bucket/prefix", command))
	}
	for _, t := range targets {
		if t == "" {
			return usage(fmt.Errorf("%s: the name of what is read is empty", command))
		}
	}
	return nil
}

// mayBeThere reports whether there may be something to read: not where a file or folder is named that is missing.
func mayBeThere(target string) bool {
	_, _, bucket, err := bucketTarget(target)
	return bucket || err != nil || target == "-" || strings.ContainsAny(target, "*?[") || exists(target)
}

// createFile makes a file that a command was asked for, through a temporary one beside it: what was there stays until it is whole.
func createFile(name string, write func(f *os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return fmt.Errorf("writing %q: %w", name, reason(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // it is not whole
		}
	}()
	if err := errors.Join(write(f), f.Close()); err != nil {
		return fmt.Errorf("writing %q: %w", name, reason(err))
	}
	return os.Rename(f.Name(), name)
}
