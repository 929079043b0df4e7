package migrate

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/trailbeat/trailbeat/internal/config"
)

// parameter is one value of RSA's list, with where it stands.
type parameter struct {
	label string // as it is written
	value string
	any   any // from JSON
	at    config.Position
}

// eventSource holds the parameters of one source, by their names as known has them.
type eventSource map[string]parameter

// known are the parameters of the plugin cloudtrail, by their names without case, spaces and marks; several versions say it in
// several ways.
var known = map[string]string{
	"name": "name", "eventsourcename": "name", "enabled": "enabled", "accountid": "account", "s3bucketname": "bucket", "bucketname": "bucket",
	"bucket": "bucket", "accesskey": "access_key", "accesskeyid": "access_key", "secretkey": "secret_key", "secretaccesskey": "secret_key",
	"region": "region", "regionendpoint": "endpoint", "startdate": "start", "logfileprefix": "prefix", "debug": "debug",
	"commandargs": "args", "pollinginterval": "interval", "sslenabled": "ssl", "sslenable": "ssl", "ssl": "ssl", "useproxy": "use_proxy",
	"proxyserver": "proxy_server", "proxyport": "proxy_port", "proxyuser": "proxy_user", "proxyusername": "proxy_user",
	"proxypassword": "proxy_password", "testconnection": "test", "eventfilter": "filters", "eventfilters": "filters", "filters": "filters",
}

func normal(name string) string {
	return strings.ToLower(nameless().ReplaceAllString(strings.TrimSuffix(strings.TrimSpace(name), "*"), ""))
}

// parameters reads RSA's list: CSV with a source a line, CSV with a parameter a line, or JSON.
func parameters(source config.Source) (*Converted, error) {
	data := bytes.TrimPrefix(source.Data, []byte("\xef\xbb\xbf"))
	var list []eventSource
	var err error
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		list = jsonParameters(source.Name, data)
	} else {
		list, err = csvParameters(source.Name, data)
	}
	if err != nil || len(list) == 0 {
		return nil, err
	}
	c := &parameterList{Converted: &Converted{}}
	c.w.WriteString("trailbeat.inputs:\n")
	for i, s := range list {
		c.source(i, s)
	}
	c.w.end()
	if c.debug {
		c.w.option("logging.level", "debug")
	}
	c.w.raw("output." + destination + ": {}")
	c.Config = []byte(c.w.String())
	return c.Converted, nil
}

// isSource reports whether these are parameters of the plugin: it needs a bucket, a key, an account and a day to begin with, and
// nobody else has all four.
func (s eventSource) isSource() bool {
	for _, name := range []string{"bucket", "access_key", "account", "start"} {
		if _, there := s[name]; !there {
			return false
		}
	}
	return true
}

func (s eventSource) put(p parameter) {
	name := known[normal(p.label)]
	if name == "" {
		name = "? " + p.label
	}
	if s[name].label == "" {
		s[name] = p
	}
}

