package awstest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is what a Hook answers instead of the server.
type Fault struct {
	// Status and Code of the error, such as 503 and SlowDown.
	Status  int
	Code    string
	Message string
	// Header of the answer.
	Header http.Header
	// Cut, where Status is 0, is the number of bytes of the body after which the connection breaks.
	Cut int
	// Hang, where it is set, waits until the caller gives up: before the answer, or after Cut bytes of it.
	Hang bool
}

// Server is S3 and SQS. The zero value is ready for use. Safe for concurrent use.
type Server struct {
	mu      sync.Mutex
	objects map[string]*object // bucket/key
	buckets map[string]string  // region
	queues  map[string]*queue
	hook    func(call string, r *http.Request) *Fault
	extra   map[string]http.HandlerFunc
	calls   map[string]int
	changed chan struct{} // closed when a message comes
}

type object struct {
	body   []byte
	header http.Header
	etag   string
	// restored: "" not asked for, "true" under way, "false" over.
	restoring string
}

// Put stores an object. The bucket is in us-east-1 unless Bucket said otherwise. header may be nil.
func (s *Server) Put(bucket, key string, body []byte, header http.Header) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	if s.buckets[bucket] == "" {
		s.buckets[bucket] = "us-east-1"
	}
	sum := md5.Sum(body)
	s.objects[bucket+"/"+key] = &object{body: body, header: header, etag: `"` + hex.EncodeToString(sum[:]) + `"`}
}

// Remove deletes an object.
func (s *Server) Remove(bucket, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, bucket+"/"+key)
}

// Bucket makes a bucket in a region. Calls signed for another one are sent there.
func (s *Server) Bucket(name, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	s.buckets[name] = region
}

// Hook is asked before each call; nil answers as usual. A call is named GetObject, ReceiveMessage and so on.
func (s *Server) Hook(hook func(call string, r *http.Request) *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook
}

// Handle adds a call of another service, by its target, such as Logs_20140328.FilterLogEvents, or its Action, such as AssumeRole.
func (s *Server) Handle(call string, h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	s.extra[call] = h
}

// Calls says how often a call was made, those with a Fault included.
func (s *Server) Calls(call string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[call]
}

func (s *Server) init() {
	if s.objects != nil {
		return
	}
	s.objects, s.buckets, s.queues = map[string]*object{}, map[string]string{}, map[string]*queue{}
	s.extra, s.calls, s.changed = map[string]http.HandlerFunc{}, map[string]int{}, make(chan struct{})
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, body := name(r)
	s.mu.Lock()
	s.init()
	s.calls[call]++
	hook, extra := s.hook, s.extra[call]
	s.mu.Unlock()
	r.Body = io.NopCloser(bytes.NewReader(body))
	if hook != nil {
		if f := hook(call, r); f != nil {
			if f.Status == 0 {
				w = &cutter{ResponseWriter: w, left: f.Cut, hang: f.Hang, r: r}
			} else {
				for k, v := range f.Header {
					w.Header()[k] = v
				}
				fail(w, r, f.Status, f.Code, f.Message)
				return
			}
		}
	}
	switch {
	case extra != nil:
		extra(w, r)
	case r.Header.Get("X-Amz-Target") != "":
		s.queueCall(w, r, call, body)
	default:
		s.objectCall(w, r, call, body)
	}
}

// name says which call a request is.
func name(r *http.Request) (string, []byte) {
	body, _ := io.ReadAll(r.Body)
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(target, "AmazonSQS."), historyTarget), tableTarget), body
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		for pair := range strings.SplitSeq(string(body), "&") {
			if action, ok := strings.CutPrefix(pair, "Action="); ok {
				return action, body
			}
		}
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.Method == http.MethodPost && r.URL.Path == "/listRegions":
		return "ListRegions", body
	case r.Method == http.MethodHead && key == "":
		return "HeadBucket", body
	case r.Method == http.MethodHead:
		return "HeadObject", body
	case r.Method == http.MethodPut:
		return "PutObject", body
	case r.Method == http.MethodDelete:
		return "DeleteObject", body
	case r.Method == http.MethodPost && r.URL.Query().Has("restore"):
		return "RestoreObject", body
	case r.Method == http.MethodGet && r.URL.Query().Get("list-type") == "2":
		return "ListObjectsV2", body
	}
	return "GetObject", body
}

func fail(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	if r.Header.Get("X-Amz-Target") != "" || r.URL.Path == "/listRegions" {
		w.Header().Set("X-Amzn-Errortype", code)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": message})
		return
	}
	type reason struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}
	text, _ := xml.Marshal(reason{Code: code, Message: message})
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		text = []byte("<ErrorResponse>" + string(text) + "</ErrorResponse>")
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text)
	}
}

func (s *Server) objectCall(w http.ResponseWriter, r *http.Request, call string, content []byte) {
	path := strings.TrimPrefix(r.URL.Path, "/")
	bucket, _, _ := strings.Cut(path, "/")
	s.mu.Lock()
	region, o := s.buckets[bucket], s.objects[path]
	s.mu.Unlock()
	if region == "" {
		fail(w, r, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
		return
	}
	w.Header().Set("X-Amz-Bucket-Region", region)
	if !strings.Contains(r.Header.Get("Authorization"), "/"+region+"/s3/") {
		fail(w, r, http.StatusMovedPermanently, "PermanentRedirect", "The bucket must be addressed at another endpoint")
		return
	}
	switch call {
	case "HeadBucket":
		return
	case "ListObjectsV2":
		s.list(w, r, bucket)
		return
	case "PutObject", "DeleteObject", "RestoreObject":
		s.change(w, r, call, path, content)
		return
	}
	if o == nil {
		fail(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && match != o.etag {
		fail(w, r, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
		return
	}
	h := w.Header()
	for k, v := range o.header {
		h[k] = v
	}
	if s.archived(h, o) && call == "GetObject" {
		fail(w, r, http.StatusForbidden, "InvalidObjectState", "The operation is not valid for the object's storage class")
		return
	}
	h.Set("ETag", o.etag)
	h.Set("Last-Modified", time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC).Format(http.TimeFormat))
	body, status := o.body, http.StatusOK
	if from, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
		at, _ := strconv.Atoi(strings.TrimSuffix(from, "-"))
		if at >= len(body) {
			fail(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The requested range is not satisfiable")
			return
		}
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(body)-1, len(body)))
		body, status = body[at:], http.StatusPartialContent
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// cutter breaks the connection within the body.
type cutter struct {
	http.ResponseWriter
	left int
	hang bool
	r    *http.Request
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) <= c.left {
		c.left -= len(p)
		return c.ResponseWriter.Write(p)
	}
	_, _ = c.ResponseWriter.Write(p[:c.left])
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
	if c.hang {
		<-c.r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}
