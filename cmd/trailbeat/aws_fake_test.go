package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

// fakeAWS is the server that all inputs of a test talk to: the objects and queues of awstest, listing of buckets, log groups
// and the identity.
type fakeAWS struct {
	awstest.Server
	url string

	mu   sync.Mutex
	keys map[string][]string // of buckets, sorted
	logs map[string][]logEvent

	// refuse, where it is set before the first call, answers calls that it does not take itself, and reports that.
	refuse func(w http.ResponseWriter, r *http.Request) bool
}

type logEvent struct {
	EventID       string `json:"eventId"`
	LogStreamName string `json:"logStreamName"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
	IngestionTime int64  `json:"ingestionTime"`
}

func newFakeAWS(t *testing.T) *fakeAWS {
	t.Helper()
	// Nothing of the machine's own account may come into play.
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_CA_BUNDLE", "AWS_SESSION_TOKEN"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "none")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	f := &fakeAWS{keys: map[string][]string{}, logs: map[string][]logEvent{}}
	f.Handle("Logs_20140328.FilterLogEvents", f.filter)
	f.Handle("GetCallerIdentity", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/xml")
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/reader</Arn>`+
			`<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if f.refuse != nil && f.refuse(w, r) {
			return
		}
		if r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2" {
			f.list(w, r)
			return
		}
		if r.Header.Get("X-Amz-Target") == "AmazonSQS.ReceiveMessage" {
			// An empty queue says so at once, so that no test waits for it.
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(longPoll.ReplaceAll(body, []byte(`"WaitTimeSeconds":0`))))
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

var longPoll = regexp.MustCompile(`"WaitTimeSeconds":\d+`)

// putLog stores a log file with these records.
func (f *fakeAWS) putLog(t *testing.T, bucket, key string, records ...string) {
	t.Helper()
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, err := zip.Write([]byte(`{"Records":[` + strings.Join(records, ",") + `]}`))
	require.NoError(t, err)
	require.NoError(t, zip.Close())
	f.Put(bucket, key, body.Bytes(), http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[bucket] = append(f.keys[bucket], key)
	slices.Sort(f.keys[bucket])
}

func (f *fakeAWS) list(w http.ResponseWriter, r *http.Request) {
	type prefix struct{ Prefix string }
	type contents struct {
		Key, ETag, LastModified string
		Size                    int
	}
	type result struct {
		XMLName        xml.Name `xml:"ListBucketResult"`
		IsTruncated    bool
		Contents       []contents
		CommonPrefixes []prefix
	}
	q := r.URL.Query()
	var out result
	f.mu.Lock()
	keys := f.keys[strings.Trim(r.URL.Path, "/")]
	f.mu.Unlock()
	most, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil {
		most = 1000
	}
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if !ok || key <= q.Get("start-after") {
			continue
		}
		if d := q.Get("delimiter"); d != "" && strings.Contains(rest, d) {
			folder, _, _ := strings.Cut(rest, d)
			p := prefix{q.Get("prefix") + folder + d}
			if p.Prefix > q.Get("start-after") && !slices.Contains(out.CommonPrefixes, p) {
				out.CommonPrefixes = append(out.CommonPrefixes, p)
			}
			continue
		}
		if len(out.Contents) == most {
			break // no test of this file needs a second page
		}
		out.Contents = append(out.Contents, contents{key, `"` + key + `"`, time.Now().UTC().Format(time.RFC3339), 100})
	}
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_ = xml.NewEncoder(w).Encode(out)
}

// putEvents stores log events of this moment.
func (f *fakeAWS) putEvents(group string, records ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := time.Now().Add(-time.Minute).UnixMilli()
	for _, r := range records {
		id := fmt.Sprintf("%056d", len(f.logs[group])+1)
		f.logs[group] = append(f.logs[group], logEvent{id, "123456789012_CloudTrail_us-east-1", r, at, at + 1000})
	}
}

func (f *fakeAWS) filter(w http.ResponseWriter, r *http.Request) {
	var in struct {
		LogGroupName, LogGroupIdentifier string
		StartTime, EndTime               int64
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	group := in.LogGroupName + in.LogGroupIdentifier
	f.mu.Lock()
	all, ok := f.logs[group]
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ResourceNotFoundException","message":"The specified log group does not exist."}`)
		return
	}
	found := []logEvent{}
	for _, e := range all {
		if e.Timestamp >= in.StartTime && (in.EndTime == 0 || e.Timestamp < in.EndTime) {
			found = append(found, e)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"events": found})
}

// record makes a CloudTrail record.
func record(id string) string {
	return `{"eventVersion":"1.08","eventID":"` + id + `","eventTime":"` + time.Now().UTC().Format(time.RFC3339) +
		`","eventSource":"iam.amazonaws.com","eventName":"CreateUser","awsRegion":"us-east-1","eventType":"AwsApiCall",` +
		`"recipientAccountId":"123456789012","userIdentity":{"type":"IAMUser","userName":"ann"}}`
}

// recordsOf makes records with the ids from first up to, and without, last.
func recordsOf(first, last int) []string {
	var list []string
	for i := first; i < last; i++ {
		list = append(list, record(fmt.Sprintf("event-%04d", i)))
	}
	return list
}

// logKey is the key of a log file of today.
func logKey(region, name string) string {
	now := time.Now().UTC().Add(-10 * time.Minute)
	return "AWSLogs/123456789012/CloudTrail/" + region + now.Format("/2006/01/02/") + "123456789012_CloudTrail_" + region + "_" +
		now.Format("20060102T1504Z") + "_" + name + ".json.gz"
}

// created is what S3 says of a new object.
func created(bucket, key string) string {
	return `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put",` +
		`"s3":{"bucket":{"name":"` + bucket + `","arn":"arn:aws:s3:::` + bucket + `"},"object":{"key":"` + key + `","size":100}}}]}`
}
