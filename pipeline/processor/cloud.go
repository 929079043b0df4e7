package processor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// AddCloudMetadata writes the EC2 instance that the shipper runs on to cloud.instance.id, cloud.machine.type,
// cloud.availability_zone, cloud.image.id and, where the instance shows its tags, cloud.instance.name, where these are empty. cloud.provider, cloud.region and cloud.account.id say
// where the event happened, and are only filled where a document has none.
type AddCloudMetadata struct {
	Common `config:",inline"`
	// Timeout is how long the first documents wait for the answers of the metadata service. Default 3s.
	Timeout time.Duration `config:"timeout"`
	// Overwrite replaces what is there, those three included. Default false.
	Overwrite bool `config:"overwrite"`
	// Providers may name the clouds to ask. Only aws is known. Default: aws.
	Providers []string `config:"providers"`
}

// DefaultAddCloudMetadata are the defaults.
func DefaultAddCloudMetadata() AddCloudMetadata {
	return AddCloudMetadata{Timeout: 3 * time.Second, Providers: []string{"aws"}}
}

// Validate joins all that is wrong.
func (o *AddCloudMetadata) Validate() error {
	f := o.faults()
	if o.Timeout <= 0 {
		f.bad("timeout", "must be > 0, is %s", o.Timeout)
	}
	if !slices.Contains(o.Providers, "aws") && !slices.Contains(o.Providers, "ec2") {
		f.bad("providers", "does not hold aws, and only the metadata of EC2 instances are known; remove the processor")
	}
	return f.err()
}

func (o *AddCloudMetadata) names() []name { return nil }

func (o *AddCloudMetadata) changes() scope {
	return scopeOf("cloud.provider", "cloud.region", "cloud.account.id", "cloud.instance.id", "cloud.instance.name", "cloud.machine.type", "cloud.availability_zone", "cloud.image.id")
}

func (o *AddCloudMetadata) build(env *Env) (runner, error) {
	c := &cloudMetadata{overwrite: o.Overwrite}
	c.fetch = sync.OnceValue(func() *identityDocument {
		ctx, cancel := context.WithTimeout(context.Background(), o.Timeout)
		defer cancel()
		return fetchIdentity(ctx, env.MetadataURL, env.Logger)
	})
	return c, nil
}

// identityDocument is what EC2 says about an instance: /latest/dynamic/instance-identity/document.
type identityDocument struct {
	AccountID        string `json:"accountId"`
	Region           string `json:"region"`
	AvailabilityZone string `json:"availabilityZone"`
	InstanceID       string `json:"instanceId"`
	InstanceType     string `json:"instanceType"`
	ImageID          string `json:"imageId"`

	// name is the tag Name, where the instance shows its tags.
	name string
}

type cloudMetadata struct {
	fetch     func() *identityDocument // asked once, by the first document; nil: this is no instance
	overwrite bool
}

func (c *cloudMetadata) run(ev *ecs.Event) error {
	doc := c.fetch()
	if doc == nil {
		return nil
	}
	set := func(field *string, value string) {
		if value != "" && (*field == "" || c.overwrite) {
			*field = value
		}
	}
	cloud := &ev.Cloud
	set(&cloud.Provider, "aws")
	set(&cloud.Region, doc.Region)
	set(&cloud.Account.ID, doc.AccountID)
	set(&cloud.Instance.ID, doc.InstanceID)
	set(&cloud.Instance.Name, doc.name)
	set(&cloud.Machine.Type, doc.InstanceType)
	set(&cloud.AvailabilityZone, doc.AvailabilityZone)
	set(&cloud.Image.ID, doc.ImageID)
	return nil
}

// fetchIdentity asks the metadata service in its second version, with a token. Elsewhere than on EC2 nobody answers, which is no
// fault.
func fetchIdentity(ctx context.Context, url string, log *slog.Logger) *identityDocument {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // never by a proxy
	ask := func(method, path, header, value string) ([]byte, error) {
		req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(url, "/")+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set(header, value)
		res, err := client.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s %s answers %s", method, path, res.Status)
		}
		return body, err
	}
	token, err := ask(http.MethodPut, "/latest/api/token", "X-aws-ec2-metadata-token-ttl-seconds", "60")
	var doc identityDocument
	if err == nil {
		var body []byte
		body, err = ask(http.MethodGet, "/latest/dynamic/instance-identity/document", "X-aws-ec2-metadata-token", string(token))
		if err == nil {
			err = json.Unmarshal(body, &doc)
		}
	}
	if err != nil {
		log.Info("no metadata of an EC2 instance, documents get none", "error.message", err)
		return nil
	}
	// Tags are there where the instance was told to show them (InstanceMetadataTags), else the answer is 404.
	if tag, err := ask(http.MethodGet, "/latest/meta-data/tags/instance/Name", "X-aws-ec2-metadata-token", string(token)); err == nil {
		doc.name = string(tag)
	}
	return &doc
}
