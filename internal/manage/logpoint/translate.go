package logpoint

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
	"github.com/trailbeat/trailbeat/internal/manage"
)

// The values that say what kind of source it is.
const (
	sourceType = "S3Fetcher"
	parserName = "CloudTrailLogParser"
	normalizer = "CloudTrailCompiledNormalizer"
)

// Options say how bodies are translated.
type Options struct {
	// Outputs are the names below outputs of the configuration: a repo of such a name is that output.
	Outputs []string
	// Place is noted in the draft.
	Place string
}

// Translate makes a draft of the body of a POST or a PUT. The error is a *manage.InvalidError.
func Translate(body []byte, opt Options) (manage.Draft, error) {
	r := &reader{}
	d := manage.Draft{Place: opt.Place, Options: map[string]any{"type": "aws-s3"}, Member: member}
	root := r.parse(body)
	if root != nil {
		r.unknown(root, "", "data")
		if data := r.object(root, "", "data"); data != nil {
			r.data(data, opt, &d)
			d.Body = mask(root)
		}
	}
	if len(r.faults) > 0 {
		return manage.Draft{}, &manage.InvalidError{Faults: r.faults}
	}
	d.Warnings = r.warnings
	return d, nil
}

func (r *reader) data(data map[string]any, opt Options, d *manage.Draft) {
	const at = "data."
	r.unknown(data, at, "name", "type", "vendor_name", "logo", "description", "config", "documentation_link", "template_vid", "dc_metadata", "id")
	d.Name = r.text(data, at, "name", true)
	if n := utf8.RuneCountInString(d.Name); n > manage.MaxName {
		r.bad(at+"name", "has %d characters, but may have %d at most", n, manage.MaxName)
	}
	if t := r.text(data, at, "type", true); t != "" && t != sourceType {
		r.bad(at+"type", "is %q, but only %s can be made here; other inputs are made below /api/v1/sources", t, sourceType)
	}
	for _, name := range []string{"vendor_name", "description", "documentation_link", "template_vid", "id"} {
		if data[name] != nil {
			r.text(data, at, name, false)
		}
	}
	if v, there := data["logo"]; there && v != nil {
		if _, ok := v.(string); !ok {
			r.bad(at+"logo", "is %s, but must be a text in base64", kind(v))
		}
	}
	if v, there := data["dc_metadata"]; there && v != nil {
		if _, ok := v.(map[string]any); !ok {
			r.bad(at+"dc_metadata", "is %s, but must be an object", kind(v))
		}
	}
	config := r.object(data, at, "config")
	if config == nil {
		return
	}
	const in = "data.config."
	r.unknown(config, in, "Source", "Connector", "RoutingPolicy", "NormalizationPolicy", "EnrichmentPolicy")
	zone := time.UTC
	if source := r.object(config, in, "Source"); source != nil {
		zone = r.source(source, d.Options)
	}
	if connector := r.object(config, in, "Connector"); connector != nil {
		r.connector(connector, zone, d.Options)
	}
	if policy := r.object(config, in, "RoutingPolicy"); policy != nil {
		d.Routing = r.routing(policy, d.Name, opt, d.Options)
	}
	if policy := r.object(config, in, "NormalizationPolicy"); policy != nil {
		r.normalization(policy)
	}
	d.Enrichments = r.enrichment(config["EnrichmentPolicy"])
}

func (r *reader) source(in map[string]any, options map[string]any) *time.Location {
	const at = "data.config.Source."
	r.unknown(in, at, "name", "interval", "charset", "timezone")
	r.text(in, at, "name", true)
	if in["interval"] == nil {
		r.bad(at+"interval", "is missing; it is the time between two looks at the bucket, in minutes")
	} else if n, ok := r.whole(in, at, "interval", 1, 7*24*60); ok {
		options["bucket_list_interval"] = strconv.Itoa(n) + "m"
	}
	if charset := r.text(in, at, "charset", true); charset != "" {
		switch strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(charset)) {
		case "utf8", "ascii", "usascii":
		default:
			r.bad(at+"charset", "is %q, but CloudTrail writes UTF-8 and nothing else; write utf_8", charset)
		}
	}
	zone := time.UTC
	if name := r.text(in, at, "timezone", true); name != "" {
		if slices.Contains([]string{"GMT", "Etc/UTC", "Etc/GMT", "Z"}, name) { // known without a database of zones
			name = "UTC"
		}
		found, err := time.LoadLocation(name)
		if err != nil || name == "Local" {
			r.bad(at+"timezone", "is %q, which is no time zone that is known here; write UTC, or a name such as Europe/Berlin", name)
			return zone
		}
		zone = found
	}
	return zone
}

