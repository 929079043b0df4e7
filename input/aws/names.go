package aws

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// Partition is the part of AWS that a region belongs to: "aws" for all that is not known to be elsewhere.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "aws-iso-e"
	case strings.HasPrefix(region, "us-isof-"):
		return "aws-iso-f"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}

// Domain is that of the endpoints of a region.
func Domain(region string) string {
	switch Partition(region) {
	case "aws-cn":
		return "amazonaws.com.cn"
	case "aws-iso":
		return "c2s.ic.gov"
	case "aws-iso-b":
		return "sc2s.sgov.gov"
	case "aws-iso-e":
		return "cloud.adc-e.uk"
	case "aws-iso-f":
		return "csp.hci.ic.gov"
	case "aws-eusc":
		return "amazonaws.eu"
	}
	return "amazonaws.com"
}

// BucketARN makes the ARN of a bucket.
func BucketARN(region, bucket string) string {
	return "arn:" + Partition(region) + ":s3:::" + bucket
}

// Bucket is what an option names: a bucket or an access point.
type Bucket struct {
	// Name is what calls take as the bucket: its name, or the ARN of the access point.
	Name string
	// ARN as it was given.
	ARN string
	// Region is that of an access point; the ARN of a bucket has none.
	Region string
	// AccessPoint says that it is one.
	AccessPoint bool
}

// ParseBucketARN takes the ARN of a bucket apart: arn:aws:s3:::NAME.
func ParseBucketARN(text string) (Bucket, error) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "s3" || a.Resource == "" || strings.ContainsAny(a.Resource, "/:") {
		return Bucket{}, fmt.Errorf("must be the ARN of a bucket such as arn:aws:s3:::my-trail, is %q", text)
	}
	return Bucket{Name: a.Resource, ARN: text, Region: a.Region}, nil
}

// ParseAccessPointARN takes the ARN of an access point apart: arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME.
func ParseAccessPointARN(text string) (Bucket, error) {
	a, err := arn.Parse(text)
	name, ok := strings.CutPrefix(a.Resource, "accesspoint/")
	if err != nil || !ok || name == "" || a.Service != "s3" {
		return Bucket{}, fmt.Errorf("must be the ARN of an access point such as arn:aws:s3:eu-west-1:123456789012:accesspoint/NAME, is %q", text)
	}
	return Bucket{Name: text, ARN: text, Region: a.Region, AccessPoint: true}, nil
}

// LogGroup is what the ARN of a log group says.
type LogGroup struct {
	Name, Region, AccountID, Partition string
	// ARN without the ":*" that the console puts behind it.
	ARN string
}

// ParseLogGroupARN takes the ARN of a log group apart: arn:aws:logs:REGION:ACCOUNT:log-group:NAME, with or without ":*".
func ParseLogGroupARN(text string) (LogGroup, error) {
	trimmed := strings.TrimSuffix(text, ":*")
	a, err := arn.Parse(trimmed)
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	if err != nil || !ok || a.Service != "logs" || a.Region == "" || name == "" || strings.Contains(name, ":") {
		return LogGroup{}, fmt.Errorf("must be the ARN of a log group such as arn:aws:logs:eu-west-1:123456789012:log-group:NAME, is %q", text)
	}
	return LogGroup{Name: name, Region: a.Region, AccountID: a.AccountID, Partition: a.Partition, ARN: trimmed}, nil
}

// Queue is what the URL of a queue says.
type Queue struct {
	URL, Name, AccountID string
	// Region is empty where the URL does not name one.
	Region string
	// Endpoint is where a queue that is not on AWS is spoken to; empty for AWS.
	Endpoint string
}

var (
	queueHost    = lazyregexp.New(`^(?:sqs|sqs-fips)\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov|amazonaws\.eu|api\.aws|api\.amazonwebservices\.com\.cn)$`)
	oldQueueHost = lazyregexp.New(`^(?:([a-z0-9-]+)\.)?queue\.amazonaws\.com$`)
	vpcQueueHost = lazyregexp.New(`^vpce-[a-z0-9-]+\.sqs\.([a-z0-9-]+)\.vpce\.amazonaws\.com`)
	otherHost    = lazyregexp.New(`^sqs\.([a-z]{2,4}(?:-[a-z]+)+-\d+)\.`)
)

// ParseQueueURL takes the URL of a queue apart: https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, and those of other servers
// such as http://127.0.0.1:4566/000000000000/NAME.
func ParseQueueURL(text string) (Queue, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return Queue{}, fmt.Errorf("must be the URL of a queue such as https://sqs.eu-west-1.amazonaws.com/123456789012/NAME, is %q", redactedURL(u, text))
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	q := Queue{URL: text, Name: parts[len(parts)-1]}
	if len(parts) > 1 {
		q.AccountID = parts[len(parts)-2]
	}
	if q.Name == "" {
		return Queue{}, fmt.Errorf("must end in the name of the queue, is %q", text)
	}
	host := strings.ToLower(u.Hostname())
	if m := queueHost().FindStringSubmatch(host); m != nil {
		q.Region = m[1]
	} else if m := oldQueueHost().FindStringSubmatch(host); m != nil {
		if q.Region = m[1]; q.Region == "" {
			q.Region = "us-east-1"
		}
	} else {
		q.Endpoint = u.Scheme + "://" + u.Host
		if m := vpcQueueHost().FindStringSubmatch(host); m != nil {
			q.Region = m[1]
		} else if m := otherHost().FindStringSubmatch(host); m != nil {
			q.Region = m[1]
		}
	}
	return q, nil
}

// redactedURL hides what stands before an @.
func redactedURL(u *url.URL, text string) string {
	if u != nil && u.User != nil {
		return u.Redacted()
	}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		return "..." + text[i:]
	}
	return text
}

// ARN of the queue. region is used where the URL does not name one.
func (q Queue) ARN(region string) string {
	if q.Region != "" {
		region = q.Region
	}
	return "arn:" + Partition(region) + ":sqs:" + region + ":" + q.AccountID + ":" + q.Name
}

// ObjectURL is the address of an S3 object as AWS writes it, or below another endpoint where one is given. pathStyle puts
// the bucket into the path.
func ObjectURL(endpoint, region, bucket, key string, pathStyle bool) string {
	if a, err := arn.Parse(bucket); err == nil {
		name := strings.TrimPrefix(a.Resource, "accesspoint/")
		return "https://" + name + "-" + a.AccountID + ".s3-accesspoint." + a.Region + "." + Domain(a.Region) + "/" + escapeKey(key)
	}
	if endpoint == "" {
		endpoint = "https://s3." + region + "." + Domain(region)
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	if pathStyle || byPath(u) || strings.Contains(bucket, ".") {
		return u.Scheme + "://" + u.Host + "/" + bucket + "/" + escapeKey(key)
	}
	return u.Scheme + "://" + bucket + "." + u.Host + "/" + escapeKey(key)
}

// byPath says that a bucket cannot be a part of the host name.
func byPath(u *url.URL) bool {
	return net.ParseIP(u.Hostname()) != nil || !strings.Contains(u.Hostname(), ".")
}

func escapeKey(key string) string {
	return strings.TrimPrefix((&url.URL{Path: "/" + key}).EscapedPath(), "/")
}
