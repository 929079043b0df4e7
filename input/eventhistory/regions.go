package eventhistory

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/account/types"

	"github.com/trailbeat/trailbeat/input/aws"
)

// everyAccount are the regions that no account can switch off, by partition. Source: the table of AWS Account Management,
// "Enable or disable AWS Regions in your account".
var everyAccount = map[string][]string{
	"aws": {
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
		"ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
	},
	"aws-cn":     {"cn-north-1", "cn-northwest-1"},
	"aws-us-gov": {"us-gov-east-1", "us-gov-west-1"},
}

// listCall is the question for regions, for its errors.
func (in *Input) listCall() aws.Call {
	return aws.Call{Doing: "asking which regions are enabled in the account", Action: "account:ListRegions", Resource: accountResource(in.home)}
}

func accountResource(home string) string { return "arn:" + aws.Partition(home) + ":account::*:account" }

// regions gives the regions to read. With an error it gives those that can be known without an answer.
func (in *Input) regions(ctx context.Context) ([]string, error) {
	if in.cfg.asks() {
		list, err := in.enabled(ctx)
		if err == nil {
			return list, nil
		}
		return in.everywhere(), err
	}
	var list []string
	for _, r := range in.cfg.Regions {
		if r == regionsDefault {
			list = append(list, in.everywhere()...)
		} else {
			list = append(list, r)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

func (in *Input) everywhere() []string {
	list := everyAccount[aws.Partition(in.home)]
	if len(list) == 0 {
		list = []string{in.home} // a partition of which nothing is known here
	}
	return slices.Sorted(slices.Values(list))
}

// enabled asks the account.
func (in *Input) enabled(ctx context.Context) ([]string, error) {
	ask := &account.ListRegionsInput{
		MaxResults: awssdk.Int32(50), RegionOptStatusContains: []types.RegionOptStatus{types.RegionOptStatusEnabled, types.RegionOptStatusEnabledByDefault},
	}
	var list []string
	for {
		out, err := in.account.ListRegions(ctx, ask)
		if err != nil {
			err = in.listCall().Explain(err)
			var told *aws.Error
			if errors.As(err, &told) && told.Class == aws.ClassNoKey {
				told.Class, told.Hint = aws.ClassOther, "this server does not know the call"
			}
			return nil, fmt.Errorf("%w; until then the regions are read that every account has (regions: [default]); name others with the option regions", err)
		}
		for _, r := range out.Regions {
			list = append(list, awssdk.ToString(r.RegionName))
		}
		if awssdk.ToString(out.NextToken) == "" {
			break
		}
		ask.NextToken = out.NextToken
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: the answer holds none; name them with the option regions", in.listCall().Doing)
	}
	slices.Sort(list)
	return list, nil
}

// source is what reports say that is read.
func (c Config) source() string {
	what := "event history of "
	switch {
	case c.asks():
		what += "all regions"
	default:
		what += strings.Join(c.Regions, ", ")
	}
	for i, a := range c.LookupAttributes {
		what += []string{" where ", " or "}[min(i, 1)] + a.Key + " is " + a.Value
	}
	return what
}
