package bucket

import (
	"context"
	"fmt"
	"iter"
	"log/slog"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
	"github.com/trailbeat/trailbeat/input/trailstore"
)

// Store is the trailstore.Store of a bucket, and of others that its digests lead to. Safe for concurrent use; Close it.
type Store struct {
	session *aws.Session
	bucket  aws.Bucket
	objects *s3object.Reader
}

// New makes a Store for a bucket or access point. It calls nobody. A nil logger logs nothing.
func New(ctx context.Context, cfg aws.Config, bucket aws.Bucket, log *slog.Logger) (*Store, error) {
	session, err := aws.New(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	objects, err := s3object.NewReader(s3object.DefaultConfig(), s3object.Deps{Session: session, Logger: log})
	if err != nil {
		session.Close()
		return nil, err
	}
	return &Store{session: session, bucket: bucket, objects: objects}, nil
}

// Name is that of the bucket, as an address.
func (s *Store) Name() string { return "s3://" + s.bucket.Name }

// Bucket is the name of the bucket, or the ARN of the access point.
func (s *Store) Bucket() string { return s.bucket.Name }

// Identity is who reads, as an ARN.
func (s *Store) Identity(ctx context.Context) (string, error) {
	_, arn, err := s.session.Identity(ctx)
	return arn, err
}

// Close lets the connections go.
func (s *Store) Close() error {
	s.session.Close()
	return nil
}

// region is a hint, for the bucket that the Store was made for.
func (s *Store) region(bucket string) string {
	if bucket == s.bucket.Name {
		return s.bucket.Region
	}
	return ""
}

// page is a page of a listing.
type page struct {
	entries  []trailstore.Entry
	prefixes []string
	next     string
}

func (s *Store) list(ctx context.Context, in *s3.ListObjectsV2Input) (p page, err error) {
	name := *in.Bucket
	resource := name
	if name != s.bucket.Name || !s.bucket.AccessPoint {
		resource = aws.BucketARN(s.session.BucketRegion(name, s.region(name)), name)
	}
	call := aws.Call{Doing: "listing", Target: "s3://" + name + "/" + awssdk.ToString(in.Prefix), Action: "s3:ListBucket", Resource: resource}
	err = s.session.InBucketRegion(ctx, name, s.region(name), func(client *s3.Client, _ string) error {
		out, err := client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		p = page{}
		for _, o := range out.Contents {
			p.entries = append(p.entries, trailstore.Entry{Key: awssdk.ToString(o.Key), Size: awssdk.ToInt64(o.Size)})
		}
		for _, c := range out.CommonPrefixes {
			p.prefixes = append(p.prefixes, awssdk.ToString(c.Prefix))
		}
		if awssdk.ToBool(out.IsTruncated) {
			p.next = awssdk.ToString(out.NextContinuationToken)
		}
		return nil
	})
	return p, call.Explain(err)
}

// Folders is part of trailstore.Store.
func (s *Store) Folders(ctx context.Context, bucket, prefix string) ([]string, error) {
	var list []string
	in := &s3.ListObjectsV2Input{Bucket: &bucket, Delimiter: awssdk.String("/")}
	if prefix != "" {
		in.Prefix = &prefix
	}
	for {
		p, err := s.list(ctx, in)
		if err != nil {
			return list, err
		}
		list = append(list, p.prefixes...)
		if p.next == "" {
			return list, nil
		}
		in.ContinuationToken = &p.next
	}
}

// List is part of trailstore.Store.
func (s *Store) List(ctx context.Context, bucket, prefix, after string) iter.Seq2[trailstore.Entry, error] {
	return func(yield func(trailstore.Entry, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		for {
			p, err := s.list(ctx, in)
			if err != nil {
				yield(trailstore.Entry{}, err)
				return
			}
			for _, e := range p.entries {
				if !yield(e, nil) {
					return
				}
			}
			if p.next == "" {
				return
			}
			in.ContinuationToken, in.StartAfter = &p.next, nil
		}
	}
}

// Open is part of trailstore.Store.
func (s *Store) Open(ctx context.Context, bucket, key string) (*trailstore.File, error) {
	raw, err := s.objects.OpenRaw(ctx, s3object.Ref{Bucket: bucket, Key: key, Region: s.region(bucket)})
	if err != nil {
		if aws.ClassOf(err) == aws.ClassNoKey {
			return nil, fmt.Errorf("%w: %w", trailstore.ErrNotExist, err)
		}
		return nil, err
	}
	return &trailstore.File{ReadCloser: raw, Metadata: raw.Metadata()}, nil
}
