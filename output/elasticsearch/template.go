package elasticsearch

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed template/zz_elasticsearch.json template/zz_opensearch.json
var templates embed.FS

// managedBy marks what is ours, in _meta.managed_by of a template.
const managedBy = "trailbeat"

// BuiltinPriority is that of the built-in templates, among templates that match the same name.
const BuiltinPriority = 500

// Template is the index template as Setup installs it.
type Template struct {
	// Name that it is installed under.
	Name string
	// Body is what is sent.
	Body []byte
	// Notes say what was asked for but is not possible on this flavour of server.
	Notes []string

	hash string
}

// BuildTemplate makes the template for a flavour of server, without asking any: the built-in one, for the newest version,
// with the configuration laid over it. The hash of all that goes into _meta, so that Setup can tell a change.
func BuildTemplate(flavour Flavour, out *Config, conf TemplateConfig) (Template, error) {
	return buildTemplate(Server{Flavour: flavour}, out, conf)
}

// buildTemplate makes the template for a server, with types that its version knows.
func buildTemplate(server Server, out *Config, conf TemplateConfig) (Template, error) {
	flavour := server.Flavour
	data, err := templates.ReadFile("template/zz_" + string(flavour) + ".json")
	if err != nil {
		return Template{}, fmt.Errorf("reading the built-in template: %w", err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		return Template{}, fmt.Errorf("parsing the built-in template: %w", err)
	}
	t := Template{Name: conf.Name, Notes: fitTypes(root, server)}
	stream := out.DataStream.Type + "-" + out.DataStream.Dataset
	if t.Name == "" {
		t.Name = "trailbeat-" + stream
		if out.Index != "" {
			t.Name = "trailbeat-" + out.Index
		}
	}
	switch {
	case conf.Pattern != "":
		root["index_patterns"] = []any{conf.Pattern}
	case out.Index != "":
		root["index_patterns"] = []any{out.Index}
	default:
		root["index_patterns"] = []any{stream + "-*"}
	}
	if conf.Priority > 0 {
		root["priority"] = conf.Priority
	}
	template := group(root, "template")
	settings := group(group(root, "template"), "settings")
	if err := overlay(settings, conf.Settings); err != nil {
		return Template{}, err
	}
	if r := conf.Lifecycle.DataRetention; r != "" {
		if flavour == Elasticsearch {
			template["lifecycle"] = map[string]any{"data_retention": r}
		} else {
			t.Notes = append(t.Notes, "lifecycle.data_retention is not installed: OpenSearch keeps retention in an ISM policy, whose ism_template names the data stream")
		}
	}
	if p := conf.Lifecycle.Policy; p != "" {
		if flavour == Elasticsearch {
			group(group(settings, "index"), "lifecycle")["name"] = p
		} else {
			t.Notes = append(t.Notes, "lifecycle.policy is not installed: OpenSearch attaches an ISM policy by the ism_template in the policy")
		}
	}
	return seal(t, root)
}

// seal writes the template's text, with the mark that it is ours and the hash by which a change shows.
func seal(t Template, root map[string]any) (Template, error) {
	meta := group(root, "_meta")
	meta["managed_by"] = managedBy
	delete(meta, "hash")
	body, err := json.Marshal(root)
	if err != nil {
		return Template{}, fmt.Errorf("settings: writing them as JSON: %w", err)
	}
	sum := sha256.Sum256(body)
	t.hash = hex.EncodeToString(sum[:8])
	meta["hash"] = t.hash
	if t.Body, err = json.MarshalIndent(root, "", "  "); err != nil {
		return Template{}, fmt.Errorf("writing the template: %w", err)
	}
	return t, nil
}

// group is the member of parent with this name, made where it is missing.
func group(parent map[string]any, name string) map[string]any {
	if g, ok := parent[name].(map[string]any); ok {
		return g
	}
	g := map[string]any{}
	parent[name] = g
	return g
}

// overlay lays settings over base. Names may be dotted, and may leave out "index" in front, as the server allows too.
func overlay(base, settings map[string]any) error {
	for path, value := range flatten("", settings, map[string]any{}) {
		names := strings.Split(path, ".")
		if names[0] != "index" {
			names = append([]string{"index"}, names...)
		}
		at := base
		for _, name := range names[:len(names)-1] {
			if old, taken := at[name]; taken {
				if _, ok := old.(map[string]any); !ok {
					return fmt.Errorf("settings.%s: stands below a value, not a group", path)
				}
			}
			at = group(at, name)
		}
		at[names[len(names)-1]] = value
	}
	return nil
}

// flatten gives the leaves of nested groups by their dotted paths, in into. Empty groups are leaves too.
func flatten(prefix string, value any, into map[string]any) map[string]any {
	members, ok := value.(map[string]any)
	if !ok || len(members) == 0 && prefix != "" {
		into[prefix] = value
		return into
	}
	for name, member := range members {
		if prefix != "" {
			name = prefix + "." + name
		}
		flatten(name, member, into)
	}
	return into
}
