package verifytest

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Trail writes the files of one trail in one region. The fields are set before the first Hour, and may be changed between two: a bucket or
// prefix that changes is a trail that was changed, and the chain goes on.
type Trail struct {
	Sink   Sink
	Key    *Key
	Bucket string
	// Prefix of all keys, without a slash at its end. Default empty.
	Prefix string
	// Organization, where it is a trail of one.
	Organization    string
	Account, Region string
	// Name of the trail, and the region that it was made in; empty is Region.
	Name, Home string
	// Records are the records of each log file. Default 0: 3.
	Records int

	// Last is the digest that was written last; nil begins a new chain.
	Last *Digest

	serial int
}

// LogFile is one that was delivered.
type LogFile struct {
	Bucket, Key, Hash string
	Oldest, Newest    time.Time
}

// Digest is one that was delivered.
type Digest struct {
	Bucket, Key string
	// Content is not compressed.
	Content   []byte
	Hash      string
	Signature string
	Start     time.Time
	End       time.Time
	Logs      []LogFile
}

const isoLayout = "2006-01-02T15:04:05Z"

// Folder of a kind.
func (t *Trail) Folder(kind string) string {
	var parts []string
	for _, p := range []string{t.Prefix, "AWSLogs", t.Organization, t.Account, kind, t.Region} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "/") + "/"
}

// Log delivers one log file.
func (t *Trail) Log(at time.Time) (LogFile, error) { return t.LogOf("CloudTrail", at) }

// LogOf delivers one of another kind, such as CloudTrail-Insight.
func (t *Trail) LogOf(kind string, at time.Time) (LogFile, error) {
	t.serial++
	n := t.Records
	if n == 0 {
		n = 3
	}
	var content bytes.Buffer
	content.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			content.WriteByte(',')
		}
		fmt.Fprintf(&content, `{"eventVersion":"1.11","userIdentity":{"type":"AWSService","invokedBy":"backup.amazonaws.com"},"eventTime":%q,`+
			`"eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":%q,"sourceIPAddress":"backup.amazonaws.com","userAgent":"backup.amazonaws.com",`+
			`"requestParameters":{"encryptionAlgorithm":"SYMMETRIC_DEFAULT","encryptionContext":{"serial":"%d-%d","hash":"%x"}},"responseElements":null,`+
			`"requestID":"%[3]d-%[4]d","eventID":"%08[3]x-0000-4000-8000-%012[4]x","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,`+
			`"recipientAccountId":%[6]q,"eventCategory":"Management"}`,
			at.Format(isoLayout), t.Region, t.serial, i, sha256.Sum256([]byte{byte(t.serial), byte(t.serial >> 8), byte(i)}), t.Account)
	}
	content.WriteString("]}")
	unique := sha256.Sum256(fmt.Append(nil, t.Name, t.Bucket, t.serial, kind))
	f := LogFile{
		Bucket: t.Bucket, Oldest: at.Add(-5 * time.Minute), Newest: at,
		Key: t.Folder(kind) + at.Format("2006/01/02/") + t.Account + "_" + kind + "_" + t.Region + "_" + at.Format("20060102T1504Z") + "_" +
			hex.EncodeToString(unique[:8]) + ".json.gz",
	}
	f.Hash = sum(content.Bytes())
	return f, t.Sink.Put(f.Bucket, f.Key, Pack(content.Bytes()), nil)
}