func csvParameters(file string, data []byte) ([]eventSource, error) {
	first, _, _ := bytes.Cut(data, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord, r.TrimLeadingSpace, r.LazyQuotes = -1, true, true
	for _, comma := range []rune{';', '\t'} {
		if !bytes.ContainsRune(first, ',') && bytes.ContainsRune(first, comma) {
			r.Comma = comma
		}
	}
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 || len(rows[0]) < 2 {
		return nil, nil //nolint:nilerr // it is no CSV: others say what is wrong with it
	}
	at := func(line, column int) config.Position {
		return config.Position{File: file, Line: line + 1, Column: column + 1}
	}
	header := rows[0]
	if normal(header[0]) == "parameter" || known[normal(header[0])] != "" && len(header) == 2 {
		begin := 0
		if normal(header[0]) == "parameter" {
			begin = 1
		}
		return pairs(rows[begin:], func(i int) config.Position { return at(begin+i, 0) }), nil
	}
	var list []eventSource
	for i, row := range rows[1:] {
		s := eventSource{}
		for j, value := range row {
			if j < len(header) && strings.TrimSpace(header[j]) != "" {
				s.put(parameter{label: strings.TrimSpace(header[j]), value: strings.TrimSpace(value), at: at(i+1, j)})
			}
		}
		if !s.isSource() {
			return nil, nil
		}
		list = append(list, s)
	}
	return list, nil
}

// pairs reads a parameter a line; a name that comes again begins the next source.
func pairs(rows [][]string, at func(int) config.Position) []eventSource {
	var list []eventSource
	s := eventSource{}
	for i, row := range rows {
		if len(row) < 2 || strings.TrimSpace(row[0]) == "" {
			continue
		}
		if known[normal(row[0])] == "name" && s["name"].label != "" {
			list, s = append(list, s), eventSource{}
		}
		s.put(parameter{label: strings.TrimSpace(row[0]), value: strings.TrimSpace(row[1]), at: at(i)})
	}
	list = append(list, s)
	if slices.ContainsFunc(list, func(s eventSource) bool { return !s.isSource() }) {
		return nil
	}
	return list
}

// jsonParameters takes an object of parameters, a list of such, or objects whose parameters are a list of names and values.
func jsonParameters(file string, data []byte) []eventSource {
	var whole any
	if json.Unmarshal(data, &whole) != nil {
		return nil
	}
	line := func(label string) config.Position {
		quoted, _ := json.Marshal(label)
		i := bytes.Index(data, quoted)
		if i < 0 {
			return config.Position{File: file, Line: 1, Column: 1}
		}
		return config.Position{File: file, Line: 1 + bytes.Count(data[:i], []byte("\n")), Column: i - bytes.LastIndexByte(data[:i], '\n')}
	}
	var list []eventSource
	var look func(v any)
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, one := range v {
				look(one)
			}
		case map[string]any:
			s := eventSource{}
			for _, label := range slices.Sorted(maps.Keys(v)) {
				s.put(parameter{label: label, value: jsonText(v[label]), any: v[label], at: line(label)})
				if list, ok := v[label].([]any); ok && normal(label) == "parameters" {
					delete(s, "? "+label)
					for _, item := range list {
						if pair, ok := item.(map[string]any); ok && jsonText(pair["name"]) != "" {
							name := jsonText(pair["name"])
							s.put(parameter{label: name, value: jsonText(pair["value"]), any: pair["value"], at: line(name)})
						}
					}
				}
			}
			if s.isSource() {
				list = append(list, s)
				return
			}
			for _, label := range slices.Sorted(maps.Keys(v)) {
				look(v[label])
			}
		}
	}
	look(whole)
	return list
}

func jsonText(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v)
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}

type parameterList struct {
	*Converted
	w     writer
	debug bool
	ids   []string
}

func on(value string) bool {
	return slices.Contains([]string{"true", "on", "yes", "1", "enabled", "checked", "x"}, strings.ToLower(value))
}

// source writes the input that one event source is.
func (c *parameterList) source(i int, s eventSource) {
	get := func(name string) string { return filledIn(s[name].value) }
	id := variableless(get("name"))
	if id == "" || slices.Contains(c.ids, id) {
		id = fmt.Sprintf("cloudtrail-%d", i+1)
	}
	c.ids = append(c.ids, id)
	if i == 0 {
		c.changed(s["bucket"].at, s["bucket"].label, "the Log Collector sent to a Decoder; here documents go to a database file (output.%s) until you name another output, such as output.elasticsearch", destination)
	}
	w := &c.w
	w.element("type", "aws-s3")
	w.option("id", id)
	if p, ok := s["enabled"]; ok && p.value != "" && !on(p.value) {
		w.raw("enabled: false")
	}
	region := get("region")
	w.option("bucket_arn", bucketARN(get("bucket"), region))
	w.list("accounts", get("account"))
	w.list("regions", region)
	for _, key := range [...]struct{ theirs, ours string }{{"access_key", "access_key_id"}, {"secret_key", "secret_access_key"}} {
		p := s[key.theirs]
		w.option(key.ours, c.secret(p.at, p.label, p.value, variable(id+"_"+key.ours)))
	}
	w.option("endpoint", address(get("endpoint")))
	c.start(s["start"])
	w.option("bucket_list_prefix", get("prefix"))
	c.seconds(s["interval"])
	if p, ok := s["ssl"]; ok && p.value != "" && !on(p.value) {
		w.raw("ssl.verification_mode: none")
		c.changed(p.at, p.label, "off means that certificates are not checked, so anybody on the way can read the keys in use; better name the authority in ssl.certificate_authorities")
	}
	c.proxy(id, s)
	c.filters(s["filters"])
	c.others(s, id)
}