var (
	bucketName = lazyregexp.New(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = lazyregexp.New(`^[a-z0-9][a-z0-9-]{0,62}$`)
	// amazon are the hosts of S3 itself, with the region where there is one.
	amazon = lazyregexp.New(`^s3(?:[.-](?:dualstack\.)?([a-z]{2}(?:-[a-z]+)+-\d))?\.amazonaws\.com(?:\.cn)?$`)
)

func (r *reader) connector(in map[string]any, zone *time.Location, options map[string]any) {
	const at = "data.config.Connector."
	r.unknown(in, at, "endpoint_url", "access_key", "secret_key", "bucket_name", "region_name", "filter_date", "parser", "enable_proxy",
		"proxy", "ip", "IP", "port", "protocol")
	options["access_key_id"] = r.text(in, at, "access_key", true)
	options["secret_access_key"] = r.text(in, at, "secret_key", true)
	options["preserve_original_event"] = true
	region := r.text(in, at, "region_name", true)
	if region != "" && !regionName().MatchString(region) {
		r.bad(at+"region_name", "is %q, but must be a region such as eu-west-1", region)
	}
	options["region"] = region
	bucket := r.text(in, at, "bucket_name", true)
	if bucket != "" && !bucketName().MatchString(bucket) {
		r.bad(at+"bucket_name", "is %q, but must be the name of a bucket: 3 to 63 of lower case letters, digits, . and -", bucket)
	}
	r.endpoint(r.text(in, at, "endpoint_url", false), bucket, region, options)
	if date := r.text(in, at, "filter_date", true); date != "" {
		if start, ok := parseDate(date, zone); ok {
			options["start_timestamp"] = start.UTC().Format(time.RFC3339)
		} else {
			r.bad(at+"filter_date", "is %q, but must be a time such as 2024-08-06T08:44:13.220Z, or a day", date)
		}
	}
	if parser := r.text(in, at, "parser", false); parser != "" && parser != parserName {
		r.bad(at+"parser", "is %q, but only %s is possible here: what is read is CloudTrail", parser, parserName)
	}
	r.proxy(in, options)
}

func (r *reader) endpoint(text, bucket, region string, options map[string]any) {
	const at = "data.config.Connector.endpoint_url"
	u, err := url.Parse(text)
	if text != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		r.bad(at, "must be a URL such as https://s3.amazonaws.com, without user, query and fragment")
		return
	}
	if text != "" {
		match := amazon().FindStringSubmatch(strings.ToLower(u.Hostname()))
		if match == nil {
			options["endpoint"], options["path_style"], options["non_aws_bucket_name"] = text, true, bucket
			return
		}
		if match[1] != "" && match[1] != region {
			r.warn("%s is that of %s, and region_name is %s, which is asked", at, match[1], region)
		}
	}
	partition := "aws"
	switch {
	case strings.HasPrefix(region, "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		partition = "aws-us-gov"
	}
	options["bucket_arn"] = "arn:" + partition + ":s3:::" + bucket
}

// parseDate reads a time; one without a zone is of the time zone of the source.
func parseDate(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil && t.Year() >= 2000 && t.Year() < 10000 {
			return t, true
		}
	}
	return time.Time{}, false
}

// proxy reads the three ways in which it is written: enable_proxy as a switch with ip, port and protocol beside it, as an object of
// them with status, and the same as proxy.
func (r *reader) proxy(in map[string]any, options map[string]any) {
	at, from := "data.config.Connector.", in
	on, isBool := in["enable_proxy"].(bool)
	name := "enable_proxy"
	if _, there := in["proxy"]; there {
		name = "proxy"
	}
	switch v := in[name].(type) {
	case nil, bool:
	case map[string]any:
		at += name + "."
		from = v
		r.unknown(v, at, "status", "ip", "IP", "port", "protocol")
		status, ok := v["status"].(bool)
		if text, isText := v["status"].(string); isText {
			status, ok = onOff(text)
		}
		if !ok {
			r.bad(at+"status", "must be true or false")
		}
		on = status && (on || !isBool)
	default:
		r.bad(at+name, "is %s, but must be true, false or an object of status, ip, port and protocol", kind(v))
		return
	}
	protocol := strings.ToLower(r.text(from, at, "protocol", false))
	if protocol == "" {
		protocol = "http"
	}
	if protocol != "http" && protocol != "https" {
		r.bad(at+"protocol", "is %q, but must be http or https", protocol)
		return
	}
	ipName := "ip"
	if _, there := from["ip"]; !there && from["IP"] != nil {
		ipName = "IP"
	}
	ip := r.text(from, at, ipName, on)
	port, ok := r.whole(from, at, "port", 1, 65535)
	if !on {
		return
	}
	if !ok {
		if _, there := from["port"]; !there {
			r.bad(at+"port", "is missing")
		}
		return
	}
	if ip == "" {
		return
	}
	if strings.ContainsAny(ip, "/@?# ") || strings.Contains(ip, ":") && net.ParseIP(ip) == nil {
		r.bad(at+ipName, "is %q, but must be an address or a name", ip)
		return
	}
	options["proxy_url"] = protocol + "://" + net.JoinHostPort(ip, strconv.Itoa(port))
}

