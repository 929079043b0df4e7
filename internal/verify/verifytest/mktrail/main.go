// Mktrail writes the files of a trail with digests into a folder, as large as they are wanted, for measurements and for trying things out.
//
//	go run ./internal/verify/verifytest/mktrail --dir /tmp/trail --days 91
//	trailbeat verify /tmp/trail --public-keys /tmp/trail/keys.json --from 2026-01-01 --to 2026-04-02
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/input/trailstore"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mktrail:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "", "folder to write to")
	days := flag.Int("days", 91, "days from 2026-01-01 on")
	regions := flag.String("regions", "eu-west-1,eu-central-1,us-east-1,us-west-2", "regions")
	logs := flag.Int("logs", 12, "log files an hour")
	records := flag.Int("records", 20, "records in a log file")
	flag.Parse()
	if *dir == "" {
		return errors.New("--dir is missing")
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	var failed error
	var keys trailstore.KeyFile
	for region := range strings.SplitSeq(*regions, ",") {
		all.Go(func() {
			key, err := verifytest.NewKey()
			if err == nil {
				tr := &verifytest.Trail{
					Sink: verifytest.Dir{Root: *dir, Metadata: true}, Key: key, Bucket: "example-trail", Account: "123456789012", Region: region, Home: "eu-west-1",
					Name: "example", Records: *records,
				}
				_, err = tr.Run(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 24**days, *logs)
			}
			mu.Lock()
			defer mu.Unlock()
			if failed = errors.Join(failed, err); key != nil {
				keys = append(keys, key.Public())
			}
		})
	}
	all.Wait()
	if failed != nil {
		return failed
	}
	text, err := keys.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*dir, "keys.json"), text, 0o600)
}