// Hour delivers as many log files, and the digest of the hour that begins at start. None is an hour in which nothing happened.
func (t *Trail) Hour(start time.Time, logs int) (*Digest, error) {
	var list []LogFile
	for i := range logs {
		f, err := t.Log(start.Add(time.Duration(i) * time.Hour / time.Duration(logs)))
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return t.Digest(start, start.Add(time.Hour), list)
}

// Digest delivers a digest that names log files, and that follows Last.
func (t *Trail) Digest(start, end time.Time, logs []LogFile) (*Digest, error) {
	d, metadata, err := t.Sign(start, end, logs, "")
	if err != nil {
		return nil, err
	}
	t.Last = d
	return d, t.Sink.Put(d.Bucket, d.Key, Pack(d.Content), metadata)
}

// Backfill delivers a backfill digest, which names log files that another left out. It changes nothing about Last.
func (t *Trail) Backfill(start, end, generated time.Time, logs []LogFile) (*Digest, error) {
	last := t.Last
	t.Last = nil
	d, metadata, err := t.Sign(start, end, logs, "_backfill")
	t.Last = last
	if err != nil {
		return nil, err
	}
	metadata["backfill-generation-timestamp"] = generated.Format(isoLayout)
	return d, t.Sink.Put(d.Bucket, d.Key, Pack(d.Content), metadata)
}

// Run delivers hours one after the other.
func (t *Trail) Run(start time.Time, hours, logs int) ([]*Digest, error) {
	var list []*Digest
	for i := range hours {
		d, err := t.Hour(start.Add(time.Duration(i)*time.Hour), logs)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// Sign makes a digest and its metadata, and delivers nothing.
func (t *Trail) Sign(start, end time.Time, logs []LogFile, suffix string) (*Digest, map[string]string, error) {
	home := t.Home
	if home == "" {
		home = t.Region
	}
	d := &Digest{
		Bucket: t.Bucket, Start: start, End: end, Logs: logs,
		Key: t.Folder("CloudTrail-Digest") + end.Format("2006/01/02/") + t.Account + "_CloudTrail-Digest_" + t.Region + "_" + t.Name + "_" + home + "_" +
			end.Format("20060102T150405Z") + suffix + ".json.gz",
	}
	doc := map[string]any{
		"awsAccountId": t.Account, "digestStartTime": start.Format(isoLayout), "digestEndTime": end.Format(isoLayout),
		"digestS3Bucket": d.Bucket, "digestS3Object": d.Key, "digestPublicKeyFingerprint": t.Key.Fingerprint,
		"digestSignatureAlgorithm": "SHA256withRSA", "newestEventTime": nil, "oldestEventTime": nil,
		"previousDigestS3Bucket": nil, "previousDigestS3Object": nil, "previousDigestHashValue": nil, "previousDigestHashAlgorithm": nil,
		"previousDigestSignature": nil,
	}
	files := []map[string]any{}
	for _, f := range logs {
		files = append(files, map[string]any{
			"s3Bucket": f.Bucket, "s3Object": f.Key, "hashValue": f.Hash, "hashAlgorithm": "SHA-256",
			"newestEventTime": f.Newest.Format(isoLayout), "oldestEventTime": f.Oldest.Format(isoLayout),
		})
		doc["newestEventTime"], doc["oldestEventTime"] = f.Newest.Format(isoLayout), logs[0].Oldest.Format(isoLayout)
	}
	doc["logFiles"] = files
	previous := "null"
	if last := t.Last; last != nil {
		previous = last.Signature
		doc["previousDigestS3Bucket"], doc["previousDigestS3Object"] = last.Bucket, last.Key
		doc["previousDigestHashValue"], doc["previousDigestHashAlgorithm"] = last.Hash, "SHA-256"
		doc["previousDigestSignature"] = last.Signature
	}
	content, err := json.Marshal(doc)
	if err != nil {
		return nil, nil, fmt.Errorf("writing a digest: %w", err)
	}
	d.Content, d.Hash = content, sum(content)
	d.Signature, err = t.Key.Sign(strings.Join([]string{end.Format(isoLayout), d.Bucket + "/" + d.Key, d.Hash, previous}, "\n"))
	return d, map[string]string{"signature": d.Signature, "signature-algorithm": "SHA256withRSA"}, err
}

func sum(content []byte) string {
	s := sha256.Sum256(content)
	return hex.EncodeToString(s[:])
}

// Pack compresses as CloudTrail does: one stream of gzip.
func Pack(content []byte) []byte {
	var out bytes.Buffer
	zip, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // that level exists
	_, _ = zip.Write(content)                           // into memory
	_ = zip.Close()
	return out.Bytes()
}

// Unpack is its opposite.
func Unpack(packed []byte) ([]byte, error) {
	zip, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	var out bytes.Buffer
	_, err = out.ReadFrom(zip)
	return out.Bytes(), err
}
