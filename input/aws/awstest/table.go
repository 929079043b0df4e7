package awstest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// tableTarget begins the names of DynamoDB's calls, which Hook and Calls know without it.
const tableTarget = "DynamoDB_20120810."

// attribute is a value as DynamoDB writes it.
type attribute struct {
	S string `json:",omitempty"`
	B []byte `json:",omitempty"`
}

// table is one with a partition key and a sort key, both strings, named here lease and name.
type table struct {
	page  int
	mu    sync.Mutex
	items map[string]map[string]attribute
}

// Table adds a table of DynamoDB with the partition key lease and the sort key name, and the calls GetItem, PutItem, DeleteItem and Query
// with those conditions that leases use. page is how many items an answer of Query holds at most; 0: all.
func (s *Server) Table(page int) {
	t := &table{page: page, items: map[string]map[string]attribute{}}
	for call, answer := range map[string]func(request *tableRequest) (any, string){
		"GetItem": t.get, "PutItem": t.put, "DeleteItem": t.remove, "Query": t.query,
	} {
		s.Handle(call, func(w http.ResponseWriter, r *http.Request) {
			var request tableRequest
			if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
				fail(w, r, http.StatusBadRequest, "SerializationException", err.Error())
				return
			}
			t.mu.Lock()
			out, code := answer(&request)
			t.mu.Unlock()
			if code != "" {
				fail(w, r, http.StatusBadRequest, code, "The conditional request failed")
				return
			}
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			_ = json.NewEncoder(w).Encode(out)
		})
	}
}

type tableRequest struct {
	Key, Item                 map[string]attribute
	ConsistentRead            bool
	ConditionExpression       string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]attribute
	ExclusiveStartKey         map[string]attribute
}

func rowOf(key map[string]attribute) string { return key["lease"].S + "\x00" + key["name"].S }

func (t *table) get(r *tableRequest) (any, string) {
	if !r.ConsistentRead {
		return nil, "ValidationException" // what was written a moment ago might not be there
	}
	out := map[string]any{}
	if item, ok := t.items[rowOf(r.Key)]; ok {
		out["Item"] = item
	}
	return out, ""
}

func (t *table) put(r *tableRequest) (any, string) {
	there, ok := t.items[rowOf(r.Item)]
	switch r.ConditionExpression {
	case "attribute_not_exists(#etag)":
		if ok {
			return nil, "ConditionalCheckFailedException"
		}
	case "#etag = :etag":
		if !ok || there[r.ExpressionAttributeNames["#etag"]].S != r.ExpressionAttributeValues[":etag"].S {
			return nil, "ConditionalCheckFailedException"
		}
	default:
		return nil, "ValidationException"
	}
	t.items[rowOf(r.Item)] = r.Item
	return map[string]any{}, ""
}

func (t *table) remove(r *tableRequest) (any, string) {
	delete(t.items, rowOf(r.Key))
	return map[string]any{}, ""
}

func (t *table) query(r *tableRequest) (any, string) {
	if !r.ConsistentRead || r.KeyConditionExpression != "#lease = :lease" {
		return nil, "ValidationException"
	}
	prefix, after := r.ExpressionAttributeValues[":lease"].S+"\x00", ""
	if r.ExclusiveStartKey != nil {
		after = rowOf(r.ExclusiveStartKey)
	}
	var keys []string
	for key := range t.items {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	out := map[string]any{}
	if t.page > 0 && len(keys) > t.page {
		keys = keys[:t.page]
		last := t.items[keys[len(keys)-1]]
		out["LastEvaluatedKey"] = map[string]attribute{"lease": last["lease"], "name": last["name"]}
	}
	items := []map[string]attribute{}
	for _, key := range keys {
		item := t.items[key]
		items = append(items, map[string]attribute{"name": item["name"], "etag": item["etag"]})
	}
	out["Items"] = items
	return out, ""
}
