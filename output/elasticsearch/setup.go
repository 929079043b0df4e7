package elasticsearch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// SetupOptions of one call of Setup.
type SetupOptions struct {
	// DryRun changes nothing and reports what would change.
	DryRun bool
	// Overwrite replaces a template of the same name that is not ours, as TemplateConfig.Overwrite does.
	Overwrite bool
}

// SetupAction is what Setup did, or would do in a dry run.
type SetupAction string

// The actions of Setup.
const (
	SetupNothing SetupAction = "unchanged"
	SetupCreate  SetupAction = "create"
	SetupUpdate  SetupAction = "update"
)

// SetupReport is what Setup has to tell.
type SetupReport struct {
	Server   Server
	Template string
	Action   SetupAction
	// Diff has a line for each value of the template that changes, "- path: old" and "+ path: new". Empty where none does.
	Diff string
	// Notes are for the user to read: what could not be installed, what to do next.
	Notes []string
}

// Setup installs the index template, and does nothing where it is there in this form. A template that somebody else
// installed under its name stays as it is, with a *output.FatalError, unless overwriting was asked for. What exists of the
// data stream keeps its mapping until it rolls over.
func (o *Output) Setup(ctx context.Context, conf TemplateConfig, opts SetupOptions) (SetupReport, error) {
	if err := conf.Validate(); err != nil {
		return SetupReport{}, fatalf("setup.template: %w", err)
	}
	server, err := o.Server(ctx)
	if err != nil {
		return SetupReport{}, err
	}
	if o.leavesTemplate() {
		return SetupReport{Server: server, Action: SetupNothing, Notes: []string{
			"raw is on: the template is that of the pipeline that maps the records; nothing is installed (for Elastic's: Kibana, Integrations, AWS, Settings, Install assets)"}}, nil
	}
	t, err := buildTemplate(server, &o.conf, conf)
	if err != nil {
		return SetupReport{}, fatalf("setup.template: %w", err)
	}
	return o.install(ctx, server, t, conf, opts)
}

// install puts one template in its place.
func (o *Output) install(ctx context.Context, server Server, t Template, conf TemplateConfig, opts SetupOptions) (SetupReport, error) {
	report := SetupReport{Server: server, Template: t.Name, Action: SetupCreate, Notes: t.Notes}
	old, err := o.installed(ctx, t.Name)
	if err != nil {
		return report, mayNot(err)
	}
	if old != nil {
		report.Action = SetupUpdate
		meta, _ := old["_meta"].(map[string]any)
		switch {
		case meta["managed_by"] != managedBy && !opts.Overwrite && !conf.Overwrite:
			return report, fatalf("index template %q is there and was not installed by trailbeat; choose another setup.template.name, or --overwrite", t.Name)
		case meta["managed_by"] == managedBy && meta["hash"] == t.hash:
			report.Action = SetupNothing
			return report, nil
		}
	}
	var wanted map[string]any
	if err := json.Unmarshal(t.Body, &wanted); err != nil {
		return report, fmt.Errorf("parsing the template: %w", err)
	}
	report.Diff = diff(old, wanted)
	if opts.DryRun {
		return report, nil
	}
	a, err := o.client.call(ctx, http.MethodPut, templatePath(t.Name), t.Body)
	if err != nil {
		return report, err
	}
	if a.status != http.StatusOK {
		switch e := requestError(a); {
		case e.Status == http.StatusForbidden:
			return report, mayNot(e)
		case e.Status/100 == 4 && e.Status != http.StatusTooManyRequests:
			return report, fatalf("installing index template %q: %w; see setup.template", t.Name, e)
		default:
			return report, fmt.Errorf("installing index template %q: %w", t.Name, e)
		}
	}
	o.log.InfoContext(ctx, "index template installed", "elasticsearch.template", t.Name, "event.action", string(report.Action))
	if report.Action == SetupUpdate {
		report.Notes = append(report.Notes, fmt.Sprintf("data streams that exist take the new template with their next rollover: POST /%s/_rollover", o.index))
	}
	return report, nil
}

