package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/file"
	"github.com/trailbeat/trailbeat/output"
	"github.com/trailbeat/trailbeat/output/console"
	"github.com/trailbeat/trailbeat/pipeline"
)

// With an input, a pipeline and an output, a shipper is a loop: Read, Process, Write, Ack.
func Example_shipper() {
	dir, err := os.MkdirTemp("", "trail")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	in, out, p, err := open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for {
		batch, err := in.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			fmt.Println(err)
			return
		}
		events := make([]*ecs.Event, 0, len(batch.Records))
		for i := range batch.Records {
			ev := &ecs.Event{Timestamp: "2026-11-20T08:00:00Z"}
			if p.Process(batch.Records[i].Raw, ev) == nil {
				events = append(events, ev)
			}
		}
		_, err = out.Write(ctx, events)
		batch.Ack(err) // nil: the file is not read again; an error: it is
	}
	fmt.Println(errors.Join(in.Close(), out.Close(), p.Close()))
	// Output:
	// {"@timestamp":"2026-11-20T07:30:00.000Z","cloud":{"provider":"aws"},"ecs":{"version":"8.11.0"},"event":{"action":"StopLogging","created":"2026-11-20T08:00:00Z","kind":"event","outcome":"success","type":["info"]}}
	// <nil>
}

// open makes a log file in dir, and the three parts that ship it.
func open(dir string) (input.Input, output.Output, *pipeline.Pipeline, error) {
	var log bytes.Buffer
	w := gzip.NewWriter(&log)
	_, err := io.Copy(w, strings.NewReader(`{"Records":[{"eventTime":"2026-11-20T07:30:00Z","eventName":"StopLogging"}]}`))
	err = errors.Join(err, w.Close(), os.WriteFile(filepath.Join(dir, "log.json.gz"), log.Bytes(), 0o600))
	if err != nil {
		return nil, nil, nil, err
	}

	files := file.DefaultConfig()
	files.Paths = []string{dir}
	in, err := file.New(files, file.Deps{ID: "files", Store: new(input.MemoryStore), Once: true})
	if err != nil {
		return nil, nil, nil, err
	}
	out, err := console.New(console.DefaultConfig(), os.Stdout)
	if err != nil {
		return nil, nil, nil, err
	}
	no := false
	p, err := pipeline.New(pipeline.Config{Tags: []string{}, ActorTargetMapping: &no})
	return in, out, p, err
}
