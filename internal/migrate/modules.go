// Package migrate turns a configuration of Filebeat into one of Trailbeat: what Filebeat says in another form is rewritten.
// What has no counterpart at all is not its business; the tables of the components know that.
package migrate

import (
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// Modules replaces the module aws of filebeat.modules by the inputs that its fileset cloudtrail stands for, at the end of
// filebeat.inputs. faults are modules that read something else and cannot be left out silently, notes are what has no effect. What
// is no list of groups is left for others to complain about.
func Modules(root config.Node) (faults, notes config.Errors) {
	list, ok := root.Get("filebeat.modules")
	if !ok || len(list.Items()) == 0 {
		return nil, nil
	}
	for _, m := range list.Items() {
		if !m.IsGroup() {
			return nil, nil
		}
	}
	c := &converter{root: root, inputs: "filebeat.inputs"}
	if _, ours := root.Get("trailbeat.inputs"); ours {
		c.inputs = "trailbeat.inputs"
	}
	for _, m := range list.Items() {
		c.module(m)
	}
	root.Remove("filebeat.modules")
	return c.faults, c.notes
}

type converter struct {
	root          config.Node
	inputs        string
	faults, notes config.Errors
}

func problem(at config.Node, format string, args ...any) *config.Error {
	return &config.Error{Pos: at.Position(), Path: at.Name(), Message: fmt.Sprintf(format, args...)}
}

func text(n config.Node, path string) string {
	at, ok := n.Get(path)
	if !ok {
		return ""
	}
	return at.Text()
}

func (c *converter) module(m config.Node) {
	name := text(m, "module")
	switch {
	case text(m, "enabled") == "false":
		c.notes = append(c.notes, problem(m, "the module %q is not enabled", name))
		return
	case name == "":
		c.faults = append(c.faults, problem(m, "does not say which module it is; write \"module: aws\""))
		return
	case name != "aws":
		c.faults = append(c.faults, problem(m, "the module %q does not read CloudTrail; leave it to Filebeat and remove it here", name))
		return
	}
	found := false
	for _, name := range m.Names() {
		fileset, _ := m.Get(name)
		switch {
		case name == "module" || name == "enabled":
		case name == "cloudtrail":
			found = true
			c.cloudtrail(fileset)
		case text(fileset, "enabled") == "true":
			c.faults = append(c.faults, problem(fileset, "only the fileset cloudtrail of the module aws is read; leave %s to Filebeat and remove it here", name))
		default:
			c.notes = append(c.notes, problem(fileset, "only the fileset cloudtrail of the module aws is read, and this one is not enabled"))
		}
	}
	if !found {
		c.notes = append(c.notes, problem(m, "has no fileset cloudtrail, so nothing is read for it"))
	}
}

// switchOf is the option here that a variable turns off; empty: it is none of those.
func switchOf(variable string) string {
	switch variable {
	case "process_cloudtrail_logs":
		return "cloudtrail_regex"
	case "process_digest_logs":
		return "cloudtrail_digest_regex"
	case "process_insight_logs":
		return "cloudtrail_insight_regex"
	}
	return ""
}

// cloudtrail makes the input of a fileset.
func (c *converter) cloudtrail(fileset config.Node) {
	if text(fileset, "enabled") == "false" {
		c.notes = append(c.notes, problem(fileset, "the fileset is not enabled"))
		return
	}
	in := config.Group(fileset)
	in.Put("type", config.Scalar(fileset, "!!str", "aws-s3"))
	if !fileset.IsGroup() {
		c.faults = append(c.faults, problem(fileset, "must be a group with options such as var.queue_url"))
		return
	}
	for _, name := range fileset.Names() {
		member, _ := fileset.Get(name)
		switch name {
		case "enabled":
		case "var":
			c.variables(in, member)
		case "input":
			// What stands there wins over all that the variables say.
			for _, name := range member.Names() {
				option, _ := member.Get(name)
				in.Put(name, option)
			}
		default:
			c.faults = append(c.faults, problem(member, "is no option of the fileset; they begin with var or input"))
		}
	}
	c.root.Append(c.inputs, in)
}

func (c *converter) variables(in, vars config.Node) {
	for _, name := range vars.Names() {
		value, _ := vars.Get(name)
		switch option := switchOf(name); {
		case option != "" && value.Text() == "false":
			in.Put(option, config.Scalar(value, "!!str", ""))
		case option != "":
			// On is the default.
		case name == "input" && value.Text() == "file":
			in.Put("type", config.Scalar(value, "!!str", "file"))
		case name == "input" && (value.Text() == "s3" || value.Text() == "aws-s3"):
		case name == "input":
			c.faults = append(c.faults, problem(value, "is %q, but CloudTrail is read with aws-s3 or file; for CloudWatch Logs write an input of type aws-cloudwatch", value.Text()))
		case name == "tags":
			c.tags(in, value)
		default:
			in.Put(name, value)
		}
	}
}

// tags takes the tag that is an option here out of the list.
func (c *converter) tags(in, tags config.Node) {
	for _, tag := range tags.Items() {
		if tag.Text() == "preserve_original_event" {
			in.Put("preserve_original_event", config.Scalar(tag, "!!bool", "true"))
			continue
		}
		in.Append("tags", tag)
	}
	if len(tags.Items()) == 0 {
		in.Put("tags", tags)
	}
}

// Paths puts directories of Filebeat's own beside them, as two programs do not share one, and logging.files.path where path.logs
// is. notes say what was changed.
func Paths(root config.Node) (notes config.Errors) {
	if dir, ok := root.Get("logging.files.path"); ok {
		if _, both := root.Get("path.logs"); !both && dir.Text() != "" {
			root.Put("path.logs", dir)
			root.Remove("logging.files.path")
			notes = append(notes, problem(dir, "is path.logs here"))
		}
	}
	for _, name := range []string{"path.home", "path.config", "path.data", "path.logs"} {
		dir, ok := root.Get(name)
		if !ok || !strings.Contains(dir.Text(), "filebeat") {
			continue
		}
		own := strings.ReplaceAll(dir.Text(), "filebeat", "trailbeat")
		root.Put(name, config.Scalar(dir, "!!str", own))
		notes = append(notes, problem(dir, "%s is Filebeat's own; here it is %s", dir.Text(), own))
	}
	return notes
}
