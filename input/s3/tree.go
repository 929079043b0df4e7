package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3object"
)

// Tree is a bucket with CloudTrail's layout for those who read a part of its past: it finds the folders, lists them, and opens
// objects as the Input does, so that their records are the same. It keeps no state and reads nothing by itself. Safe for
// concurrent use; end it with Close.
type Tree struct {
	cfg     Config
	session *aws.Session
	bucket  aws.Bucket
	api     bucketAPI
	client  *bucketClient
	objects *s3object.Reader
	found   *discovery
}

// Folder holds the files of one account, kind and region, below folders of days.
type Folder struct{ scope }

// Prefix of all keys in the folder. It ends with a slash.
func (f Folder) Prefix() string { return f.prefix }

// Account that the files are about.
func (f Folder) Account() string { return f.account }

// Kind is CloudTrail, CloudTrail-Digest, CloudTrail-Insight or another one of CloudTrail's.
func (f Folder) Kind() string { return f.kind }

// Region is that of the files, not of the bucket.
func (f Folder) Region() string { return f.region }

// Time says when a file was delivered, by its name: to the minute, or the day where exact is false. ok is false for keys that
// are in no folder of a day.
func (f Folder) Time(key string) (t time.Time, exact, ok bool) { return f.timeOf(key) }

// Day is the prefix of the files of a day.
func (f Folder) Day(t time.Time) string { return f.position(t, false) }

// Entry is an object in a listing.
type Entry struct {
	Key, ETag string
	// Size in bytes, as it is stored.
	Size int64
	// Class is the storage class; empty is STANDARD.
	Class string
}

// OpenTree makes a Tree. Of the options only those that say where the bucket is, which accounts, regions and files are wanted, and how
// it is spoken to count. It calls nobody.
func OpenTree(cfg Config, id string, log *slog.Logger) (*Tree, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	session, err := aws.New(context.Background(), cfg.AWS, log)
	if err != nil {
		return nil, err
	}
	objects, err := s3object.NewReader(cfg.Objects, s3object.Deps{InputID: id, InputType: Type, Session: session, Logger: log})
	if err != nil {
		session.Close()
		return nil, err
	}
	t := &Tree{cfg: cfg, session: session, objects: objects}
	t.bucket, _ = cfg.bucket() // Validate saw to that
	t.client = &bucketClient{session: session, bucket: t.bucket}
	t.api = t.client
	skip := &Input{cfg: cfg}
	t.found = &discovery{api: t.api, prefix: cfg.BucketListPrefix, accounts: cfg.Accounts, regions: cfg.Regions, skip: skip.skipKind}
	if to, _ := cfg.backupBucket(); to == t.bucket.Name {
		t.found.exclude = cfg.BackupToBucketPrefix
	}
	return t, nil
}

// Name of the bucket, or the ARN of the access point.
func (t *Tree) Name() string { return t.bucket.Name }

// Prefix that is listed below.
func (t *Tree) Prefix() string { return t.cfg.BucketListPrefix }

// Region that the bucket is in, as far as that is known by now.
func (t *Tree) Region() string { return t.session.BucketRegion(t.bucket.Name, t.bucket.Region) }

// Folders finds all folders, in order. calls is the number of listings that it took. It is an error where there is no AWSLogs/.
func (t *Tree) Folders(ctx context.Context) (list []Folder, calls int64, err error) {
	stats := new(counters)
	found := *t.found
	found.api = counted{bucketAPI: t.api, stats: stats}
	scopes, err := found.scopes(ctx, time.Now(), true)
	calls = stats.listCalls.Load()
	if err != nil {
		return nil, calls, err
	}
	if len(found.roots) == 0 {
		return nil, calls, fmt.Errorf("there is no folder %s below s3://%s/%s: name the bucket of a trail, and its prefix", logs, t.bucket.Name, t.cfg.BucketListPrefix)
	}
	for _, s := range scopes {
		list = append(list, Folder{s})
	}
	return list, calls, nil
}

