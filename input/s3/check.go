package s3

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/input/aws"
)

// errCheck goes to the ack of the batch that Check reads, which nobody delivers.
var errCheck = errors.New("read for a check only")

// Check looks at everything between here and a record: who the credentials belong to, what the bucket holds, and one real
// object, the newest that is easy to find, whatever its day. It changes nothing, neither in the bucket nor in the state. Each step goes to
// report as soon as it is known. It must not run together with Read.
func (in *Input) Check(ctx context.Context, report func(aws.Step)) {
	switch {
	case in.session == nil || in.cfg.NonAWSBucketName != "":
		report(aws.Step{Name: "identity", Skipped: true, Detail: "another store than that of AWS does not tell"})
	default:
		id, arn, err := in.session.Identity(ctx)
		report(aws.Step{Name: "identity", Detail: arn + " of account " + id, Err: err})
	}
	o, err := in.checkList(ctx, report)
	if err != nil || o == nil {
		none := "there is no object yet"
		if err != nil {
			none = "no object was found to look at, see above"
		}
		for _, name := range []string{"look at one object", "read one object", "decode one record"} {
			report(aws.Step{Name: name, Skipped: true, Detail: none})
		}
	} else {
		in.checkObject(ctx, o.Key, report)
	}
	if in.shared != nil {
		list, err := in.shared.objects.List(ctx, in.shared.prefix)
		report(aws.Step{Name: "list the leases", Detail: fmt.Sprintf("%d objects; writing one is not tried", len(list)), Err: err})
	}
	if in.ledger.chores {
		report(aws.Step{Name: "put one object away", Skipped: true, Detail: "copying or deleting is not tried, as it would change the bucket"})
	}
}

// checkList finds an object.
func (in *Input) checkList(ctx context.Context, report func(aws.Step)) (*object, error) {
	const name = "list the bucket"
	var scopes []scope
	var err error
	if in.cfg.Layout != layoutFlat {
		if scopes, err = in.found.scopes(ctx, time.Now(), true); err != nil {
			report(aws.Step{Name: name, Err: err})
			return nil, err
		}
	}
	if len(in.found.roots) == 0 {
		if in.cfg.Layout == layoutTrail {
			err := fmt.Errorf("there is no folder %s below %q: check bucket_list_prefix, or set layout: flat", logs, in.cfg.BucketListPrefix)
			report(aws.Step{Name: name, Err: err})
			return nil, err
		}
		return in.checkFlat(ctx, name, report)
	}
	accounts, kinds := make(map[string]bool), make(map[string]bool)
	for _, s := range scopes {
		accounts[s.account], kinds[s.kind] = true, true
	}
	detail := fmt.Sprintf("CloudTrail's layout, %d accounts, %d kinds of files, %d folders of regions", len(accounts), len(kinds), len(scopes))
	switch {
	case len(scopes) > 0:
	case len(in.cfg.Accounts) > 0 || len(in.cfg.Regions) > 0:
		err := fmt.Errorf("%s holds nothing of the configured accounts and regions: check accounts and regions", strings.Join(in.found.roots, ", "))
		report(aws.Step{Name: name, Err: err})
		return nil, err
	default:
		detail += "; nothing was delivered yet"
	}
	// Log files first.
	slices.SortStableFunc(scopes, func(a, b scope) int { return len(a.kind) - len(b.kind) })
	for _, s := range scopes[:min(len(scopes), 20)] {
		o, err := in.newest(ctx, s)
		if err != nil {
			report(aws.Step{Name: name, Err: err})
			return nil, err
		}
		if o != nil {
			report(aws.Step{Name: name, Detail: detail})
			return o, nil
		}
	}
	report(aws.Step{Name: name, Detail: detail})
	return nil, nil
}

// newest finds an object of the newest day of a scope, through the folders of years, months and days.
func (in *Input) newest(ctx context.Context, s scope) (*object, error) {
	folders := []string{s.prefix}
	for range 3 {
		var next []string
		for i := len(folders) - 1; i >= 0 && len(next) == 0; i-- {
			names, err := in.found.children(ctx, folders[i])
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				next = append(next, folders[i]+name+"/")
			}
		}
		folders = next
	}
	for i := len(folders) - 1; i >= 0; i-- {
		p, err := in.api.List(ctx, listing{Prefix: longer(folders[i], in.cfg.BucketListPrefix)})
		if err != nil {
			return nil, err
		}
		for _, o := range slices.Backward(p.Objects) {
			if in.objects.Wanted(o.Key) {
				return &o, nil
			}
		}
	}
	return nil, nil
}

func (in *Input) checkFlat(ctx context.Context, name string, report func(aws.Step)) (*object, error) {
	p, err := in.api.List(ctx, listing{Prefix: in.cfg.BucketListPrefix})
	if err != nil {
		report(aws.Step{Name: name, Err: err})
		return nil, err
	}
	var newest *object
	for _, o := range p.Objects {
		if in.objects.Wanted(o.Key) && !in.found.excluded(o.Key) && o.Size > 0 && (newest == nil || o.Modified.After(newest.Modified)) {
			newest = &o
		}
	}
	detail := fmt.Sprintf("no folder %s, so all keys are read; %d on the first page", logs, len(p.Objects))
	if newest == nil && len(p.Objects) > 0 {
		detail += ", none of which the options choose"
	}
	report(aws.Step{Name: name, Detail: detail})
	return newest, nil
}

func (in *Input) checkObject(ctx context.Context, key string, report func(aws.Step)) {
	o, err := in.api.Head(ctx, key)
	report(aws.Step{Name: "look at one object", Detail: fmt.Sprintf("%s, %d bytes", key, o.Size), Err: err})
	stream, err := in.objects.Open(ctx, key, func(error) {})
	if err != nil {
		report(aws.Step{Name: "read one object", Err: err})
		report(aws.Step{Name: "decode one record", Skipped: true, Detail: "no object could be read"})
		return
	}
	defer stream.Close()
	b, err := stream.Next()
	if errors.Is(err, io.EOF) {
		report(aws.Step{Name: "read one object", Detail: key})
		report(aws.Step{Name: "decode one record", Skipped: true, Detail: "the object holds no record"})
		return
	}
	report(aws.Step{Name: "read one object", Detail: key, Err: err})
	if err != nil {
		report(aws.Step{Name: "decode one record", Skipped: true, Detail: "no object could be read"})
		return
	}
	defer b.Ack(errCheck)
	var record struct {
		EventID   string `json:"eventID"`
		EventTime string `json:"eventTime"`
		Digest    string `json:"digestS3Object"`
	}
	err = json.Unmarshal(b.Records[0].Raw, &record)
	detail := fmt.Sprintf("event %s of %s", record.EventID, record.EventTime)
	switch {
	case err != nil:
		err = fmt.Errorf("the first record of %q is no JSON object: %w", key, err)
	case record.Digest != "":
		detail = "a digest file"
	case record.EventID == "":
		detail = "a record without an eventID"
	}
	report(aws.Step{Name: "decode one record", Detail: detail, Err: err})
}
