package sqs

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/s3object"
)

const (
	trailKey  = "AWSLogs/o-abc123/123456789012/CloudTrail/eu-west-1/2024/05/06/123456789012_CloudTrail_eu-west-1_20240506T0710Z_abcdefghijklmnop.json.gz"
	oddKey    = "a+b c=d&e/ü.json"
	oddCoded  = "a%2Bb+c%3Dd%26e/%C3%BC.json"
	oneRecord = `{"eventVersion":"1.08", "eventTime":"2024-05-06T07:00:00Z","eventID":"e-1","eventType":"AwsApiCall","eventSource":"iam.amazonaws.com","eventName":"GetUser","awsRegion":"us-west-2","requestParameters":{"Type":1,"records":[]}}`
	insight   = `{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","eventCategory":"Insight","sharedEventID":"s-1","awsRegion":"us-west-2"}`
)

func quoted(text string) string {
	b, _ := json.Marshal(text)
	return string(b)
}

func s3Body(name, bucket, key string) string {
	return `{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2024-05-06T07:10:00.000Z","eventName":` + quoted(name) +
		`,"s3":{"s3SchemaVersion":"1.0","bucket":{"name":` + quoted(bucket) + `,"arn":"arn:aws:s3:::trail"},"object":{"key":` + quoted(key) + `,"size":12,"eTag":"abc"}}}`
}

func notification(events ...string) string { return `{"Records":[` + strings.Join(events, ",") + `]}` }

func inSNS(message string) string {
	return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:123456789012:t","Message":` + quoted(message) + `,"Timestamp":"2024-05-06T07:10:00.000Z"}`
}

func bridge(detailType, source, detail string) string {
	return `{"version":"0","id":"i","detail-type":` + quoted(detailType) + `,"source":` + quoted(source) +
		`,"account":"123456789012","time":"2024-05-06T07:10:00Z","region":"eu-west-1","resources":[],"detail":` + detail + `}`
}

