package s3object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input"
	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/input/aws/awstest"
)

const key = "AWSLogs/123456789012/CloudTrail/us-east-1/2024/05/06/123456789012_CloudTrail_us-east-1_20240506T0710Z_abcdefghijklmnop.json.gz"

func pack(t testing.TB, data string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func made(n int) (list []string, file string) {
	for i := range n {
		list = append(list, fmt.Sprintf(`{"eventID":"%05d","x":"%x"}`, i, i*7919))
	}
	return list, `{"Records":[` + strings.Join(list, ",") + `]}`
}

type bench struct {
	server *awstest.Server
	cfg    Config
	aws    aws.Config
}

func newBench() *bench {
	b := &bench{server: new(awstest.Server), cfg: DefaultConfig(), aws: aws.DefaultConfig()}
	b.aws.AccessKeyID, b.aws.SecretAccessKey = "AKIDEXAMPLE", "very-secret"
	b.aws.DefaultRegion, b.aws.Endpoint = "us-east-1", "http://127.0.0.1:1"
	b.aws.HTTPClient = b.server.Client()
	return b
}

func (b *bench) reader(t testing.TB) *Reader {
	t.Helper()
	s, err := aws.New(context.Background(), b.aws, nil)
	require.NoError(t, err)
	r, err := NewReader(b.cfg, Deps{InputID: "in", InputType: "aws-s3", Session: s})
	require.NoError(t, err)
	return r
}

// result collects what done gets.
type result struct {
	mu   sync.Mutex
	errs []error
}

func (r *result) done(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errs = append(r.errs, err)
}

func (r *result) calls() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errs
}

// readAll reads an object to its end and acknowledges each batch.
func readAll(t testing.TB, o *Object, ack error) (got []string, end error) {
	t.Helper()
	for {
		b, err := o.Next()
		if err != nil {
			_, again := o.Next()
			assert.Equal(t, err, again, "the end stays")
			return got, err
		}
		for i, r := range b.Records {
			assert.EqualValues(t, len(got), r.Index, i)
			got = append(got, string(r.Raw))
		}
		b.Ack(ack)
	}
}

func TestReadsAnObject(t *testing.T) {
	want, file := made(100)
	for name, body := range map[string][]byte{
		"gzip": pack(t, file), "plain": []byte(file), "two members": append(pack(t, file[:300]), pack(t, file[300:])...),
	} {
		for _, encoding := range []string{"", "gzip", "identity"} {
			t.Run(name+" "+encoding, func(t *testing.T) {
				b := newBench()
				b.cfg.BatchMaxRecords = 7
				b.cfg.IncludeS3Metadata = []string{"Last-Modified", "x-amz-meta-team", "x-amz-version-id"}
				header := http.Header{"X-Amz-Meta-Team": {"<blue>"}}
				if encoding != "" {
					header.Set("Content-Encoding", encoding)
				}
				b.server.Put("trail", key, body, header)
				r, res := b.reader(t), new(result)
				o, err := r.Open(t.Context(), Ref{Bucket: "trail", Key: key}, res.done)
				require.NoError(t, err)
				batch, err := o.Next()
				require.NoError(t, err)
				require.Len(t, batch.Records, 7)
				assert.Equal(t, &input.Origin{
					InputID: "in", InputType: "aws-s3", Path: "http://127.0.0.1:1/trail/" + key, Bucket: "trail",
					BucketARN: "arn:aws:s3:::trail", Key: key, Region: "us-east-1",
					Metadata: []byte(`{"last-modified":"Mon, 06 May 2024 07:08:09 GMT","x-amz-meta-team":"<blue>"}`),
				}, batch.Records[0].Origin)
				got := []string{}
				for _, r := range batch.Records {
					got = append(got, string(r.Raw))
				}
				for {
					b, err := o.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					require.NoError(t, err)
					for _, r := range b.Records {
						got = append(got, string(r.Raw))
					}
					b.Ack(nil)
				}
				assert.Equal(t, want, got)
				assert.Empty(t, res.calls(), "a batch is still out")
				batch.Ack(nil)
				assert.Equal(t, []error{nil}, res.calls())
				o.Close()
				batch.Ack(nil)
				assert.Equal(t, []error{nil}, res.calls(), "once")
				assert.EqualValues(t, 100, r.Stats().EventsCreated.Load())
				assert.EqualValues(t, len(body), r.Stats().BytesProcessed.Load())
				assert.EqualValues(t, 0, r.Stats().ObjectsInFlight.Load())
				assert.EqualValues(t, 1, r.Stats().ObjectsAcked.Load())
			})
		}
	}
}

