package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3/lease"
)

// leaseObjects is the lease.Objects of a real bucket. S3 has had conditional writes since August 2024 (If-None-Match) and November 2024
// (If-Match), and reads and listings that show every write since December 2020.
type leaseObjects struct{ *bucketClient }

// maxLease bounds what is read of a lease.
const maxLease = 64 << 20

func (c leaseObjects) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	err = c.do(ctx, c.call("reading lease", "s3:GetObject", key), func(client *sdk.Client) (err error) {
		out, err := client.GetObject(ctx, &sdk.GetObjectInput{Bucket: &c.bucket.Name, Key: &key})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Body.Close()) }()
		etag = awssdk.ToString(out.ETag)
		if body, err = io.ReadAll(io.LimitReader(out.Body, maxLease+1)); err == nil && len(body) > maxLease {
			err = fmt.Errorf("it has more than %d bytes", maxLease)
		}
		return err
	})
	if aws.ClassOf(err) == aws.ClassNoKey {
		return nil, "", lease.ErrNone
	}
	return body, etag, err
}

func (c leaseObjects) Put(ctx context.Context, key string, body []byte, etag string) (newETag string, err error) {
	in := &sdk.PutObjectInput{Bucket: &c.bucket.Name, Key: &key, Body: bytes.NewReader(body), ContentType: awssdk.String("application/json")}
	if etag == "" {
		in.IfNoneMatch = awssdk.String("*")
	} else {
		in.IfMatch = &etag
	}
	err = c.do(ctx, c.call("writing lease", "s3:PutObject", key), func(client *sdk.Client) error {
		in.Body = bytes.NewReader(body) // for a call to another region
		out, err := client.PutObject(ctx, in)
		if err == nil {
			newETag = awssdk.ToString(out.ETag)
		}
		return err
	})
	var own *aws.Error
	switch {
	case err == nil && newETag == "":
		return "", fmt.Errorf("writing lease s3://%s/%s: the answer has no ETag, so this store is none for leases", c.bucket.Name, key)
	case errors.As(err, &own) && (own.Class == aws.ClassChanged || own.Class == aws.ClassNoKey || own.Code == "ConditionalRequestConflict"):
		return "", lease.ErrConflict
	}
	return newETag, err
}

func (c leaseObjects) List(ctx context.Context, prefix string) (list []lease.Item, err error) {
	for l := (listing{Prefix: prefix}); ; {
		p, err := c.bucketClient.List(ctx, l)
		if err != nil {
			return nil, err
		}
		for _, o := range p.Objects {
			list = append(list, lease.Item{Key: o.Key, ETag: o.ETag})
		}
		if l.Token = p.Next; l.Token == "" {
			return list, nil
		}
	}
}

func (c leaseObjects) Delete(ctx context.Context, key string) error {
	return c.bucketClient.Delete(ctx, key)
}