func (c *parameterList) start(p parameter) {
	if p.value == "" {
		return
	}
	days, err := strconv.Atoi(p.value)
	if err != nil || days < 0 {
		c.refused(p.at, p.label, "%q is no number of days; set start_timestamp to a time, or to a duration such as 720h", p.value)
		return
	}
	c.w.option("start_timestamp", fmt.Sprintf("%dh", 24*max(days, 1)))
	if days == 0 {
		c.changed(p.at, p.label, "0, which is today, is the last 24 hours here (start_timestamp)")
	}
}

func (c *parameterList) seconds(p parameter) {
	if p.value == "" {
		return
	}
	n, err := strconv.Atoi(p.value)
	if err != nil || n <= 0 {
		c.refused(p.at, p.label, "%q is no number of seconds; set bucket_list_interval", p.value)
		return
	}
	c.w.option("bucket_list_interval", fmt.Sprintf("%ds", n))
}

// address makes a URL of a host. AWS has two forms for hosts of S3, of which s3.REGION says that it is for S3 only.
func address(host string) string {
	if rest, old := strings.CutPrefix(host, "s3-"); old && strings.Contains(rest, ".amazonaws.com") {
		host = "s3." + rest
	}
	if host == "" || strings.Contains(host, "://") {
		return host
	}
	return "https://" + host
}

func (c *parameterList) proxy(id string, s eventSource) {
	server := s["proxy_server"]
	if server.value == "" {
		if on(s["use_proxy"].value) {
			c.refused(s["use_proxy"].at, s["use_proxy"].label, "there is no proxy server beside it; set proxy_url")
		}
		return
	}
	if p, ok := s["use_proxy"]; ok && !on(p.value) {
		c.unused(server.at, server.label, "%s is off", p.label)
		return
	}
	host := filledIn(server.value)
	scheme := "http"
	if before, after, found := strings.Cut(host, "://"); found {
		scheme, host = before, after
	}
	if port := filledIn(s["proxy_port"].value); port != "" {
		host += ":" + port
	}
	user := ""
	if u := s["proxy_user"]; u.value != "" {
		user = filledIn(u.value)
		if !strings.Contains(user, "${") {
			user = url.QueryEscape(user)
		}
		if p := s["proxy_password"]; p.value != "" {
			user += ":" + c.secret(p.at, p.label, p.value, variable(id+"_proxy_password"))
			c.changed(p.at, p.label, "the password is part of proxy_url: write / @ : and other marks in it as %%2F %%40 %%3A")
		}
		user += "@"
	}
	c.w.option("proxy_url", scheme+"://"+user+host)
}

// others are the parameters that are no option of the input.
func (c *parameterList) others(s eventSource, id string) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		p := s[name]
		switch {
		case p.value == "" && p.any == nil:
		case name == "debug":
			if !strings.EqualFold(p.value, "off") && p.value != "0" && p.value != "false" {
				c.debug = true
				if strings.EqualFold(p.value, "verbose") {
					c.changed(p.at, p.label, "there is one level of it: logging.level debug, or the flag -v")
				}
			}
		case name == "args":
			c.refused(p.at, p.label, "nothing is called with arguments here; what each of them did is an option: trailbeat export reference")
		case name == "test":
			c.changed(p.at, p.label, "is a command here: trailbeat test input %s", id)
		case strings.HasPrefix(name, "? "):
			c.refused(p.at, p.label, "is not a parameter that the plugin cloudtrail is known to have")
		}
	}
}
