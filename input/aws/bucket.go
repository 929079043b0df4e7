package aws

import (
	"context"
	"errors"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// InBucketRegion calls fn with the client of the region that a bucket is in: the one that was found before, or hint, or
// Region(""). Where S3 says that the bucket is elsewhere, that region is found out, kept for the bucket, and fn called again.
// fn must not explain its errors before it returns them.
func (s *Session) InBucketRegion(ctx context.Context, bucket, hint string, fn func(client *s3.Client, region string) error) error {
	region := s.BucketRegion(bucket, hint)
	err := fn(s.S3(region), region)
	if err == nil || ClassOf(err) != ClassRegion {
		return err
	}
	found := regionIn(err)
	if found == "" || found == region {
		found = s.askRegion(ctx, bucket, region)
	}
	if found == "" || found == region {
		return err
	}
	s.mu.Lock()
	s.buckets[bucket] = found
	s.mu.Unlock()
	s.log.Info("the bucket is in another region", "aws.s3.bucket.name", bucket, "cloud.region", found, "tried", region)
	return fn(s.S3(found), found)
}

// BucketRegion is the region that is tried for a bucket, without asking anybody.
func (s *Session) BucketRegion(bucket, hint string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.buckets[bucket]; found != "" {
		return found
	}
	return s.orDefault(hint)
}

// askRegion asks S3, which names the region in a header even where it refuses to answer.
func (s *Session) askRegion(ctx context.Context, bucket, region string) string {
	out, err := s.S3(region).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if err != nil {
		return regionIn(err)
	}
	return awssdk.ToString(out.BucketRegion)
}

var expectingRegion = lazyregexp.New(`expecting '([a-z0-9-]+)'`)

// regionIn is the region that an answer of S3 points to, empty where it does not.
func regionIn(err error) string {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		if region := response.Response.Header.Get("X-Amz-Bucket-Region"); region != "" {
			return region
		}
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		if m := expectingRegion().FindStringSubmatch(api.ErrorMessage()); m != nil {
			return m[1]
		}
	}
	return ""
}
