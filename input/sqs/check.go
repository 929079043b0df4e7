package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
	"github.com/trailbeat/trailbeat/input/sqs/notice"
)

// Step is one thing that Check looked at.
type Step = aws.Step

// Statement is a right that the input needs.
type Statement = aws.Statement

// Policy gives the least rights for these options. The buckets are those that messages will name, which the options do not
// know: buckets are their ARNs, and without any all buckets are allowed. The KMS key of a bucket is not known either: kms:Decrypt is
// given for whatever key S3 uses on behalf of the input.
func (c Config) Policy(buckets ...string) ([]Statement, error) {
	q, err := aws.ParseQueueURL(c.QueueURL)
	if err != nil {
		return nil, fmt.Errorf("queue_url: %w", err)
	}
	region := c.AWS.Region
	for _, next := range []string{q.Region, c.AWS.DefaultRegion, "us-east-1"} {
		if region == "" {
			region = next
		}
	}
	partition := aws.Partition(region)
	var objects []string
	for _, b := range buckets {
		objects = append(objects, strings.TrimSuffix(b, "/*")+"/*")
	}
	if len(objects) == 0 {
		objects = []string{"arn:" + partition + ":s3:::*/*"}
	}
	list := []Statement{
		{
			Actions:   []string{"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
			Resources: []string{q.ARN(region)},
		},
		{Actions: []string{"s3:GetObject"}, Resources: objects},
		{
			Actions: []string{"kms:Decrypt"}, Resources: []string{"arn:" + partition + ":kms:*:*:key/*"},
			Condition: map[string]map[string][]string{"StringLike": {"kms:ViaService": {"s3.*", "sqs.*"}}},
		},
	}
	return append(list, c.AWS.RoleStatements()...), nil
}

// errCheck goes to the ack of what Check reads, which nobody delivers.
var errCheck = errors.New("read for a check only")

// Check goes the way from here to a record: who the credentials belong to, what the queue is, one message, one object. It deletes
// nothing (the right to is asked for with a handle of no message); the messages that it receives, ten at most, are released at once, and have one receive more. An empty queue is no fault. Each
// step goes to report as soon as it is known. It must not run together with Read.
func (in *Input) Check(ctx context.Context, report func(Step)) {
	if in.queue.Endpoint != "" && in.cfg.AWS.Endpoint == "" {
		report(Step{Name: "identity", Skipped: true, Detail: "another server than that of AWS does not tell"})
	} else {
		account, arn, err := in.session.Identity(ctx)
		report(Step{Name: "identity", Detail: arn + " of account " + account, Err: err})
	}
	if in.checkQueue(ctx, report) != nil {
		return
	}
	in.checkDelete(ctx, report)
	n, ok := in.checkMessage(ctx, report)
	if !ok {
		return
	}
	in.checkObject(ctx, n, report)
}

func (in *Input) checkQueue(ctx context.Context, report func(Step)) error {
	const name = "queue attributes"
	out, err := in.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &in.cfg.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		err = in.call("asking for the attributes of queue", "sqs:GetQueueAttributes").Explain(err)
		report(Step{Name: name, Err: err})
		if aws.ClassOf(err) == aws.ClassAccessDenied {
			return nil // one can receive without it
		}
		return err
	}
	a := out.Attributes
	detail := "about " + a["ApproximateNumberOfMessages"] + " messages wait"
	var redrive struct {
		Target string      `json:"deadLetterTargetArn"`
		Count  json.Number `json:"maxReceiveCount"`
	}
	switch {
	case json.Unmarshal([]byte(a["RedrivePolicy"]), &redrive) == nil && redrive.Target != "":
		detail += ", what fails " + redrive.Count.String() + " times goes to " + redrive.Target
	default:
		detail += "; there is no redrive policy, so what cannot be read comes again until it is too old: give the queue one"
	}
	if key := a["KmsMasterKeyId"]; key != "" {
		detail += "; encrypted with " + key
	}
	report(Step{Name: name, Detail: detail})
	return nil
}

// noHandle is of no message.
const noHandle = "trailbeat-test-input"

// checkDelete asks for the deletion of a message that never was: SQS looks at the rights before it looks at the handle.
func (in *Input) checkDelete(ctx context.Context, report func(Step)) {
	const name = "right to delete"
	_, err := in.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &in.cfg.QueueURL, ReceiptHandle: awssdk.String(noHandle)})
	if err == nil || slices.Contains(unknownHandle, aws.CodeOf(err)) {
		report(Step{Name: name, Detail: "tried with a handle of no message"})
		return
	}
	report(Step{Name: name, Err: in.call("deleting from queue", "sqs:DeleteMessage").Explain(err)})
}

// unknownHandle are the names under which SQS says that a handle is none.
var unknownHandle = []string{"ReceiptHandleIsInvalid", "InvalidParameterValue", "InvalidIdFormat"}