func TestRealTransportDoesNotUnpack(t *testing.T) {
	want, file := made(20)
	b := newBench()
	b.server.Put("trail", key, pack(t, file), http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}})
	b.cutAt(30)
	b.aws.HTTPClient, b.aws.Endpoint = nil, serve(t, b.server)
	o, err := b.reader(t).Open(t.Context(), Ref{Bucket: "trail", Key: key}, func(error) {})
	require.NoError(t, err)
	got, err := readAll(t, o, nil)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, want, got)
	assert.Greater(t, b.server.Calls("GetObject"), 3)
}

// cutAt breaks each GetObject after n bytes.
func (b *bench) cutAt(n int) {
	b.server.Hook(func(call string, _ *http.Request) *awstest.Fault {
		if call == "GetObject" {
			return &awstest.Fault{Cut: n}
		}
		return nil
	})
}

func TestResumes(t *testing.T) {
	want, file := made(300)
	body := pack(t, file)
	tests := map[string]func(b *bench){
		"connections that break": func(b *bench) { b.cutAt(len(body) / 9) },
		"97 bytes each":          func(b *bench) { b.cutAt(97) },
		"connections that stall": func(b *bench) {
			b.server.Hook(func(string, *http.Request) *awstest.Fault { return &awstest.Fault{Cut: len(body) / 3, Hang: true} })
		},
		"some tries that bring nothing": func(b *bench) {
			n := 0
			b.server.Hook(func(string, *http.Request) *awstest.Fault {
				if n++; n%4 != 0 {
					return &awstest.Fault{}
				}
				return &awstest.Fault{Cut: len(body) / 3}
			})
		},
		"throttled": func(b *bench) {
			n := 0
			b.server.Hook(func(string, *http.Request) *awstest.Fault {
				if n++; n%3 != 0 {
					return &awstest.Fault{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."}
				}
				return &awstest.Fault{Cut: len(body) / 3}
			})
		},
	}
	for name, set := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench()
				b.server.Put("trail", key, body, nil)
				set(b)
				r, res := b.reader(t), new(result)
				o, err := r.Open(t.Context(), Ref{Bucket: "trail", Key: key}, res.done)
				require.NoError(t, err)
				got, err := readAll(t, o, nil)
				require.ErrorIs(t, err, io.EOF)
				assert.Equal(t, want, got)
				assert.Equal(t, []error{nil}, res.calls())
				assert.Positive(t, r.Stats().Resumes.Load())
				assert.EqualValues(t, len(body), r.Stats().BytesProcessed.Load())
			})
		})
	}
}

func TestBoundedTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, file := made(300)
		b := newBench()
		b.server.Put("trail", key, []byte(file), nil)
		n := 0
		b.server.Hook(func(string, *http.Request) *awstest.Fault {
			if n++; n == 1 {
				return &awstest.Fault{Cut: 5000}
			}
			return &awstest.Fault{}
		})
		res := new(result)
		o, err := b.reader(t).Open(t.Context(), Ref{Bucket: "trail", Key: key}, res.done)
		require.NoError(t, err)
		got, err := readAll(t, o, nil)
		assert.NotEmpty(t, got, "what came before")
		require.ErrorContains(t, err, "byte 5000 of")
		assert.False(t, IsContent(err), "nothing is wrong with the object")
		assert.Equal(t, aws.ClassNetwork, aws.ClassOf(err))
		assert.Equal(t, []error{err}, res.calls())
	})
}

func TestChangedObject(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, file := made(300)
		b := newBench()
		b.server.Put("trail", key, []byte(file), nil)
		n := 0
		b.server.Hook(func(string, *http.Request) *awstest.Fault {
			if n++; n == 1 {
				return &awstest.Fault{Cut: 5000}
			}
			return nil
		})
		o, err := b.reader(t).Open(t.Context(), Ref{Bucket: "trail", Key: key}, func(error) {})
		require.NoError(t, err)
		b.server.Put("trail", key, []byte(strings.Replace(file, "00000", "99999", 1)), nil)
		_, err = readAll(t, o, nil)
		assert.Equal(t, aws.ClassChanged, aws.ClassOf(err))
		assert.False(t, IsContent(err))
		assert.ErrorContains(t, err, "overwritten while it was read")
	})
}

