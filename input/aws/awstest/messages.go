package awstest

import (
	"encoding/json"
	"strings"
)

// Record and Insight are CloudTrail records.
const (
	Record  = `{"eventVersion":"1.08", "eventTime":"2024-05-06T07:00:00Z","eventID":"e-1","eventType":"AwsApiCall","eventSource":"iam.amazonaws.com","eventName":"GetUser","awsRegion":"us-west-2","requestParameters":{"Type":1,"records":[]}}`
	Insight = `{"eventVersion":"1.07","eventType":"AwsCloudTrailInsight","eventCategory":"Insight","sharedEventID":"s-1","awsRegion":"us-west-2"}`
)

// Quoted gives a text as JSON.
func Quoted(text string) string {
	b, _ := json.Marshal(text) // a string is never an error
	return string(b)
}

// S3Event is one event of a notification of S3. The key is as S3 writes it: URL-encoded.
func S3Event(name, bucket, key string) string {
	return `{"eventVersion":"2.6","eventSource":"aws:s3","awsRegion":"eu-west-1","eventTime":"2024-05-06T07:10:00.000Z","eventName":` + Quoted(name) +
		`,"s3":{"s3SchemaVersion":"1.0","bucket":{"name":` + Quoted(bucket) + `,"arn":"arn:aws:s3:::trail"},"object":{"key":` + Quoted(key) + `,"size":12,"eTag":"abc"}}}`
}

// Notification is a message of S3 with these events.
func Notification(events ...string) string { return `{"Records":[` + strings.Join(events, ",") + `]}` }

// InSNS puts a message into the envelope of SNS.
func InSNS(message string) string {
	return `{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:123456789012:t","Message":` + Quoted(message) + `,"Timestamp":"2024-05-06T07:10:00.000Z"}`
}

// Bridge is an event of EventBridge. detail is JSON.
func Bridge(detailType, source, detail string) string {
	return `{"version":"0","id":"i","detail-type":` + Quoted(detailType) + `,"source":` + Quoted(source) +
		`,"account":"123456789012","time":"2024-05-06T07:10:00Z","region":"eu-west-1","resources":[],"detail":` + detail + `}`
}