func TestNotices(t *testing.T) {
	plain := notification(s3Body("ObjectCreated:Put", "trail", trailKey))
	object := []s3object.Ref{{Bucket: "trail", Key: trailKey, Region: "eu-west-1"}}
	own := `{"s3Bucket":"trail","s3ObjectKey":[` + quoted(trailKey) + `,"second+key"]}`
	ownObjects := []s3object.Ref{{Bucket: "trail", Key: trailKey}, {Bucket: "trail", Key: "second+key"}}
	for name, test := range map[string]struct {
		body string
		want notice
	}{
		"S3":                      {plain, notice{objects: object}},
		"S3 with a mark in front": {"\ufeff\n" + plain, notice{objects: object}},
		"S3, encoded":             {notification(s3Body("ObjectCreated:CompleteMultipartUpload", "trail", oddCoded)), notice{objects: []s3object.Ref{{Bucket: "trail", Key: oddKey, Region: "eu-west-1"}}}},
		"S3, several":             {notification(s3Body("s3:ObjectCreated:Put", "trail", "1"), s3Body("ObjectCreated:Copy", "other", "2")), notice{objects: []s3object.Ref{{Bucket: "trail", Key: "1", Region: "eu-west-1"}, {Bucket: "other", Key: "2", Region: "eu-west-1"}}}},
		"S3, removed":             {notification(s3Body("ObjectRemoved:Delete", "trail", "1"), s3Body("ObjectCreated:Put", "trail", trailKey)), notice{objects: object, skipped: []string{"aws:s3 ObjectRemoved:Delete"}}},
		"another source":          {`{"Records":[{"eventSource":"aws:ses","eventName":"x"}]}`, notice{skipped: []string{"aws:ses x"}}},
		"SNS":                     {inSNS(plain), notice{objects: object}},
		"EventBridge": {bridge("Object Created", "aws.s3", `{"version":"0","bucket":{"name":"trail"},"object":{"key":`+quoted(oddKey)+`,"size":1}}`),
			notice{objects: []s3object.Ref{{Bucket: "trail", Key: oddKey, Region: "eu-west-1"}}}},
		"EventBridge in SNS":      {inSNS(bridge("Object Created", "aws.s3", `{"bucket":{"name":"trail"},"object":{"key":"k%2B"}}`)), notice{objects: []s3object.Ref{{Bucket: "trail", Key: "k%2B", Region: "eu-west-1"}}}},
		"EventBridge, deleted":    {bridge("Object Deleted", "aws.s3", `{}`), notice{skipped: []string{"EventBridge Object Deleted"}}},
		"CloudTrail":              {own, notice{objects: ownObjects}},
		"CloudTrail in SNS":       {inSNS(own), notice{objects: ownObjects}},
		"CloudTrail, one string":  {`{"s3Bucket":"trail","s3ObjectKey":"k"}`, notice{objects: []s3object.Ref{{Bucket: "trail", Key: "k"}}}},
		"S3's test":               {`{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-05-06T07:10:00.000Z","Bucket":"trail"}`, notice{}},
		"S3's test in SNS":        {inSNS(`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"trail"}`), notice{}},
		"CloudTrail's test":       {"CloudTrail validation message.", notice{}},
		"CloudTrail's test, SNS":  {inSNS("CloudTrail validation message."), notice{}},
		"an API call":             {bridge("AWS API Call via CloudTrail", "aws.iam", oneRecord), notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "eu-west-1"}},
		"a sign-in":               {bridge("AWS Console Sign In via CloudTrail", "aws.signin", oneRecord), notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "eu-west-1"}},
		"a service event":         {bridge("AWS Service Event via CloudTrail", "aws.kms", oneRecord), notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "eu-west-1"}},
		"a console action":        {bridge("AWS Console Action via CloudTrail", "aws.x", oneRecord), notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "eu-west-1"}},
		"an insight":              {bridge("AWS Insight via CloudTrail", "aws.cloudtrail", insight), notice{records: []json.RawMessage{[]byte(insight)}, region: "eu-west-1"}},
		"an API call in SNS":      {inSNS(bridge("AWS API Call via CloudTrail", "aws.iam", oneRecord)), notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "eu-west-1"}},
		"a record":                {oneRecord, notice{records: []json.RawMessage{[]byte(oneRecord)}, region: "us-west-2"}},
		"an insight record":       {insight, notice{records: []json.RawMessage{[]byte(insight)}, region: "us-west-2"}},
		"records":                 {`{"Records":[` + oneRecord + `, ` + insight + `]}`, notice{records: []json.RawMessage{[]byte(oneRecord), []byte(insight)}, region: "us-west-2"}},
		"no records":              {`{"Records":[]}`, notice{}},
		"records and an S3 event": {notification(oneRecord, s3Body("ObjectCreated:Put", "trail", trailKey)), notice{objects: object, records: []json.RawMessage{[]byte(oneRecord)}, region: "us-west-2"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse(test.body)
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
		`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put"}]}`: "S3 event without bucket and key",
		notification(s3Body("ObjectCreated:Put", "trail", "%zz")):                "S3 event with a key that is not encoded as it should",
		inSNS("hello"):                      "SNS with no JSON object",
		inSNS(inSNS(inSNS(inSNS("hello")))): "SNS with SNS envelopes within each other",
		`{"Type":"SubscriptionConfirmation","TopicArn":"arn:aws:sns:x","Message":"Please"}`: "SNS SubscriptionConfirmation",
		bridge("EC2 Instance State-change Notification", "aws.ec2", `{}`):                   `EventBridge "EC2 Instance State-change Notification" of "aws.ec2"`,
		bridge("AWS API Call via CloudTrail", "aws.iam", `"x"`):                             `EventBridge "AWS API Call via CloudTrail" without a record`,
		bridge("Object Created", "aws.s3", `{"bucket":{"name":"b"}}`):                       `EventBridge "Object Created" without bucket and key`,
		`{"s3Bucket":"b","s3ObjectKey":[1]}`:                                                "a JSON object with members of other types: s3ObjectKey is a number",
	} {
		_, err := parse(body)
		unknown := new(unknownError)
		require.True(t, errors.As(err, &unknown), body)
		assert.Equal(t, kind, unknown.kind, body)
		assert.NotContains(t, err.Error(), "secret")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{oneRecord, inSNS(oneRecord), notification(s3Body("ObjectCreated:Put", "b", "k")), bridge("x", "y", "{}"), "{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		n, err := parse(body)
		if err != nil {
			assert.IsType(t, &unknownError{}, err)
		}
		for _, r := range n.records {
			assert.True(t, json.Valid(r))
		}
		for _, o := range n.objects {
			assert.NotEmpty(t, o.Bucket)
		}
	})
}
