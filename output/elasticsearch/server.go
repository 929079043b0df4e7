package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Flavour of a server.
type Flavour string

// The flavours that the output knows.
const (
	Elasticsearch Flavour = "elasticsearch"
	OpenSearch    Flavour = "opensearch"
)

// Server is what the other side said that it is.
type Server struct {
	Flavour Flavour
	// Version such as "8.19.3". Empty where the credentials do not allow to see it.
	Version string
	// Serverless is Elastic Cloud Serverless, whose version number says nothing.
	Serverless bool
	// Cluster is the name of the cluster, where it may be seen.
	Cluster string
}

// atLeast compares the version. An unknown version counts as new.
func (s Server) atLeast(major, minor int) bool {
	if s.Serverless || s.Version == "" {
		return true
	}
	numbers := strings.SplitN(s.Version, ".", 3)
	have := [2]int{}
	for i := 0; i < len(have) && i < len(numbers); i++ {
		have[i], _ = strconv.Atoi(numbers[i])
	}
	return have[0] > major || have[0] == major && have[1] >= minor
}

// requiresDataStream says whether the server knows the parameter require_data_stream.
func (s Server) requiresDataStream() bool { return s.Flavour == Elasticsearch && s.atLeast(8, 13) }

// filterPath of bulk answers. Which index took a document must be known where the server does not refuse plain indices
// by itself, and to notice a rollover.
func (s Server) filterPath(index bool) string {
	if s.requiresDataStream() && !index {
		return filterPath
	}
	return filterPathIndex
}

// old says that parts of the template are unknown to the server.
func (s Server) old() bool {
	if s.Flavour == OpenSearch {
		return !s.atLeast(2, 7)
	}
	return !s.atLeast(7, 17)
}

// Server asks what the other side is, once: a later call gives the first good answer. It is a *output.FatalError where the
// credentials are wrong or the version is too old, and an ordinary error where no host answers as it should.
func (o *Output) Server(ctx context.Context) (Server, error) {
	o.serverMu.Lock()
	defer o.serverMu.Unlock()
	if o.server != nil {
		return *o.server, nil
	}
	if s := o.conf.AWS.SigV4; s.Enabled && s.Service == ServiceServerless {
		// A collection does not answer this question.
		o.server = &Server{Flavour: OpenSearch, Serverless: true}
		return *o.server, nil
	}
	a, err := o.client.call(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return Server{}, fmt.Errorf("asking for the server's version: %w", err)
	}
	s, err := readServer(a)
	if err != nil {
		return Server{}, err
	}
	if s.old() {
		if !o.conf.AllowOlderVersions {
			return Server{}, fatalf("the server is %s %s; Elasticsearch 7.17 or OpenSearch 2.7 is needed at least, or allow_older_versions: true", s.Flavour, s.Version)
		}
		o.log.WarnContext(ctx, "the server is older than what the template is made for", "service.version", s.Version, "service.type", s.Flavour)
	}
	o.server = &s
	return s, nil
}

func readServer(a answer) (Server, error) {
	switch {
	case a.status == http.StatusUnauthorized:
		return Server{}, fatalf("the server does not accept the credentials (%w); check username and password, or api_key", requestError(a))
	case a.status == http.StatusForbidden && requestError(a).Type == "security_exception":
		// Credentials that may only write cannot see the version. Elasticsearch signs all its answers.
		if a.header.Get(productHeader) != "" {
			return Server{Flavour: Elasticsearch}, nil
		}
		return Server{Flavour: OpenSearch}, nil
	case a.status == http.StatusForbidden:
		return Server{}, fatalf("the server does not allow requests (%w); check the credentials and the proxies in between", requestError(a))
	case a.status != http.StatusOK:
		return Server{}, fmt.Errorf("asking for the server's version: %w", requestError(a))
	}
	var root struct {
		Cluster string `json:"cluster_name"`
		Tagline string `json:"tagline"`
		Version struct {
			Number       string `json:"number"`
			Distribution string `json:"distribution"`
			Flavor       string `json:"build_flavor"`
		} `json:"version"`
	}
	if err := json.Unmarshal(a.body, &root); err != nil || root.Version.Number == "" {
		reason := "the answer is not that of Elasticsearch or OpenSearch"
		if err != nil {
			reason = notAnAnswer(a)
		}
		return Server{}, fmt.Errorf("asking for the server's version: %w", &RequestError{Status: a.status, Reason: reason})
	}
	s := Server{Flavour: Elasticsearch, Version: root.Version.Number, Cluster: root.Cluster, Serverless: root.Version.Flavor == "serverless"}
	// OpenSearch can be told to name the version of its ancestor. Its tagline stays.
	if root.Version.Distribution == "opensearch" || strings.Contains(root.Tagline, "OpenSearch") {
		s.Flavour = OpenSearch
	}
	return s, nil
}