func onOff(text string) (on, ok bool) {
	switch strings.ToLower(text) {
	case "true", "on", "enabled", "enable", "1":
		return true, true
	case "false", "off", "disabled", "disable", "0", "":
		return false, true
	}
	return false, false
}

func (r *reader) normalization(in map[string]any) {
	const at = "data.config.NormalizationPolicy."
	r.unknown(in, at, "normalizers", "name", "policy_name")
	list, ok := in["normalizers"].([]any)
	if !ok || len(list) == 0 {
		r.bad(at+"normalizers", "must be a list with {\"name\": %q, \"type\": \"compiled\"}, which stands for the mapping to ECS", normalizer)
		return
	}
	for i, v := range list {
		at := fmt.Sprintf("%snormalizers.%d.", at, i)
		one, ok := v.(map[string]any)
		if !ok {
			r.bad(strings.TrimSuffix(at, "."), "is %s, but must be an object of name and type", kind(v))
			continue
		}
		r.unknown(one, at, "name", "type")
		if name := r.text(one, at, "name", true); name != "" && name != normalizer {
			r.bad(at+"name", "is %q, but only %s is possible, which stands for the mapping to ECS; fields are changed by processors, which an EnrichmentPolicy names", name, normalizer)
		}
		if t := r.text(one, at, "type", true); t != "" && t != "compiled" {
			r.bad(at+"type", "is %q, but must be compiled", t)
		}
	}
}

// enrichment reads a name, a list of names, or an object with one.
func (r *reader) enrichment(v any) []string {
	const at = "data.config.EnrichmentPolicy"
	var names []string
	add := func(at string, v any) {
		name, ok := v.(string)
		switch {
		case !ok:
			r.bad(at, "is %s, but must be the name of an enrichment", kind(v))
		case name == "" || strings.EqualFold(name, "none"):
		default:
			if name = r.clean(at, name, 200); name != "" {
				names = append(names, name)
			}
		}
	}
	switch v := v.(type) {
	case nil:
	case []any:
		for i, one := range v {
			add(fmt.Sprintf("%s.%d", at, i), one)
		}
	case map[string]any:
		known := []string{"EnrichmentPolicy", "enrichment_policy", "policy_name", "name"}
		r.unknown(v, at+".", known...)
		for _, name := range known {
			if one, there := v[name]; there && one != nil {
				add(at+"."+name, one)
			}
		}
	default:
		add(at, v)
	}
	return names
}

// member gives the name in the body of an option that a fault is about.
func member(option string) string {
	const connector = "data.config.Connector."
	for _, known := range []struct{ option, member string }{
		{"bucket_list_interval", "data.config.Source.interval"},
		{"access_key_id", connector + "access_key"}, {"secret_access_key", connector + "secret_key"},
		{"bucket_arn", connector + "bucket_name"}, {"non_aws_bucket_name", connector + "bucket_name"},
		{"region", connector + "region_name"}, {"endpoint", connector + "endpoint_url"},
		{"start_timestamp", connector + "filter_date"}, {"proxy_url", connector + "enable_proxy"},
		{"enrichments", "data.config.EnrichmentPolicy"}, {"processors", "data.config.RoutingPolicy"}, {"routing", "data.config.RoutingPolicy"},
	} {
		if option == known.option || strings.HasPrefix(option, known.option+".") {
			return known.member
		}
	}
	return option
}

// telling are parts of names of members that may hold a secret.
var telling = []string{"secret", "password", "passphrase", "token", "api_key", "authorization"}

// mask gives the body without secrets. Everything else of it is given out again as it came.
func mask(root map[string]any) json.RawMessage {
	body, err := json.Marshal(masked("", root["data"]))
	if err != nil {
		return nil // it was JSON when it came
	}
	return body
}

func masked(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[name] = masked(name, member)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = masked(name, v[i])
		}
		return out
	case string:
		name = strings.ToLower(name)
		if v != "" && !variable().MatchString(v) && slices.ContainsFunc(telling, func(part string) bool { return strings.Contains(name, part) }) {
			return manage.Masked
		}
	}
	return v
}

var variable = lazyregexp.New(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
