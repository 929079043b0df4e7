package s3

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/s3/lease"
	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

// leaseStore is where the options say that leases are.
func leaseStore(c LeaseConfig, session *aws.Session) lease.Objects {
	if c.DynamoDBTable != "" {
		table, _ := c.table() // Validate saw to that
		return leaseRows{table: table, client: session.DynamoDB(table.region)}
	}
	to, _ := c.bucket() // as above
	return leaseObjects{&bucketClient{session: session, bucket: to}}
}

// leaseTable names a table of DynamoDB.
type leaseTable struct {
	name      string // or ARN, as the calls take both
	plain     string
	region    string // empty: that of the input
	account   string // empty: that of the credentials
	partition string
}

var tableName = lazyregexp.New(`^[A-Za-z0-9_.-]{3,255}$`)

func (c LeaseConfig) table() (leaseTable, error) {
	t := leaseTable{name: c.DynamoDBTable, plain: c.DynamoDBTable}
	if strings.HasPrefix(t.name, "arn:") {
		a, err := arn.Parse(t.name)
		plain, ok := strings.CutPrefix(a.Resource, "table/")
		if err != nil || a.Service != "dynamodb" || !ok {
			return t, fmt.Errorf("must be a name, or an ARN such as arn:aws:dynamodb:eu-west-1:123456789012:table/trailbeat, is %q", t.name)
		}
		t.plain, t.region, t.account, t.partition = plain, a.Region, a.AccountID, a.Partition
	}
	if !tableName().MatchString(t.plain) {
		return t, fmt.Errorf("must be the name of a table, 3 to 255 letters, digits, _, - and dots, is %q", t.plain)
	}
	return t, nil
}

// arn is that of the table, with stars for what is not known.
func (t leaseTable) arn(partition string) string {
	if t.partition != "" {
		partition = t.partition
	}
	part := func(s string) string {
		if s == "" {
			return "*"
		}
		return s
	}
	return fmt.Sprintf("arn:%s:dynamodb:%s:%s:table/%s", partition, part(t.region), part(t.account), t.plain)
}

// The attributes of an item. The partition key holds a key up to its last slash, the sort key the rest, so that a folder of leases is one query.
const (
	attributeLease = "lease"
	attributeName  = "name"
	attributeETag  = "etag"
	attributeBody  = "body"
)

// maxRow leaves room for the keys below the 400 KB that DynamoDB takes.
const maxRow = 390 << 10

// leaseRows is the lease.Objects of a table. Its reads are consistent ones, which show every write that has returned.
type leaseRows struct {
	table  leaseTable
	client *dynamodb.Client
}

func (r leaseRows) call(doing, action, key string) aws.Call {
	return aws.Call{Doing: doing, Target: "dynamodb table " + r.table.plain + ": " + key, Action: "dynamodb:" + action, Resource: r.table.arn("aws")}
}

func rowKey(key string) map[string]types.AttributeValue {
	at := strings.LastIndexByte(key, '/') + 1
	return map[string]types.AttributeValue{
		attributeLease: &types.AttributeValueMemberS{Value: key[:at]}, attributeName: &types.AttributeValueMemberS{Value: key[at:]},
	}
}

func text(v types.AttributeValue) string {
	s, _ := v.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func (r leaseRows) Get(ctx context.Context, key string) (body []byte, etag string, err error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table.name, Key: rowKey(key), ConsistentRead: awssdk.Bool(true)})
	if err != nil {
		return nil, "", r.call("reading lease", "GetItem", key).Explain(err)
	}
	if len(out.Item) == 0 {
		return nil, "", lease.ErrNone
	}
	if b, ok := out.Item[attributeBody].(*types.AttributeValueMemberB); ok {
		body = b.Value
	}
	if etag = text(out.Item[attributeETag]); etag == "" {
		return nil, "", fmt.Errorf("reading lease %s of the table %s: it is none of ours; take a table of its own", key, r.table.plain)
	}
	return body, etag, nil
}

func (r leaseRows) Put(ctx context.Context, key string, body []byte, etag string) (newETag string, err error) {
	if len(body) > maxRow {
		return "", fmt.Errorf("writing lease %s: it has %d bytes, and DynamoDB takes no more than 400 KB; keep the leases in a bucket (lease.bucket_arn)", key, len(body))
	}
	newETag = rand.Text()
	item := rowKey(key)
	item[attributeETag], item[attributeBody] = &types.AttributeValueMemberS{Value: newETag}, &types.AttributeValueMemberB{Value: body}
	in := &dynamodb.PutItemInput{TableName: &r.table.name, Item: item, ConditionExpression: awssdk.String("attribute_not_exists(#etag)")}
	in.ExpressionAttributeNames = map[string]string{"#etag": attributeETag}
	if etag != "" {
		in.ConditionExpression = awssdk.String("#etag = :etag")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":etag": &types.AttributeValueMemberS{Value: etag}}
	}
	_, err = r.client.PutItem(ctx, in)
	var conflict *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &conflict):
		return "", lease.ErrConflict
	case err != nil:
		return "", r.call("writing lease", "PutItem", key).Explain(err)
	}
	return newETag, nil
}

// List gives what lies directly below a prefix that ends in a slash.
func (r leaseRows) List(ctx context.Context, prefix string) (list []lease.Item, err error) {
	in := &dynamodb.QueryInput{
		TableName: &r.table.name, ConsistentRead: awssdk.Bool(true),
		KeyConditionExpression: awssdk.String("#lease = :lease"), ProjectionExpression: awssdk.String("#name, #etag"),
		ExpressionAttributeNames:  map[string]string{"#lease": attributeLease, "#name": attributeName, "#etag": attributeETag},
		ExpressionAttributeValues: map[string]types.AttributeValue{":lease": &types.AttributeValueMemberS{Value: prefix}},
	}
	for {
		out, err := r.client.Query(ctx, in)
		if err != nil {
			return nil, r.call("listing leases", "Query", prefix).Explain(err)
		}
		for _, item := range out.Items {
			list = append(list, lease.Item{Key: prefix + text(item[attributeName]), ETag: text(item[attributeETag])})
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return list, nil
		}
	}
}

func (r leaseRows) Delete(ctx context.Context, key string) error {
	if _, err := r.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table.name, Key: rowKey(key)}); err != nil {
		return r.call("deleting lease", "DeleteItem", key).Explain(err)
	}
	return nil
}
