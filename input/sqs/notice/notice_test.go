package notice

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

const (
	trailKey = "AWSLogs/o-abc123/123456789012/CloudTrail/eu-west-1/2024/05/06/123456789012_CloudTrail_eu-west-1_20240506T0710Z_abcdefghijklmnop.json.gz"
	oddKey   = "a+b c=d&e/ü.json"
	oddCoded = "a%2Bb+c%3Dd%26e/%C3%BC.json"
)

func TestNotices(t *testing.T) {
	plain := awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", trailKey))
	object := []Object{{Bucket: "trail", Key: trailKey, Region: "eu-west-1"}}
	own := `{"s3Bucket":"trail","s3ObjectKey":[` + awstest.Quoted(trailKey) + `,"second+key"]}`
	ownObjects := []Object{{Bucket: "trail", Key: trailKey}, {Bucket: "trail", Key: "second+key"}}
	for name, test := range map[string]struct {
		body string
		want Notice
	}{
		"S3":                      {plain, Notice{Objects: object}},
		"S3 with a mark in front": {"\ufeff\n" + plain, Notice{Objects: object}},
		"S3, encoded":             {awstest.Notification(awstest.S3Event("ObjectCreated:CompleteMultipartUpload", "trail", oddCoded)), Notice{Objects: []Object{{Bucket: "trail", Key: oddKey, Region: "eu-west-1"}}}},
		"S3, several":             {awstest.Notification(awstest.S3Event("s3:ObjectCreated:Put", "trail", "1"), awstest.S3Event("ObjectCreated:Copy", "other", "2")), Notice{Objects: []Object{{Bucket: "trail", Key: "1", Region: "eu-west-1"}, {Bucket: "other", Key: "2", Region: "eu-west-1"}}}},
		"S3, removed":             {awstest.Notification(awstest.S3Event("ObjectRemoved:Delete", "trail", "1"), awstest.S3Event("ObjectCreated:Put", "trail", trailKey)), Notice{Objects: object, Skipped: []string{"aws:s3 ObjectRemoved:Delete"}}},
		"SNS":                     {awstest.InSNS(plain), Notice{Objects: object}},
		"EventBridge": {awstest.Bridge("Object Created", "aws.s3", `{"version":"0","bucket":{"name":"trail"},"object":{"key":`+awstest.Quoted(oddKey)+`,"size":1}}`),
			Notice{Objects: []Object{{Bucket: "trail", Key: oddKey, Region: "eu-west-1"}}}},
		"EventBridge in SNS":        {awstest.InSNS(awstest.Bridge("Object Created", "aws.s3", `{"bucket":{"name":"trail"},"object":{"key":"k%2B"}}`)), Notice{Objects: []Object{{Bucket: "trail", Key: "k%2B", Region: "eu-west-1"}}}},
		"EventBridge, deleted":      {awstest.Bridge("Object Deleted", "aws.s3", `{}`), Notice{Skipped: []string{"EventBridge Object Deleted"}}},
		"CloudTrail":                {own, Notice{Objects: ownObjects}},
		"CloudTrail in SNS":         {awstest.InSNS(own), Notice{Objects: ownObjects}},
		"CloudTrail, one string":    {`{"s3Bucket":"trail","s3ObjectKey":"k"}`, Notice{Objects: []Object{{Bucket: "trail", Key: "k"}}}},
		"a list of files":           {`{"bucket":"trail","timestamp":1,"files":[{"path":"a+b/1.gz","size":3},{"path":"2"}]}`, Notice{Objects: []Object{{Bucket: "trail", Key: "a+b/1.gz"}, {Bucket: "trail", Key: "2"}}}},
		"a list of files in SNS":    {awstest.InSNS(`{"bucket":"trail","files":[{"path":"2"}]}`), Notice{Objects: []Object{{Bucket: "trail", Key: "2"}}}},
		"S3's test":                 {`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-05-06T07:10:00.000Z","Bucket":"trail"}`, Notice{}},
		"S3's test in SNS":          {awstest.InSNS(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}`), Notice{}},
		"CloudTrail's test":         {"CloudTrail validation message.", Notice{}},
		"CloudTrail's test, SNS":    {awstest.InSNS("CloudTrail validation message."), Notice{}},
		"an API call":               {awstest.Bridge("AWS API Call via CloudTrail", "aws.iam", awstest.Record), Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "eu-west-1"}},
		"a sign-in":                 {awstest.Bridge("AWS Console Sign In via CloudTrail", "aws.signin", awstest.Record), Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "eu-west-1"}},
		"a service event":           {awstest.Bridge("AWS Service Event via CloudTrail", "aws.kms", awstest.Record), Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "eu-west-1"}},
		"a console action":          {awstest.Bridge("AWS Console Action via CloudTrail", "aws.x", awstest.Record), Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "eu-west-1"}},
		"an insight":                {awstest.Bridge("AWS Insight via CloudTrail", "aws.cloudtrail", awstest.Insight), Notice{Records: []json.RawMessage{[]byte(awstest.Insight)}, Region: "eu-west-1"}},
		"an API call in SNS":        {awstest.InSNS(awstest.Bridge("AWS API Call via CloudTrail", "aws.iam", awstest.Record)), Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "eu-west-1"}},
		"a record":                  {awstest.Record, Notice{Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "us-west-2"}},
		"an awstest.Insight record": {awstest.Insight, Notice{Records: []json.RawMessage{[]byte(awstest.Insight)}, Region: "us-west-2"}},
		"records":                   {`{"Records":[` + awstest.Record + `, ` + awstest.Insight + `]}`, Notice{Records: []json.RawMessage{[]byte(awstest.Record), []byte(awstest.Insight)}, Region: "us-west-2"}},
		"no records":                {`{"Records":[]}`, Notice{}},
		"records and an S3 event":   {awstest.Notification(awstest.Record, awstest.S3Event("ObjectCreated:Put", "trail", trailKey)), Notice{Objects: object, Records: []json.RawMessage{[]byte(awstest.Record)}, Region: "us-west-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Parse(test.body)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestUnknownBodies(t *testing.T) {
	for body, kind := range map[string]string{
		"":                   "no JSON object",
		"hello":              "no JSON object",
		`["a"]`:              "no JSON object",
		`{"Records":[`:       "broken JSON",
		`{}`:                 "a JSON object without Records",
		`{"secret":"value"}`: "a JSON object without Records",
		`{"Records":"x"}`:    "a JSON object with members of other types: Records is a string",
		`{"Records":[{}]}`:   "Records of another kind",
		`{"Records":[1]}`:    "Records of another kind",
		`{"Records":[{"eventSource":"aws:ses","eventName":"x"}]}`:                  "Records of aws:ses",
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}`:   "S3 event without bucket and key",
		awstest.Notification(awstest.S3Event("ObjectCreated:Put", "trail", "%zz")): "S3 event with a key that is not encoded as it should",
		awstest.InSNS("hello"): "SNS with no JSON object",
		awstest.InSNS(awstest.InSNS(awstest.InSNS(awstest.InSNS("hello")))):                 "SNS with SNS envelopes within each other",
		`{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:x","Message":"Please"}`: "SNS SubscriptionConfirmation",
		awstest.Bridge("EC2 Instance State-change Notification", "aws.ec2", `{}`):           `EventBridge "EC2 Instance State-change Notification" of "aws.ec2"`,
		awstest.Bridge("AWS API Call via CloudTrail", "aws.iam", `"x"`):                     `EventBridge "AWS API Call via CloudTrail" without a record`,
		awstest.Bridge("Object Created", "aws.s3", `{"bucket":{"name":"b"}}`):               `EventBridge "Object Created" without bucket and key`,
		`{"bucket":"b","files":[{"name":"k"}]}`:                                             "a list of files without bucket and paths",
		`{"bucket":{"name":"b"},"files":[{"path":"k"}]}`:                                    "a list of files without bucket and paths",
		`{"s3Bucket":"b","s3ObjectKey":[1]}`:                                                "a JSON object with members of other types: s3ObjectKey is a number",
	} {
		_, err := Parse(body)
		unknown := new(UnknownError)
		require.True(t, errors.As(err, &unknown), body)
		assert.Equal(t, kind, unknown.Kind, body)
		assert.NotContains(t, err.Error(), "secret")
	}
}

// The seeds are as short as they can be: what is interesting is minimised in a time that grows with the square of its length, and
// nothing new is tried meanwhile.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"eventVersion":1,"eventID":1,"eventName":1}`, `{"Records":[]}`, `{"Event":"s3:TestEvent"}`, ValidationMessage,
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:","s3":{"bucket":{"name":"b"},"object":{"key":"+%41"}}}]}`,
		`{"TopicArn":"t","Message":"{}"}`, `{"detail-type":"a via CloudTrail","detail":{"a":1}}`,
		`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"b"},"object":{"key":"k"}}}`,
		`{"s3Bucket":"b","s3ObjectKey":["k"]}`, `{"s3Bucket":"b","s3ObjectKey":"k"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		n, err := Parse(body)
		if unknown := new(UnknownError); err != nil && (!errors.As(err, &unknown) || unknown.Kind == "" || len(unknown.Kind) > 120+len("SNS with ")) {
			t.Errorf("%#v", err)
		}
		if err != nil && len(n.Objects)+len(n.Records)+len(n.Skipped) > 0 {
			t.Error("an error and something to read")
		}
		for _, r := range n.Records {
			if !json.Valid(r) {
				t.Errorf("a record is no JSON: %q", r)
			}
		}
		for _, o := range n.Objects {
			if o.Bucket == "" || o.Key == "" {
				t.Errorf("an object without a name: %#v", o)
			}
		}
	})
}