// List gives one page of a listing, in order: behind the key startAfter, or where token says that the page before ended. next is empty after
// the last page.
func (t *Tree) List(ctx context.Context, prefix, startAfter, token string) (list []Entry, next string, err error) {
	p, err := t.api.List(ctx, listing{Prefix: longer(prefix, t.cfg.BucketListPrefix), StartAfter: startAfter, Token: token})
	if err != nil {
		return nil, "", err
	}
	list = make([]Entry, 0, len(p.Objects))
	for _, o := range p.Objects {
		list = append(list, Entry{Key: o.Key, ETag: o.ETag, Size: o.Size, Class: o.Class})
	}
	return list, p.Next, nil
}

// Wanted says by its key whether the options choose an object.
func (t *Tree) Wanted(key string) bool {
	return t.objects.Kind(key) != s3object.Ignored && !t.found.excluded(key)
}

// Open begins an object, as s3object.Reader.Open does.
func (t *Tree) Open(ctx context.Context, key string, done func(error)) (*s3object.Object, error) {
	return t.objects.Open(ctx, s3object.Ref{Bucket: t.bucket.Name, Key: key, Region: t.bucket.Region}, done)
}

// ReadStats are the counters of Open.
func (t *Tree) ReadStats() *s3object.Stats { return t.objects.Stats() }

// Get gives the bytes of an object as they are stored, limit of them at most: more is an error.
func (t *Tree) Get(ctx context.Context, key string, limit int64) (data []byte, err error) {
	err = t.client.do(ctx, t.client.call("reading object", "s3:GetObject", key), func(client *sdk.Client) (err error) {
		out, err := client.GetObject(ctx, &sdk.GetObjectInput{Bucket: &t.bucket.Name, Key: &key})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Body.Close()) }()
		if data, err = io.ReadAll(io.LimitReader(out.Body, limit+1)); err == nil && int64(len(data)) > limit {
			err = fmt.Errorf("it has more than %d bytes", limit)
		}
		return err
	})
	return data, err
}

// Archive is whether an object must be restored before it can be read.
type Archive struct {
	// Archived: it cannot be read now. Restoring: it was asked for already, and comes by itself.
	Archived, Restoring bool
	// Tiered: it is in an archive tier of S3 Intelligent-Tiering, and stays when it is restored.
	Tiered bool
}

// Archive asks for one object.
func (t *Tree) Archive(ctx context.Context, key string) (Archive, error) {
	var a Archive
	err := t.client.do(ctx, t.client.call("looking at object", "s3:GetObject", key), func(client *sdk.Client) error {
		out, err := client.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: &t.bucket.Name, Key: &key})
		if err != nil {
			return err
		}
		a = archiveOf(out.StorageClass, out.ArchiveStatus, awssdk.ToString(out.Restore))
		return nil
	})
	return a, err
}

// archiveOf reads what S3 says: x-amz-restore is absent before a restore, and says ongoing-request="true" until it has ended.
func archiveOf(class types.StorageClass, tier types.ArchiveStatus, restore string) Archive {
	restoring, asked := restoreState(restore)
	switch {
	case tier != "":
		return Archive{Archived: true, Restoring: restoring, Tiered: true}
	case class == types.StorageClassGlacier, class == types.StorageClassDeepArchive:
		return Archive{Archived: restoring || !asked, Restoring: restoring}
	}
	return Archive{}
}

func restoreState(header string) (restoring, asked bool) {
	return strings.Contains(strings.ToLower(header), `ongoing-request="true"`), header != ""
}

// Restore asks S3 to restore an object: for so many days, where it is not Tiered. tier is Standard or Bulk. That it was asked for before
// is no error.
func (t *Tree) Restore(ctx context.Context, key string, tiered bool, days int, tier string) error {
	request := &types.RestoreRequest{GlacierJobParameters: &types.GlacierJobParameters{Tier: types.Tier(tier)}}
	if !tiered { // of one that stays, S3 takes no number of days
		request.Days = awssdk.Int32(int32(days))
	}
	call := t.client.call("restoring object", "s3:RestoreObject", key)
	err := t.client.do(ctx, call, func(client *sdk.Client) error {
		_, err := client.RestoreObject(ctx, &sdk.RestoreObjectInput{Bucket: &t.bucket.Name, Key: &key, RestoreRequest: request})
		return err
	})
	var own *aws.Error
	if errors.As(err, &own) && own.Code == "RestoreAlreadyInProgress" {
		return nil
	}
	return err
}

// Close lets the connections go.
func (t *Tree) Close() { t.session.Close() }
