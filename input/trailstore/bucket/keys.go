package bucket

import (
	"context"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/trailstore"
)

// PublicKeys asks CloudTrail for the keys with which digests of a region were signed in a span of time. CloudTrail has keys of its own in
// each region, so that region must be asked; the account does not matter.
func (s *Store) PublicKeys(ctx context.Context, region string, from, to time.Time) ([]trailstore.PublicKey, error) {
	client := s.session.CloudTrail(region)
	call := aws.Call{Doing: "asking CloudTrail for public keys", Target: "of " + region, Action: "cloudtrail:ListPublicKeys", Resource: "*"}
	in := &cloudtrail.ListPublicKeysInput{StartTime: &from, EndTime: &to}
	var list []trailstore.PublicKey
	for {
		out, err := client.ListPublicKeys(ctx, in)
		if err != nil {
			return nil, call.Explain(err)
		}
		for _, k := range out.PublicKeyList {
			list = append(list, trailstore.PublicKey{
				Fingerprint: awssdk.ToString(k.Fingerprint), Value: k.Value,
				ValidityStartTime: awssdk.ToTime(k.ValidityStartTime), ValidityEndTime: awssdk.ToTime(k.ValidityEndTime),
			})
		}
		if awssdk.ToString(out.NextToken) == "" {
			return list, nil
		}
		in.NextToken = out.NextToken
	}
}