func TestBrokenContent(t *testing.T) {
	_, file := made(300)
	for name, body := range map[string][]byte{
		"truncated gzip": pack(t, file)[:len(pack(t, file))-200],
		"truncated JSON": []byte(file[:len(file)-40]),
		"broken JSON":    []byte(file[:4000] + "}}}" + file[4000:]),
		"no JSON behind": []byte(file + "garbage"),
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.server.Put("trail", key, body, nil)
			res := new(result)
			o, err := b.reader(t).Open(t.Context(), Ref{Bucket: "trail", Key: key}, res.done)
			require.NoError(t, err)
			got, err := readAll(t, o, nil)
			assert.NotEmpty(t, got)
			require.True(t, IsContent(err), "%v", err)
			assert.ErrorContains(t, err, "s3://trail/"+key)
			assert.Equal(t, []error{err}, res.calls())
			assert.Equal(t, 1, b.server.Calls("GetObject"), "no use in trying again")
		})
	}
}

func TestContents(t *testing.T) {
	for name, test := range map[string]struct {
		key, body string
		want      []string
	}{
		"digest":            {strings.ReplaceAll(key, "/CloudTrail/", "/CloudTrail-Digest/"), `{"awsAccountId":"1","logFiles":[]}`, []string{`{"awsAccountId":"1","logFiles":[]}`}},
		"empty":             {key, "", nil},
		"no records":        {key, `{"Records":[]}`, nil},
		"a root array":      {key, `[{"eventId":"1"},{"eventId":"2"}]`, []string{`{"eventId":"1"}`, `{"eventId":"2"}`}},
		"lines":             {"a/b.ndjson", "{\"a\":1}\nnot JSON\n", []string{`{"a":1}`, "not JSON"}},
		"lines, compressed": {"a/b.jsonl.gz", "not JSON\n", []string{"not JSON"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench()
			b.server.Put("trail", test.key, []byte(test.body), nil)
			r, res := b.reader(t), new(result)
			assert.NotEqual(t, Ignored, r.Kind(test.key))
			o, err := r.Open(t.Context(), Ref{Bucket: "trail", Key: test.key}, res.done)
			require.NoError(t, err)
			got, err := readAll(t, o, nil)
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, test.want, got)
			assert.Equal(t, []error{nil}, res.calls())
		})
	}
}

func TestAcks(t *testing.T) {
	_, file := made(30)
	down := errors.New("the output is down")
	open := func(t *testing.T) (*Object, *result) {
		b := newBench()
		b.cfg.BatchMaxRecords = 10
		b.server.Put("trail", key, []byte(file), nil)
		res := new(result)
		o, err := b.reader(t).Open(t.Context(), Ref{Bucket: "trail", Key: key}, res.done)
		require.NoError(t, err)
		return o, res
	}
	t.Run("one fails", func(t *testing.T) {
		o, res := open(t)
		one, err := o.Next()
		require.NoError(t, err)
		one.Ack(down)
		assert.True(t, o.Failed())
		_, err = readAll2(o)
		require.ErrorIs(t, err, io.EOF)
		require.Len(t, res.calls(), 1)
		assert.ErrorIs(t, res.calls()[0], down)
		assert.ErrorIs(t, res.calls()[0], ErrNotDelivered)
	})
	t.Run("closed before the end", func(t *testing.T) {
		o, res := open(t)
		one, err := o.Next()
		require.NoError(t, err)
		o.Close()
		o.Close()
		assert.Empty(t, res.calls())
		one.Ack(nil)
		assert.Equal(t, []error{ErrGivenUp}, res.calls())
	})
	t.Run("from many goroutines", func(t *testing.T) {
		o, res := open(t)
		var wg sync.WaitGroup
		for {
			b, err := o.Next()
			if err != nil {
				break
			}
			wg.Go(func() { b.Ack(nil) })
		}
		wg.Wait()
		assert.Equal(t, []error{nil}, res.calls())
	})
}

func readAll2(o *Object) (n int, err error) {
	for {
		b, err := o.Next()
		if err != nil {
			return n, err
		}
		n += len(b.Records)
		b.Ack(nil)
	}
}

func TestOpenFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench()
		b.server.Put("trail", "there", nil, nil)
		called := func(error) { t.Error("done was called") }
		for name, test := range map[string]struct {
			ref   Ref
			fault *awstest.Fault
			class aws.Class
			says  string
		}{
			"no object": {ref: Ref{Bucket: "trail", Key: "gone"}, class: aws.ClassNoKey, says: "reading object s3://trail/gone: no such object (NoSuchKey)"},
			"no bucket": {ref: Ref{Bucket: "nowhere", Key: "gone"}, class: aws.ClassNoBucket, says: "check the name of the bucket"},
			"denied": {fault: &awstest.Fault{Status: 403, Code: "AccessDenied", Message: "Access Denied"}, class: aws.ClassAccessDenied,
				says: "allow s3:GetObject on arn:aws:s3:::trail/there (and kms:Decrypt"},
			"no use of the key": {fault: &awstest.Fault{Status: 403, Code: "AccessDenied",
				Message: "User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/k because no"},
				class: aws.ClassAccessDenied, says: "allow kms:Decrypt on arn:aws:kms:us-east-1:1:key/k in the IAM policy and in the policy of the key"},
			"archived": {fault: &awstest.Fault{Status: 403, Code: "InvalidObjectState"}, class: aws.ClassArchived, says: "restore it"},
			"throttled for good": {fault: &awstest.Fault{Status: 503, Code: "SlowDown", Message: "Please reduce your request rate."},
				class: aws.ClassThrottled, says: "throttled (SlowDown)"},
			"no connection": {fault: &awstest.Fault{Status: 0, Hang: true}, class: aws.ClassNetwork, says: "api_timeout"},
		} {
			b.server.Hook(func(string, *http.Request) *awstest.Fault { return test.fault })
			if test.ref.Bucket == "" {
				test.ref = Ref{Bucket: "trail", Key: "there"}
			}
			if name == "no connection" {
				b.server.Hook(nil)
				b.server.Handle("GetObject", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			}
			_, err := b.reader(t).Open(t.Context(), test.ref, called)
			require.ErrorContains(t, err, test.says, name)
			assert.Equal(t, test.class, aws.ClassOf(err), name)
			assert.NotContains(t, err.Error(), "very-secret")
			if name == "no connection" {
				b.server.Handle("GetObject", nil)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := b.reader(t).Open(ctx, Ref{Bucket: "trail", Key: "there"}, called)
		assert.Equal(t, context.Canceled, err)
	})
}

func TestOtherRegion(t *testing.T) {
	want, file := made(5)
	b := newBench()
	b.server.Bucket("far", "eu-west-1")
	b.server.Put("far", key, []byte(file), nil)
	r := b.reader(t)
	for range 3 {
		o, err := r.Open(t.Context(), Ref{Bucket: "far", Key: key, Region: "us-east-1"}, func(error) {})
		require.NoError(t, err)
		assert.Equal(t, "eu-west-1", o.Origin().Region)
		got, err := readAll(t, o, nil)
		require.ErrorIs(t, err, io.EOF)
		assert.Equal(t, want, got)
	}
	assert.Equal(t, 4, b.server.Calls("GetObject"), "found once")

	// Where the answer names no region, HeadBucket does.
	b = newBench()
	b.server.Bucket("far", "eu-west-1")
	b.server.Put("far", key, []byte(file), nil)
	b.server.Hook(func(call string, r *http.Request) *awstest.Fault {
		if call == "GetObject" && !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/") {
			return &awstest.Fault{Status: 301, Code: "PermanentRedirect"}
		}
		return nil
	})
	_, err := b.reader(t).Open(t.Context(), Ref{Bucket: "far", Key: key}, func(error) {})
	require.NoError(t, err)
	assert.Equal(t, 1, b.server.Calls("HeadBucket"))

	// Or the text of the error does.
	b.server.Hook(func(call string, r *http.Request) *awstest.Fault {
		if call == "GetObject" && !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/") {
			return &awstest.Fault{Status: 400, Code: "AuthorizationHeaderMalformed", Message: "the region 'us-east-1' is wrong; expecting 'eu-west-1'"}
		}
		return nil
	})
	_, err = b.reader(t).Open(t.Context(), Ref{Bucket: "far", Key: key}, func(error) {})
	require.NoError(t, err)
	assert.Equal(t, 1, b.server.Calls("HeadBucket"))
}

func TestContextEndsTheReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, file := made(300)
		b := newBench()
		b.server.Put("trail", key, []byte(file), nil)
		b.server.Hook(func(string, *http.Request) *awstest.Fault { return &awstest.Fault{Cut: 3000, Hang: true} })
		ctx, cancel := context.WithCancel(t.Context())
		res := new(result)
		o, err := b.reader(t).Open(ctx, Ref{Bucket: "trail", Key: key}, res.done)
		require.NoError(t, err)
		time.AfterFunc(time.Second, cancel)
		_, err = readAll(t, o, nil)
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, []error{context.Canceled}, res.calls())
	})
}