// Prepare is what a run does before its first write: it installs the template, if that is enabled, and makes sure that
// documents can be sent. Credentials that may only write are no error where somebody else installed the template. Errors
// are those of Setup and CheckReady.
func (o *Output) Prepare(ctx context.Context, conf TemplateConfig) error {
	if conf.Enabled && o.conf.RequireDataStream && !o.leavesTemplate() {
		report, err := o.Setup(ctx, conf, SetupOptions{})
		switch {
		case errors.Is(err, errMayNotSetup):
			o.log.WarnContext(ctx, "the template is not installed or checked, as the credentials do not allow it; set setup.template.enabled to false if somebody else sees to it")
		case err != nil:
			return err
		}
		for _, note := range report.Notes {
			o.log.InfoContext(ctx, "note on the index template", "message.detail", note)
		}
	}
	return o.CheckReady(ctx)
}

// leavesTemplate says that the template is the affair of somebody else: of the integration that maps raw records.
func (o *Output) leavesTemplate() bool { return o.conf.Raw && o.conf.Pipeline == "" }

// errMayNotSetup marks an error of Setup that is for want of rights.
var errMayNotSetup = errors.New("the credentials may not manage index templates; grant manage_index_templates, or run 'trailbeat setup' with others and set setup.template.enabled to false")

func mayNot(err error) error {
	var e *RequestError
	if errors.As(err, &e) && e.Status == http.StatusForbidden {
		return fatalf("%w (%w)", errMayNotSetup, e)
	}
	return err
}

func templatePath(name string) string { return "/_index_template/" + url.PathEscape(name) }

// installed is the template as the server has it, or nil.
func (o *Output) installed(ctx context.Context, name string) (map[string]any, error) {
	a, err := o.client.call(ctx, http.MethodGet, templatePath(name), nil)
	if err != nil {
		return nil, err
	}
	switch a.status {
	case http.StatusOK:
	case http.StatusNotFound:
		return nil, nil
	default:
		return nil, fmt.Errorf("reading index template %q: %w", name, statusError(a))
	}
	var found struct {
		Templates []struct {
			Is map[string]any `json:"index_template"`
		} `json:"index_templates"`
	}
	if err := json.Unmarshal(a.body, &found); err != nil || len(found.Templates) != 1 {
		return nil, fmt.Errorf("reading index template %q: %w", name, &RequestError{Status: a.status, Reason: notAnAnswer(a)})
	}
	return found.Templates[0].Is, nil
}

// diff compares templates leaf by leaf. The server gives settings back as text, and adds defaults of its own.
func diff(old, wanted map[string]any) string {
	before, after := leaves(old), leaves(wanted)
	paths := slices.Collect(maps.Keys(before))
	for path := range after {
		if _, both := before[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	var text strings.Builder
	for _, path := range paths {
		b, had := before[path]
		a, has := after[path]
		if had && has && a == b {
			continue
		}
		if had {
			fmt.Fprintf(&text, "- %s: %s\n", path, b)
		}
		if has {
			fmt.Fprintf(&text, "+ %s: %s\n", path, a)
		}
	}
	return text.String()
}

// serverDefaults are leaves that the server adds.
var serverDefaults = []string{
	"composed_of", "data_stream", "data_stream.hidden", "data_stream.allow_custom_routing", "data_stream.timestamp_field.name",
	"template.lifecycle.enabled", "ignore_missing_component_templates", "created_date", "modified_date",
	"created_date_millis", "modified_date_millis",
}

func leaves(template map[string]any) map[string]string {
	texts := map[string]string{}
	for path, value := range flatten("", template, map[string]any{}) {
		if slices.Contains(serverDefaults, path) {
			continue
		}
		text := fmt.Sprint(value)
		if _, isList := value.([]any); isList {
			// A list of objects in the form that it is written in.
			if data, err := json.Marshal(value); err == nil {
				text = string(data)
			}
		}
		texts[path] = text
	}
	return texts
}
