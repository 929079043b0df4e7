package migrate

import (
	"fmt"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// Converted is what became of a file of a collector that is configured in another way than Beats.
type Converted struct {
	// Config is one of Trailbeat, as YAML.
	Config []byte
	// Unused options have no effect here, Refused ones change what is read or stored and have no counterpart, Changed ones are
	// taken over in another form, or need something from the user.
	Unused, Refused, Changed config.Errors
}

// Convert makes a configuration of an adapter file of LimaCharlie or of a list of parameters of RSA's plugin cloudtrail. Nil: it
// is neither. The error is a config.Errors.
func Convert(source config.Source) (*Converted, error) {
	if c, err := parameters(source); c != nil || err != nil {
		return c, err
	}
	return adapter(source)
}

func (c *Converted) unused(at config.Position, option, format string, args ...any) {
	c.Unused = append(c.Unused, &config.Error{Pos: at, Path: option, Message: fmt.Sprintf(format, args...)})
}

func (c *Converted) refused(at config.Position, option, format string, args ...any) {
	c.Refused = append(c.Refused, &config.Error{Pos: at, Path: option, Message: fmt.Sprintf(format, args...)})
}

func (c *Converted) changed(at config.Position, option, format string, args ...any) {
	c.Changed = append(c.Changed, &config.Error{Pos: at, Path: option, Message: fmt.Sprintf(format, args...)})
}

// writer writes YAML, an option a line.
type writer struct {
	strings.Builder
	indent string
}

// element begins an element of a list: the lines behind it belong to it.
func (w *writer) element(first, value string) {
	w.WriteString("  - " + first + ": " + scalar(value) + "\n")
	w.indent = "    "
}

// end ends the list.
func (w *writer) end() { w.indent = "" }

// option writes one with its value; nothing where it has none.
func (w *writer) option(name, value string) {
	if value == "" {
		return
	}
	text := scalar(value)
	if number().MatchString(value) {
		text = value
	}
	w.WriteString(w.indent + name + ": " + text + "\n")
}

// list writes an option that holds a list of texts.
func (w *writer) list(name string, values ...string) {
	var quoted []string
	for _, v := range values {
		if v != "" {
			quoted = append(quoted, scalar(v))
		}
	}
	if quoted != nil {
		w.WriteString(w.indent + name + ": [" + strings.Join(quoted, ", ") + "]\n")
	}
}

// raw writes a line as it is.
func (w *writer) raw(line string) { w.WriteString(w.indent + line + "\n") }

var (
	plain  = lazyregexp.New(`^[A-Za-z][A-Za-z0-9_.-]*$`)
	number = lazyregexp.New(`^[1-9][0-9]{0,8}$`)
)

// scalar writes a value in YAML: as it is where nothing in it means something else.
func scalar(value string) string {
	if plain().MatchString(value) && value != "null" && value != "yes" && value != "no" && value != "on" && value != "off" {
		return value
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(value) + `"`
}

var (
	placeholder = lazyregexp.New(`<([A-Za-z][A-Za-z0-9_ -]*)>`)
	hive        = lazyregexp.New(`^hive://secret/(.+)$`)
	nameless    = lazyregexp.New(`[^A-Za-z0-9]+`)
)

// variable is a name that a variable may have.
func variable(text string) string {
	return strings.Trim(strings.ToUpper(nameless().ReplaceAllString(text, "_")), "_")
}

// filledIn makes variables of what a template leaves to whoever fills it in: <S3_BUCKET_NAME>.
func filledIn(value string) string {
	return placeholder().ReplaceAllStringFunc(value, func(m string) string {
		return "${" + variable(m) + "}"
	})
}

// secret gives the reference that stands for a secret, which is never copied. name is that of the variable where the value does
// not name one itself.
func (c *Converted) secret(at config.Position, option, value, name string) string {
	if value == "" {
		return ""
	}
	if m := hive().FindStringSubmatch(value); m != nil {
		name = variable(m[1])
	} else if ref := filledIn(value); strings.HasPrefix(ref, "${") {
		return ref
	}
	c.changed(at, option, "the secret is not copied; keep it with \"trailbeat keystore add %s\", or in the variable %s of the environment", name, name)
	return "${" + name + "}"
}

// bucketARN names a bucket, which may be given as an ARN.
func bucketARN(bucket, region string) string {
	if strings.HasPrefix(bucket, "arn:") {
		return bucket
	}
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	}
	return "arn:" + partition + ":s3:::" + bucket
}

// destination is the output of a result whose original wrote to a product of its own.
const destination = "sqlite"
