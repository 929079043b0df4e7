// Package awstest is a small S3 and SQS in memory, spoken to over the wire protocol, for tests of the AWS inputs.
//
// It knows what the inputs call: GetObject with ranges and conditions, HeadObject, HeadBucket, ListObjectsV2, PutObject with conditions,
// DeleteObject and RestoreObject, and the queue with long polls, visibility timeouts and receive counts. Server.History adds the event history
// of CloudTrail, by region, with its quota. Other services are added with Handle. Faults are put into single calls with Hook. Server.Client carries
// calls without a network, so that tests can run under testing/synctest; the Server is an http.Handler as well.
package awstest
