package s3

import (
	"context"
	"net/url"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// bucketAPI is what the input asks of a bucket. Its errors say how they are mended.
type bucketAPI interface {
	List(ctx context.Context, l listing) (page, error)
	// Head gives the entry of one object.
	Head(ctx context.Context, key string) (object, error)
	// Copy copies an object, if its ETag is still that.
	Copy(ctx context.Context, key, etag, bucket, newKey string) error
	Delete(ctx context.Context, key string) error
}

// listing is one call. Token goes on where a page ended, and StartAfter is not looked at then.
type listing struct {
	Prefix, Delimiter, StartAfter, Token string
	// Max is the most keys of the page; 0 means 1000.
	Max int32
}

// page is its answer.
type page struct {
	Objects  []object
	Prefixes []string
	// Next is the token of the next page, empty after the last.
	Next string
	// At is the time of the server; zero where it does not say.
	At time.Time
}

// objectReader reads objects.
type objectReader interface {
	Open(ctx context.Context, key string, done func(error)) (objectStream, error)
	// Wanted says by its key whether an object is read.
	Wanted(key string) bool
	Stats() *s3object.Stats
}

// objectStream is one object that is being read.
type objectStream interface {
	Next() (*input.Batch, error)
	Failed() bool
	Info() s3object.Info
	Close()
}

// bucketClient is the bucketAPI of a real bucket.
type bucketClient struct {
	session *aws.Session
	bucket  aws.Bucket
}

func (c *bucketClient) call(doing, action, key string) aws.Call {
	call := aws.Call{Doing: doing, Target: "s3://" + c.bucket.Name, Action: action, Resource: c.arn()}
	if key != "" {
		call.Target += "/" + key
		call.Resource = c.objectARN(key)
	}
	return call
}

func (c *bucketClient) arn() string {
	if c.bucket.AccessPoint {
		return c.bucket.ARN
	}
	return aws.BucketARN(c.session.BucketRegion(c.bucket.Name, c.bucket.Region), c.bucket.Name)
}

func (c *bucketClient) objectARN(key string) string {
	if c.bucket.AccessPoint {
		return c.bucket.ARN + "/object/" + key
	}
	return c.arn() + "/" + key
}

func (c *bucketClient) do(ctx context.Context, call aws.Call, fn func(client *sdk.Client) error) error {
	err := c.session.InBucketRegion(ctx, c.bucket.Name, c.bucket.Region, func(client *sdk.Client, _ string) error { return fn(client) })
	return call.Explain(err)
}

func (c *bucketClient) List(ctx context.Context, l listing) (page, error) {
	in := &sdk.ListObjectsV2Input{Bucket: &c.bucket.Name, Prefix: optional(l.Prefix), Delimiter: optional(l.Delimiter)}
	if l.Max > 0 {
		in.MaxKeys = &l.Max
	}
	if l.Token != "" {
		in.ContinuationToken = &l.Token
	} else {
		in.StartAfter = optional(l.StartAfter)
	}
	var p page
	call := c.call("listing", "s3:ListBucket", "")
	call.Target += "/" + l.Prefix
	err := c.do(ctx, call, func(client *sdk.Client) error {
		out, err := client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		p = page{Objects: make([]object, len(out.Contents))}
		for i, o := range out.Contents {
			p.Objects[i] = object{
				Key: awssdk.ToString(o.Key), ETag: awssdk.ToString(o.ETag), Size: awssdk.ToInt64(o.Size), Modified: awssdk.ToTime(o.LastModified),
				Class: string(o.StorageClass),
			}
		}
		for _, prefix := range out.CommonPrefixes {
			p.Prefixes = append(p.Prefixes, awssdk.ToString(prefix.Prefix))
		}
		if awssdk.ToBool(out.IsTruncated) {
			p.Next = awssdk.ToString(out.NextContinuationToken)
		}
		p.At, _ = awsmiddleware.GetServerTime(out.ResultMetadata)
		return nil
	})
	return p, err
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (c *bucketClient) Head(ctx context.Context, key string) (object, error) {
	o := object{Key: key}
	err := c.do(ctx, c.call("looking at object", "s3:GetObject", key), func(client *sdk.Client) error {
		out, err := client.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &c.bucket.Name, Key: &key})
		if err != nil {
			return err
		}
		o.ETag, o.Size, o.Modified = awssdk.ToString(out.ETag), awssdk.ToInt64(out.ContentLength), awssdk.ToTime(out.LastModified)
		return nil
	})
	return o, err
}

func (c *bucketClient) Copy(ctx context.Context, key, etag, bucket, newKey string) error {
	source := c.bucket.Name + "/" + key
	if c.bucket.AccessPoint {
		source = c.bucket.ARN + "/object/" + key
	}
	source = (&url.URL{Path: source}).EscapedPath()
	in := &sdk.CopyObjectInput{Bucket: &bucket, Key: &newKey, CopySource: &source, CopySourceIfMatch: optional(etag)}
	call := c.call("copying object", "s3:PutObject", key)
	call.Resource = aws.BucketARN(c.session.BucketRegion(c.bucket.Name, c.bucket.Region), bucket) + "/" + newKey
	// The call goes to the bucket of the copy, which may be in another region.
	err := c.session.InBucketRegion(ctx, bucket, c.bucket.Region, func(client *sdk.Client, _ string) error {
		_, err := client.CopyObject(ctx, in)
		return err
	})
	return call.Explain(err)
}

func (c *bucketClient) Delete(ctx context.Context, key string) error {
	return c.do(ctx, c.call("deleting object", "s3:DeleteObject", key), func(client *sdk.Client) error {
		_, err := client.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: &c.bucket.Name, Key: &key})
		return err
	})
}

// reader is the objectReader of a real bucket.
type reader struct {
	*s3object.Reader
	bucket aws.Bucket
}

func (r reader) Open(ctx context.Context, key string, done func(error)) (objectStream, error) {
	o, err := r.Reader.Open(ctx, s3object.Ref{Bucket: r.bucket.Name, Key: key, Region: r.bucket.Region}, done)
	if err != nil {
		return nil, err // a nil *Object in the interface would not be nil
	}
	return o, nil
}

func (r reader) Wanted(key string) bool { return r.Kind(key) != s3object.Ignored }
