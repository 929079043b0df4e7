package s3

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
	"github.com/trailbeat/trailbeat/input/s3/lease"
)

func TestLeasesInATable(t *testing.T) {
	f := newFleet(t, 1)
	f.inTable()
	o, ctx := f.objects().Objects, t.Context()

	_, _, err := o.Get(ctx, "p/work/a")
	require.ErrorIs(t, err, lease.ErrNone)
	first, err := o.Put(ctx, "p/work/a", []byte("one"), "")
	require.NoError(t, err)
	_, err = o.Put(ctx, "p/work/a", []byte("two"), "")
	require.ErrorIs(t, err, lease.ErrConflict, "it is there")
	second, err := o.Put(ctx, "p/work/a", []byte("two"), first)
	require.NoError(t, err)
	_, err = o.Put(ctx, "p/work/a", []byte("three"), first)
	require.ErrorIs(t, err, lease.ErrConflict, "it is another one by now")
	_, err = o.Put(ctx, "p/work/none", nil, first)
	require.ErrorIs(t, err, lease.ErrConflict, "it is not there")
	body, etag, err := o.Get(ctx, "p/work/a")
	require.NoError(t, err)
	assert.Equal(t, "two", string(body))
	assert.Equal(t, second, etag)

	for _, name := range []string{"b", "c", "d", "e"} { // three pages
		_, err = o.Put(ctx, "p/work/"+name, []byte(name), "")
		require.NoError(t, err)
	}
	_, err = o.Put(ctx, "p/members/x", []byte("x"), "")
	require.NoError(t, err)
	list, err := o.List(ctx, "p/work/")
	require.NoError(t, err)
	require.Len(t, list, 5)
	assert.Equal(t, lease.Item{Key: "p/work/a", ETag: second}, list[0])

	require.NoError(t, o.Delete(ctx, "p/work/a"))
	require.NoError(t, o.Delete(ctx, "p/work/a"), "nothing to delete is no error")
	_, _, err = o.Get(ctx, "p/work/a")
	require.ErrorIs(t, err, lease.ErrNone)

	_, err = o.Put(ctx, "p/work/large", []byte(strings.Repeat("x", 400<<10)), "")
	require.ErrorContains(t, err, "DynamoDB takes no more than 400 KB; keep the leases in a bucket")
	f.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
		return &awstest.Fault{Status: http.StatusBadRequest, Code: "AccessDeniedException", Message: "not you"}
	})
	_, err = o.Put(ctx, "p/work/b", nil, "")
	require.ErrorContains(t, err, "allow dynamodb:PutItem on arn:aws:dynamodb:*:*:table/leases")
	assert.Equal(t, aws.ClassAccessDenied, aws.ClassOf(err))
}

func TestRightsOfATable(t *testing.T) {
	cfg := testConfig()
	cfg.Lease.DynamoDBTable = "arn:aws:dynamodb:eu-west-1:111122223333:table/leases"
	require.NoError(t, cfg.Validate())
	list, err := cfg.Policy()
	require.NoError(t, err)
	for _, s := range list {
		if strings.HasPrefix(s.Actions[0], "dynamodb:") {
			assert.Equal(t, []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:Query"}, s.Actions)
			assert.Equal(t, []string{cfg.Lease.DynamoDBTable}, s.Resources)
			return
		}
	}
	t.Error("the table is not in the policy")
}
