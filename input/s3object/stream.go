package s3object

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/trailbeat/trailbeat/input/aws"
)

// stream is the content of an object, over as many connections as it takes.
type stream struct {
	ctx  context.Context
	r    *Reader
	ref  Ref
	call aws.Call

	info     Info
	metadata json.RawMessage
	user     map[string]string // metadata of the user

	body    io.ReadCloser
	cancel  context.CancelFunc // of the connection
	stall   *time.Timer        // calls cancel when nothing comes for api_timeout
	offset  int64
	tries   int   // in a row that brought nothing
	failure error // what ended it, but for io.EOF
}

// errBroken stands for failure towards the record reader, which must not look into it: an unexpected end of the connection
// is none of the content.
var errBroken = errors.New("the object cannot be read on")

func newStream(ctx context.Context, r *Reader, ref Ref) *stream {
	return &stream{ctx: ctx, r: r, ref: ref, call: aws.Call{
		Doing: "reading object", Target: ref.String(), Action: "s3:GetObject", Resource: objectARN(ref),
	}}
}

func objectARN(ref Ref) string {
	if strings.HasPrefix(ref.Bucket, "arn:") {
		return ref.Bucket + "/object/" + ref.Key
	}
	return aws.BucketARN(ref.Region, ref.Bucket) + "/" + ref.Key
}

// Read reads on, through a new connection where the old one broke.
func (s *stream) Read(p []byte) (int, error) {
	for s.failure == nil {
		if s.body == nil {
			if s.info.Size >= 0 && s.offset >= s.info.Size {
				return 0, io.EOF
			}
			if err := s.connect(); err != nil {
				s.failure = err
				break
			}
		}
		s.stall.Reset(s.r.deps.Session.Settings().APITimeout)
		n, err := s.body.Read(p)
		s.stall.Stop()
		if n > 0 {
			s.offset += int64(n)
			s.tries = 0
			s.r.stats.BytesProcessed.Add(int64(n))
			return n, nil // an error comes again
		}
		if err == nil {
			continue
		}
		complete := err == io.EOF && (s.info.Size < 0 || s.offset >= s.info.Size)
		s.disconnect()
		if complete {
			return 0, io.EOF
		}
		if err := s.wait(err); err != nil {
			s.failure = err
		}
	}
	return 0, errBroken
}

// wait is the pause before a connection is opened again, or what ends the reading: too many tries that brought nothing.
func (s *stream) wait(cause error) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if errors.Is(cause, io.EOF) {
		cause = io.ErrUnexpectedEOF
	}
	s.tries++
	if limit := s.r.deps.Session.Settings().Retry.MaxAttempts; s.tries >= limit {
		return s.call.Explain(&aws.Error{Call: s.call, Class: aws.ClassNetwork, Err: fmt.Errorf(
			"the connection broke at byte %d of %d, %d tries in a row brought nothing more: %w", s.offset, s.info.Size, s.tries, cause)})
	}
	s.r.stats.Resumes.Add(1)
	s.r.deps.Logger.Debug("a connection broke, the object is read on where it stopped",
		"aws.s3.object.key", s.ref.Key, "offset", s.offset, "error.message", cause.Error())
	pause := min(50*time.Millisecond<<s.tries, 10*time.Second)
	timer := time.NewTimer(pause/2 + rand.N(pause/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// connect asks for the object from the offset on.
func (s *stream) connect() error {
	err := s.r.deps.Session.InBucketRegion(s.ctx, s.ref.Bucket, s.ref.Region, func(client *s3.Client, region string) error {
		return s.get(client, region)
	})
	if err == nil {
		return nil
	}
	if ctxErr := s.ctx.Err(); ctxErr != nil {
		return ctxErr
	}
	err = s.call.Explain(err)
	var own *aws.Error
	if errors.As(err, &own) && own.Class == aws.ClassChanged {
		own.Hint = "it was overwritten while it was read; it is read anew with the next try"
	}
	return err
}

func (s *stream) get(client *s3.Client, region string) error {
	ctx, cancel := context.WithCancel(s.ctx)
	timeout := s.r.deps.Session.Settings().APITimeout
	stall := time.AfterFunc(timeout, cancel)
	in := &s3.GetObjectInput{Bucket: &s.ref.Bucket, Key: &s.ref.Key}
	if s.offset > 0 {
		in.Range = awssdk.String(fmt.Sprintf("bytes=%d-", s.offset))
		if s.info.ETag != "" {
			in.IfMatch = &s.info.ETag
		}
	}
	out, err := client.GetObject(ctx, in)
	if !stall.Stop() {
		cancel()
		if err == nil {
			_ = out.Body.Close()
		}
		return fmt.Errorf("%w (api_timeout: %s)", aws.ErrTimeout, timeout)
	}
	if err != nil {
		cancel()
		return err
	}
	if err := s.accept(out, region); err != nil {
		_ = out.Body.Close()
		cancel()
		return err
	}
	s.body, s.cancel, s.stall = out.Body, cancel, stall
	return nil
}

// accept checks that an answer goes on where the last one ended.
func (s *stream) accept(out *s3.GetObjectOutput, region string) error {
	if s.offset == 0 {
		s.info = Info{Size: -1, ETag: awssdk.ToString(out.ETag), Region: region}
		if out.ContentLength != nil {
			s.info.Size = *out.ContentLength
		}
		if out.LastModified != nil {
			s.info.LastModified = *out.LastModified
		}
		s.metadata = metadata(out, s.r.cfg.IncludeS3Metadata)
		s.user = out.Metadata
		return nil
	}
	if etag := awssdk.ToString(out.ETag); etag != s.info.ETag {
		return &aws.Error{Call: s.call, Class: aws.ClassChanged, Err: fmt.Errorf("its ETag was %s and is now %s", s.info.ETag, etag)}
	}
	if awssdk.ToString(out.ContentRange) == "" { // a server that knows no ranges: from the start again
		if _, err := io.CopyN(io.Discard, out.Body, s.offset); err != nil {
			return fmt.Errorf("reading up to byte %d again: %w", s.offset, err)
		}
		return nil
	}
	if want := fmt.Sprintf("bytes %d-", s.offset); !strings.HasPrefix(*out.ContentRange, want) {
		return fmt.Errorf("asked for the bytes from %d on, the answer has %q", s.offset, *out.ContentRange)
	}
	return nil
}

// metadata takes the wanted headers, their names in lower case, as Beats does.
func metadata(out *s3.GetObjectOutput, names []string) json.RawMessage {
	if len(names) == 0 {
		return nil
	}
	raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
	if !ok {
		return nil
	}
	found := make(map[string]string, len(names))
	for _, name := range names {
		if v := raw.Header.Values(http.CanonicalHeaderKey(name)); len(v) > 0 {
			found[strings.ToLower(name)] = strings.Join(v, ", ")
		}
	}
	if len(found) == 0 {
		return nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if e.Encode(found) != nil {
		return nil // a map of strings cannot fail
	}
	return bytes.TrimSpace(text.Bytes())
}

func (s *stream) disconnect() {
	if s.body == nil {
		return
	}
	s.cancel() // first: closing would read on to keep the connection
	_ = s.body.Close()
	s.body = nil
}

func (s *stream) close() { s.disconnect() }
