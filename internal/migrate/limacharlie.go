package migrate

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// adapters are the kinds of adapters that read CloudTrail.
var adapters = []string{"s3", "sqs", "sqs_files"}

// adapter reads a file of LimaCharlie's adapter: one or more documents with a group s3, sqs or sqs_files.
func adapter(source config.Source) (*Converted, error) {
	c := &adapterFile{Converted: &Converted{}, ids: map[string]int{}}
	c.w.WriteString("trailbeat.inputs:\n")
	line := 0
	for _, part := range documents(source.Data) {
		// Lines before the part keep its positions right.
		root, err := config.Parse(config.Source{Name: source.Name, Data: append(bytes.Repeat([]byte("\n"), line), part...)})
		line += bytes.Count(part, []byte("\n"))
		if err != nil {
			if c.found {
				return nil, err
			}
			return nil, nil // whatever it is, others say what is wrong with it
		}
		for _, name := range root.Names() {
			at, _ := root.Get(name)
			switch {
			case slices.Contains(adapters, name) && at.IsGroup():
				c.found = true
				c.adapter(name, at)
			case c.found:
				c.refused(at.Position(), name, "is no adapter that reads CloudTrail; these are: %s", strings.Join(adapters, ", "))
			}
		}
	}
	if !c.found {
		return nil, nil
	}
	c.w.end()
	c.w.option("name", c.name)
	c.w.option("agent.seed", c.seed)
	c.w.raw("output." + destination + ": {}")
	c.Config = []byte(c.w.String())
	return c.Converted, nil
}

// documents cuts a YAML stream where a new document begins; the line of the mark belongs to the one behind it.
func documents(data []byte) (parts [][]byte) {
	start := 0
	for at := 0; at < len(data); {
		end := bytes.IndexByte(data[at:], '\n')
		if end < 0 {
			break
		}
		line := bytes.TrimRight(data[at:at+end], " \r")
		if string(line) == "---" && at > start {
			parts = append(parts, data[start:at])
			start = at
		}
		at += end + 1
	}
	return append(parts, data[start:])
}

type adapterFile struct {
	*Converted
	w          writer
	found      bool
	ids        map[string]int
	name, seed string
	hasOutput  bool
}

// adapter writes the input that one adapter is.
func (c *adapterFile) adapter(kind string, at config.Node) {
	get := func(option string) string { return filledIn(text(at, option)) }
	id := variableless(get("client_options.hostname"))
	if id == "" {
		id = "cloudtrail-" + strings.ReplaceAll(kind, "_", "-")
	}
	if c.ids[id]++; c.ids[id] > 1 {
		id = fmt.Sprintf("%s-%d", id, c.ids[id])
	}
	if !c.hasOutput {
		c.hasOutput = true
		c.changed(at.Position(), at.Name(), "the adapter sent to LimaCharlie; here documents go to a database file (output.%s) until you name another output, such as output.elasticsearch", destination)
	}
	w := &c.w
	w.element("type", "aws-s3")
	w.option("id", id)
	region := get("region")
	switch kind {
	case "s3":
		w.option("bucket_arn", bucketARN(get("bucket_name"), region))
		w.option("bucket_list_prefix", get("prefix"))
		if text(at, "single_load") == "true" {
			c.changed(position(at, "single_load"), at.Name()+".single_load", "is the command line here: trailbeat run --once")
		} else {
			c.changed(at.Position(), at.Name(), "the adapter deletes objects that it has read; here they stay, and what was read is remembered. Set delete_after_read: true if they are to go")
		}
	default:
		w.option("queue_url", get("queue_url"))
		c.messages(kind, at)
	}
	w.option("region", region)
	w.option("number_of_workers", get("parallel_fetch"))
	for _, s := range [...]struct{ theirs, ours string }{{"access_key", "access_key_id"}, {"secret_key", "secret_access_key"}} {
		w.option(s.ours, c.secret(position(at, s.theirs), at.Name()+"."+s.theirs, text(at, s.theirs), variable(id+"_"+s.ours)))
	}
	c.client(at)
	for _, name := range at.Names() {
		if !slices.Contains([]string{
			"client_options", "bucket_name", "access_key", "secret_key", "prefix", "region", "parallel_fetch", "single_load", "queue_url", "bucket_path",
			"file_path", "is_decode_object_key", "bucket",
		}, name) {
			c.refused(position(at, name), at.Name()+"."+name, "is not an option that this adapter is known to have")
		}
	}
}

// messages says what of the form of messages has to be said: all that is common is understood by itself.
func (c *adapterFile) messages(kind string, at config.Node) {
	if kind == "sqs" {
		return
	}
	for option, usual := range map[string][]string{
		"bucket_path": {"bucket", "Records/s3/bucket/name", "s3Bucket"}, "file_path": {"files/path", "Records/s3/object/key", "s3ObjectKey"},
	} {
		switch v := text(at, option); {
		case v == "" || slices.Contains(usual, v):
			if v != "" {
				c.unused(position(at, option), at.Name()+"."+option, "messages of S3, SNS, EventBridge and CloudTrail, and lists of files, are understood by themselves")
			}
		default:
			c.refused(position(at, option), at.Name()+"."+option, "messages of another form than those of S3, SNS, EventBridge, CloudTrail, or {\"bucket\":..,\"files\":[{\"path\":..}]} are not understood")
		}
	}
	if text(at, "bucket") != "" {
		c.unused(position(at, "bucket"), at.Name()+".bucket", "each message names its bucket")
	}
	if text(at, "is_decode_object_key") != "" {
		c.unused(position(at, "is_decode_object_key"), at.Name()+".is_decode_object_key", "keys are decoded where the form of the message says that they are encoded")
	}
}

// client takes client_options over.
func (c *adapterFile) client(at config.Node) {
	options, ok := at.Get("client_options")
	if !ok {
		return
	}
	fields := func(option string) string { return filledIn(text(options, option)) }
	host, platform := fields("hostname"), fields("platform")
	if host != "" || platform != "" {
		c.w.raw("processors:")
		if host != "" {
			c.w.raw("  - add_fields: {target: \"\", fields: {host.name: " + scalar(host) + ", observer.name: " + scalar(host) + "}}")
		}
		if platform != "" {
			c.w.raw("  - add_labels.labels.platform: " + scalar(platform))
		}
	}
	if c.name == "" {
		c.name = host
	}
	switch seed := fields("sensor_seed_key"); {
	case seed == "" || seed == c.seed:
	case c.seed == "":
		c.seed = seed
	default:
		c.refused(position(options, "sensor_seed_key"), options.Name()+".sensor_seed_key", "one Trailbeat has one agent.id, and that of the first adapter is taken; run one for each adapter if they must differ")
	}
	for _, name := range options.Names() {
		where, path := position(options, name), options.Name()+"."+name
		switch name {
		case "hostname", "platform", "sensor_seed_key":
		case "identity":
			c.unused(where, path, "says who may send to LimaCharlie; the credentials of the output take its place, such as output.elasticsearch.api_key")
		case "mapping", "mappings", "indexing":
			c.unused(where, path, "the mapping to ECS is built in")
		default:
			c.unused(where, path, "is about the connection to LimaCharlie")
		}
	}
}

// variableless is a text that may be the id of an input: one that does not depend on variables.
func variableless(text string) string {
	if strings.Contains(text, "${") {
		return ""
	}
	return text
}

// position is where an option stands, or its group where it does not.
func position(at config.Node, option string) config.Position {
	if n, ok := at.Get(option); ok {
		return n.Position()
	}
	return at.Position()
}
