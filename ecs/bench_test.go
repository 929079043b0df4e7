package ecs

import (
	"strings"
	"testing"
)

// typical is an event as the mapping makes it of an S3 call by a role: forty fields, 1.2 KB of event.original.
func typical() *Event {
	e := &Event{Timestamp: "2024-01-31T10:20:30.000Z", Tags: []string{"forwarded", "aws-cloudtrail"}}
	arn := "arn:aws:sts::123456789012:assumed-role/Application/i-0123456789abcdef0"
	params := `{bucketName=example-bucket, Host=example-bucket.s3.eu-central-1.amazonaws.com, key=some/object/key}`
	object := RawJSON(`{"bucketName":"example-bucket","Host":"example-bucket.s3.eu-central-1.amazonaws.com","key":"some/object/key"}`)
	e.Actor.Entity.ID = []string{arn}
	c := &e.AWS.CloudTrail
	c.EventVersion, c.EventCategory, c.EventType, c.RequestID = "1.08", "Data", "AwsApiCall", "1234567890ABCDEF"
	c.RecipientAccountID, c.ManagementEvent, c.ReadOnly = "123456789012", "false", True
	c.RequestParameters, c.AdditionalEventData = params, params
	c.Flattened.RequestParameters, c.Flattened.AdditionalEventData = object, object
	c.Resources = []AWSCloudTrailResources{{ARN: "arn:aws:s3:::example-bucket", AccountID: "123456789012", Type: "AWS::S3::Bucket"}}
	c.UserIdentity.Type, c.UserIdentity.ARN, c.UserIdentity.AccessKeyID = "AssumedRole", arn, "ASIAEXAMPLE"
	c.UserIdentity.SessionContext.SessionIssuer.ARN = "arn:aws:iam::123456789012:role/Application"
	c.UserIdentity.SessionContext.CreationDate = "2024-01-31T10:00:00.000Z"
	e.Cloud.Account.ID, e.Cloud.Provider, e.Cloud.Region, e.Cloud.Service.Name = "123456789012", "aws", "eu-central-1", "s3"
	e.ECS.Version = "8.11.0"
	e.Event.Action, e.Event.Provider, e.Event.Kind, e.Event.Outcome = "GetObject", "s3.amazonaws.com", "event", "success"
	e.Event.ID, e.Event.Created = "0f3b7c1a-0000-4000-8000-123456789012", "2024-01-31T10:25:00.000Z"
	e.Event.Category, e.Event.Type = []string{"file"}, []string{"info"}
	e.Event.Original = strings.Repeat(`{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"`+arn+`"},"eventName":"GetObject"},`, 10)
	e.Related.Entity, e.Related.User, e.Related.IP = []string{arn, "ASIAEXAMPLE"}, []string{"i-0123456789abcdef0", "Application"}, []string{"192.0.2.1"}
	e.Source.Address, e.Source.IP = "192.0.2.1", "192.0.2.1"
	e.TLS.Cipher, e.TLS.Version, e.TLS.VersionProtocol = "TLS_AES_128_GCM_SHA256", "1.3", "tls"
	e.User.Name, e.User.ID, e.User.Entity.ID = "Application", "AROAEXAMPLE:i-0123456789abcdef0", []string{arn}
	e.UserAgent.Name, e.UserAgent.Original, e.UserAgent.Device.Name = "Other", "[Boto3/1.34 md/Botocore#1.34 ua/2.0]", "Spider"
	return e
}

func BenchmarkAppendJSON(b *testing.B) {
	small := typical()
	small.Event.Original = ""
	for name, e := range map[string]*Event{"typical": typical(), "without original": small, "empty": {}, "all fields": filled(b)} {
		b.Run(name, func(b *testing.B) {
			buf := e.AppendJSON(nil)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = e.AppendJSON(buf[:0])
			}
		})
	}
}

func BenchmarkReset(b *testing.B) {
	e := filled(b)
	b.ReportAllocs()
	for b.Loop() {
		e.Reset()
	}
}

func BenchmarkGet(b *testing.B) {
	e := typical()
	b.ReportAllocs()
	for b.Loop() {
		e.Get("aws.cloudtrail.user_identity.arn")
	}
}
