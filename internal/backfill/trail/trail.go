// Package trail gives a backfill the buckets and queues of AWS.
package trail

import (
	"context"
	"log/slog"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3"
	"github.com/trailbeat/trailbeat/input/sqs/notify"
	"github.com/trailbeat/trailbeat/internal/backfill"
)

// tree is a bucket.
type tree struct{ *s3.Tree }

// OpenTree makes the tree of a bucket; see s3.OpenTree.
func OpenTree(cfg s3.Config, id string, log *slog.Logger) (backfill.Tree, error) {
	t, err := s3.OpenTree(cfg, id, log)
	if err != nil {
		return nil, err
	}
	return tree{t}, nil
}

func (t tree) Folders(ctx context.Context) ([]backfill.Folder, int64, error) {
	list, calls, err := t.Tree.Folders(ctx)
	folders := make([]backfill.Folder, len(list))
	for i, f := range list {
		folders[i] = f
	}
	return folders, calls, err
}

func (t tree) List(ctx context.Context, prefix, startAfter, token string) ([]backfill.Object, string, error) {
	list, next, err := t.Tree.List(ctx, prefix, startAfter, token)
	objects := make([]backfill.Object, len(list))
	for i, o := range list {
		objects[i] = backfill.Object(o)
	}
	return objects, next, err
}

func (t tree) Open(ctx context.Context, key string, done func(error)) (backfill.Stream, error) {
	o, err := t.Tree.Open(ctx, key, done)
	if err != nil {
		return nil, err // a nil *Object in the interface would not be nil
	}
	return o, nil
}

func (t tree) Archive(ctx context.Context, key string) (backfill.Archive, error) {
	a, err := t.Tree.Archive(ctx, key)
	return backfill.Archive(a), err
}

func (t tree) BytesRead() int64 { return t.ReadStats().BytesProcessed.Load() }

// queue is a queue of SQS.
type queue struct {
	*notify.Sender
	tree backfill.Tree
}

// OpenQueue makes a queue that is told of the objects of a tree. cfg says with which credentials.
func OpenQueue(cfg aws.Config, url string, of backfill.Tree, log *slog.Logger) (backfill.Queue, error) {
	session, err := aws.New(context.Background(), cfg, log)
	if err != nil {
		return nil, err
	}
	sender, err := notify.New(session, url)
	if err != nil {
		session.Close()
		return nil, err
	}
	return queue{sender, of}, nil
}

func (q queue) Send(ctx context.Context, objects []backfill.Object, perMessage int) (int64, error) {
	list := make([]notify.Object, len(objects))
	for i, o := range objects {
		list[i] = notify.Object{Bucket: q.tree.Name(), Key: o.Key, ETag: o.ETag, Region: q.tree.Region(), Size: o.Size}
	}
	return q.Sender.Send(ctx, list, perMessage)
}
