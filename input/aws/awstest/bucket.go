package awstest

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Keys gives the keys of a bucket in their order.
func (s *Server) Keys(bucket string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var keys []string
	for path := range s.objects {
		if key, ok := strings.CutPrefix(path, bucket+"/"); ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Restored ends the restores that are under way, as hours do.
func (s *Server) Restored() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.objects {
		if o.restoring == "true" {
			o.restoring = "false"
		}
	}
}

// archived says whether an object with these headers (x-amz-storage-class, x-amz-archive-status) cannot be read, and adds what S3 tells of a restore.
func (s *Server) archived(h http.Header, o *object) bool {
	class := h.Get("X-Amz-Storage-Class")
	if class != "GLACIER" && class != "DEEP_ARCHIVE" && h.Get("X-Amz-Archive-Status") == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.restoring != "" {
		h.Set("X-Amz-Restore", `ongoing-request="`+o.restoring+`"`)
	}
	if o.restoring == "false" {
		h.Del("X-Amz-Archive-Status")
	}
	return o.restoring != "false"
}

type listed struct {
	Key, ETag, StorageClass, LastModified string
	Size                                  int
}

type prefix struct{ Prefix string }

type listAnswer struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
	CommonPrefixes        []prefix
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, bucket string) {
	q := r.URL.Query()
	most := 1000
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		most = n
	}
	from := q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		from = token
	}
	var answer listAnswer
	last, folder := "", ""
	for _, key := range s.Keys(bucket) {
		rest, ok := strings.CutPrefix(key, q.Get("prefix"))
		if !ok || key <= from {
			continue
		}
		s.mu.Lock()
		o := s.objects[bucket+"/"+key]
		s.mu.Unlock()
		name := ""
		if d := q.Get("delimiter"); d != "" {
			if head, _, inside := strings.Cut(rest, d); inside {
				name = q.Get("prefix") + head + d
			}
		}
		if name != "" && (name == folder || strings.HasPrefix(from, name)) {
			last = key
			continue
		}
		if len(answer.Contents)+len(answer.CommonPrefixes) == most {
			answer.IsTruncated, answer.NextContinuationToken = true, last
			break
		}
		last = key
		if name != "" {
			folder = name
			answer.CommonPrefixes = append(answer.CommonPrefixes, prefix{name})
			continue
		}
		class := o.header.Get("X-Amz-Storage-Class")
		if class == "" {
			class = "STANDARD"
		}
		answer.Contents = append(answer.Contents, listed{
			Key: key, ETag: o.etag, StorageClass: class, Size: len(o.body), LastModified: "2024-05-06T07:08:09.000Z",
		})
	}
	text, _ := xml.Marshal(answer) // strings and numbers
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_, _ = w.Write(text)
}

func (s *Server) change(w http.ResponseWriter, r *http.Request, call, path string, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[path]
	switch call {
	case "DeleteObject":
		delete(s.objects, path)
		w.WriteHeader(http.StatusNoContent)
	case "RestoreObject":
		switch {
		case o == nil:
			fail(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
		case o.restoring == "true":
			fail(w, r, http.StatusConflict, "RestoreAlreadyInProgress", "Object restore is already in progress")
		default:
			o.restoring = "true"
			w.WriteHeader(http.StatusAccepted)
		}
	case "PutObject":
		match, none := r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
		switch {
		case match != "" && o == nil:
			fail(w, r, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		case match != "" && o.etag != match, none == "*" && o != nil:
			fail(w, r, http.StatusPreconditionFailed, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
			return
		}
		sum := md5.Sum(content)
		o = &object{body: content, header: http.Header{}, etag: `"` + hex.EncodeToString(sum[:]) + `"`}
		s.objects[path] = o
		w.Header().Set("ETag", o.etag)
	}
}