// checkMessage receives and releases one message.
func (in *Input) checkMessage(ctx context.Context, report func(Step)) (notice.Notice, bool) {
	const receive, release, understand = "receive one message", "release it", "understand it"
	skip := func(why string, names ...string) {
		for _, name := range names {
			report(Step{Name: name, Skipped: true, Detail: why})
		}
	}
	out, err := in.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &in.cfg.QueueURL, MaxNumberOfMessages: perCall, WaitTimeSeconds: 2, VisibilityTimeout: 30,
	})
	if err != nil {
		report(Step{Name: receive, Err: in.call("receiving a message of queue", "sqs:ReceiveMessage").Explain(err)})
		return notice.Notice{}, false
	}
	if len(out.Messages) == 0 {
		const why = "the queue is empty"
		report(Step{Name: receive, Detail: why})
		skip(why, release, understand, readOne, decodeOne)
		return notice.Notice{}, false
	}
	n, m := in.telling(out.Messages)
	report(Step{Name: receive, Detail: "message " + awssdk.ToString(m.MessageId)})
	var failed error
	for _, one := range out.Messages {
		_, err := in.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &in.cfg.QueueURL, ReceiptHandle: one.ReceiptHandle})
		if err != nil {
			failed = err
		}
	}
	report(Step{Name: release, Detail: "it comes again at once", Err: in.call("releasing a message of queue", "sqs:ChangeMessageVisibility").Explain(failed)})
	if n == nil {
		_, err := notice.Parse(awssdk.ToString(m.Body))
		report(Step{Name: understand, Err: err})
		skip("the message names none", readOne, decodeOne)
		return notice.Notice{}, false
	}
	report(Step{Name: understand, Detail: fmt.Sprintf("it names %d objects and holds %d records", len(n.Objects), len(n.Records))})
	return *n, true
}

// telling gives the message that says most: one that names objects or holds records, before one that says nothing, before
// one that is not understood, which comes without a notice.
func (in *Input) telling(messages []types.Message) (*notice.Notice, types.Message) {
	var empty *notice.Notice
	best := messages[0]
	for _, m := range messages {
		n, err := notice.Parse(awssdk.ToString(m.Body))
		switch {
		case err != nil:
		case len(n.Objects)+len(n.Records) > 0:
			return &n, m
		case empty == nil:
			empty, best = &n, m
		}
	}
	return empty, best
}

const readOne, decodeOne = "read one object", "decode one record"

// checkObject reads the first object that a message names.
func (in *Input) checkObject(ctx context.Context, n notice.Notice, report func(Step)) {
	for _, ref := range n.Objects {
		if in.reader.Kind(ref.Key) == s3object.Ignored {
			continue
		}
		if ref.Region == "" {
			ref.Region = in.region()
		}
		ref := s3object.Ref(ref)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		o, err := in.reader.Open(ctx, ref, func(error) {})
		if err != nil {
			report(Step{Name: readOne, Err: err})
			report(Step{Name: decodeOne, Skipped: true, Detail: "no object could be read"})
			return
		}
		defer o.Close()
		info := o.Info()
		report(Step{Name: readOne, Detail: fmt.Sprintf("%s, %d bytes, in %s", ref, info.Size, info.Region)})
		b, err := o.Next()
		switch {
		case err == io.EOF: //nolint:errorlint // a wrapped one is a broken connection, not the end of the object
			report(Step{Name: decodeOne, Skipped: true, Detail: "the object is empty"})
		case err != nil:
			report(Step{Name: decodeOne, Err: err})
		default:
			report(describe(b.Records[0].Raw))
			b.Ack(errCheck)
		}
		return
	}
	report(Step{Name: readOne, Skipped: true, Detail: "the message names none that is chosen"})
	if len(n.Records) > 0 {
		report(describe(n.Records[0]))
		return
	}
	report(Step{Name: decodeOne, Skipped: true, Detail: "the message holds none"})
}

// describe decodes a record as far as a person wants to know.
func describe(raw []byte) Step {
	var r struct {
		EventTime, EventSource, EventName, EventCategory string
		DigestEndTime                                    string
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return Step{Name: decodeOne, Err: fmt.Errorf("decoding a record: %w; is it a log file of CloudTrail?", err)}
	}
	switch {
	case r.DigestEndTime != "":
		return Step{Name: decodeOne, Detail: "a digest file of " + r.DigestEndTime}
	case r.EventTime == "" && r.EventCategory == "":
		return Step{Name: decodeOne, Err: errors.New("decoding a record: it has neither eventTime nor eventCategory; is it a log file of CloudTrail?")}
	}
	return Step{Name: decodeOne, Detail: strings.TrimSpace(r.EventTime + " " + r.EventSource + " " + r.EventName)}
}
