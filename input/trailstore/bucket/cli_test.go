package bucket

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/trailbeat/trailbeat/input/aws"
	"github.com/trailbeat/trailbeat/internal/verify"
	"github.com/trailbeat/trailbeat/internal/verify/verifytest"
)

// cli is a server of the AWS APIs and the AWS CLI, which validates the same buckets.
type cli struct {
	t       *testing.T
	program string
	session *aws.Session
	url     string
	key     *verifytest.Key
}

// newCLI needs moto with the key that it gives out as CloudTrail's, as that of the shared stack is, and the AWS CLI.
func newCLI(t *testing.T) *cli {
	c := &cli{t: t, program: os.Getenv("TRAILBEAT_TEST_AWSCLI"), url: os.Getenv("TRAILBEAT_TEST_AWS_URL")}
	if c.program == "" {
		t.Skip("needs the AWS CLI: python3 -m venv DIR && DIR/bin/pip install awscli, then set TRAILBEAT_TEST_AWSCLI=DIR/bin/aws")
	}
	file := os.Getenv("STACK_DIGEST_KEY")
	if c.url == "" || file == "" {
		t.Skip(`needs a server of the AWS APIs and the key of its CloudTrail: eval "$(../shared/stack/aws up)"; export TRAILBEAT_TEST_AWS_URL=$AWS_ENDPOINT_URL`)
	}
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	block, _ := pem.Decode(data)
	require.NotNil(t, block)
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	require.NoError(t, err)
	c.key = keyOf(private)
	cfg := aws.DefaultConfig()
	cfg.AccessKeyID, cfg.SecretAccessKey, cfg.Endpoint = "test", "test", c.url
	c.session, err = aws.New(t.Context(), cfg, nil)
	require.NoError(t, err)
	t.Cleanup(c.session.Close)
	return c
}

func keyOf(private *rsa.PrivateKey) *verifytest.Key {
	sum := md5.Sum(x509.MarshalPKCS1PublicKey(&private.PublicKey))
	return &verifytest.Key{Private: private, Fingerprint: hex.EncodeToString(sum[:])}
}

// upload is the verifytest.Sink of buckets.
type upload struct{ c *cli }

func (u upload) Put(bucket, key string, body []byte, metadata map[string]string) error {
	_, err := u.c.session.S3("").PutObject(context.Background(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(body), Metadata: metadata})
	return err
}

// verdicts are what is wrong by key of the file, in words that both have in common.
type verdicts map[string]string

var (
	cliLine = regexp.MustCompile(`(?:\(backfill\) )?(Digest|Log) file\ts3://[^/]+/(\S+)\t(?:INVALID: )?(.*)`)
	cliGap  = regexp.MustCompile(`No log files were delivered by CloudTrail between (\S+) and (\S+)`)
)

// cliWords are the CLI's words, in ours.
var cliWords = map[string]string{
	"valid": "valid", "not found": "missing", "hash value doesn't match": "altered", "invalid format": "altered",
	"unexpected data after end of compressed stream": "altered", "has been moved from its original location": "altered",
	"signature verification failed": "altered or unsigned",
}

// validate asks the CLI.
func (c *cli) validate(trail *verifytest.Trail, bucket string, from, to time.Time) (files, gaps verdicts, code int) {
	c.t.Helper()
	home := trail.Home
	if home == "" {
		home = trail.Region
	}
	args := []string{
		"cloudtrail", "validate-logs", "--trail-arn", "arn:aws:cloudtrail:" + home + ":" + trail.Account + ":trail/" + trail.Name, "--verbose",
		"--start-time", from.Format(time.RFC3339), "--end-time", to.Format(time.RFC3339), "--region", trail.Region,
	}
	if trail.Organization == "" { // where a bucket is named, it does not look for the organization
		args = append(args, "--s3-bucket", bucket, "--account-id", trail.Account)
		if trail.Prefix != "" {
			args = append(args, "--s3-prefix", trail.Prefix)
		}
	} else {
		args = append(args, "--account-id", trail.Account)
	}
	cmd := exec.Command(c.program, args...)
	cmd.Env = []string{
		"AWS_ENDPOINT_URL=" + c.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"HOME=" + c.t.TempDir(), "PATH=" + os.Getenv("PATH"),
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.NotNil(c.t, cmd.ProcessState, "%v", err)
	}
	files, gaps = verdicts{}, verdicts{}
	for _, m := range cliLine.FindAllStringSubmatch(string(out), -1) {
		word := cliWords[m[3]]
		if strings.HasPrefix(m[3], "public key not found") {
			word = "altered or unsigned"
		}
		if word == "" {
			word = m[3]
		}
		files[m[2]] = word
	}
	for _, m := range cliGap.FindAllStringSubmatch(string(out), -1) {
		gaps[m[1]] = m[2]
	}
	if len(files) == 0 {
		c.t.Logf("the CLI says: %s", out)
	}
	return files, gaps, cmd.ProcessState.ExitCode()
}

// verify asks Trailbeat.
func (c *cli) verify(trail *verifytest.Trail, bucket string, from, to time.Time) (files, gaps, more verdicts, verdict verify.Verdict) {
	c.t.Helper()
	cfg := aws.DefaultConfig()
	cfg.AccessKeyID, cfg.SecretAccessKey, cfg.Endpoint = "test", "test", c.url
	b, err := aws.ParseBucketARN("arn:aws:s3:::" + bucket)
	require.NoError(c.t, err)
	store, err := New(c.t.Context(), cfg, b, nil)
	require.NoError(c.t, err)
	defer func() { _ = store.Close() }()
	options := verify.Config{Store: store, Keys: store, From: from, To: to, MayEnd: true} // the CLI takes it for well
	options.Filter.Prefix = trail.Folder("X")[:strings.Index(trail.Folder("X"), "AWSLogs/")]
	v, err := verify.New(options)
	require.NoError(c.t, err)
	files, gaps, more = verdicts{}, verdicts{}, verdicts{}
	sum := verify.NewSummary(options, 1000)
	for item, err := range v.Run(c.t.Context()) {
		require.NoError(c.t, err)
		sum.Add(item)
		switch {
		case item.File != nil && item.File.Result == verify.NotCovered:
			more[item.File.Key] = string(item.File.Result)
		case item.File != nil:
			files[item.File.Key] = string(item.File.Result)
			if item.File.Reason == verify.ReasonOverlap {
				more[item.File.Key] = string(item.File.Reason)
				files[item.File.Key] = "valid"
			}
		case item.Gap != nil && item.Gap.Kind == verify.GapOff:
			gaps[item.Gap.From.Format(time.RFC3339)] = item.Gap.To.Format(time.RFC3339)
		case item.Fault != nil:
			c.t.Errorf("fault: %v", item.Fault.Err)
		}
	}
	return files, gaps, more, sum.Verdict()
}

func (c *cli) remove(bucket, key string) {
	c.t.Helper()
	_, err := c.session.S3("").DeleteObject(c.t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(c.t, err)
}

// change writes a file again, its uncompressed content or its metadata changed; nil leaves them.
func (c *cli) change(bucket, key string, content func([]byte) []byte, metadata func(map[string]string)) {
	c.t.Helper()
	out, err := c.session.S3("").GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	require.NoError(c.t, err)
	var body bytes.Buffer
	_, err = body.ReadFrom(out.Body)
	require.NoError(c.t, err)
	packed := body.Bytes()
	if content != nil {
		unpacked, err := verifytest.Unpack(packed)
		require.NoError(c.t, err)
		packed = verifytest.Pack(content(unpacked))
	}
	meta := maps.Clone(out.Metadata)
	if metadata != nil {
		metadata(meta)
	}
	require.NoError(c.t, upload{c}.Put(bucket, key, packed, meta))
}

// cliCase is a bucket that both look at.
type cliCase struct {
	name string
	do   func(c *cli, tr *verifytest.Trail, d []*verifytest.Digest)
	// more are files that only Trailbeat finds something of.
	more int
	// differs are those about which the two differ on purpose: KEY-OF digest and what the CLI says, and why.
	differs map[int]string
	// cliClean says that the CLI finds nothing, and Trailbeat does.
	cliClean bool
}

func cliCases() []cliCase {
	type D = []*verifytest.Digest
	type T = *verifytest.Trail
	byteOf := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(with), 1) }
	}
	return []cliCase{
		{name: "clean", do: func(*cli, T, D) {}},
		{name: "a byte of a log file", do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Logs[1].Key, byteOf("Decrypt", "decrypt"), nil)
		}},
		{name: "a log file removed", do: func(c *cli, tr T, d D) { c.remove(tr.Bucket, d[3].Logs[1].Key) }},
		{name: "a log file that is not compressed", do: func(c *cli, tr T, d D) {
			require.NoError(c.t, upload{c}.Put(tr.Bucket, d[3].Logs[1].Key, []byte(`{"Records":[]}`), nil))
		}},
		{name: "more behind a log file", do: func(c *cli, tr T, d D) {
			out, err := c.session.S3("").GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: &tr.Bucket, Key: &d[3].Logs[1].Key})
			require.NoError(c.t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(out.Body)
			require.NoError(c.t, err)
			require.NoError(c.t, upload{c}.Put(tr.Bucket, d[3].Logs[1].Key, append(body.Bytes(), verifytest.Pack(nil)...), nil))
		}},
		{name: "a log file cut", do: func(c *cli, tr T, d D) {
			out, err := c.session.S3("").GetObject(c.t.Context(), &s3.GetObjectInput{Bucket: &tr.Bucket, Key: &d[3].Logs[1].Key})
			require.NoError(c.t, err)
			var body bytes.Buffer
			_, err = body.ReadFrom(out.Body)
			require.NoError(c.t, err)
			require.NoError(c.t, upload{c}.Put(tr.Bucket, d[3].Logs[1].Key, body.Bytes()[:body.Len()-20], nil))
		}},
		{name: "a log file that no digest names", more: 1, cliClean: true, do: func(c *cli, tr T, d D) {
			_, err := tr.Log(d[3].Start.Add(7 * time.Minute))
			require.NoError(c.t, err)
		}},
		{name: "a byte of a digest", more: 2, do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Key, byteOf(d[3].Logs[0].Hash[:8], "00000000"), nil)
		}},
		{name: "a digest removed", more: 2, do: func(c *cli, tr T, d D) { c.remove(tr.Bucket, d[3].Key) }},
		{name: "two digests removed", more: 4, do: func(c *cli, tr T, d D) {
			c.remove(tr.Bucket, d[3].Key)
			c.remove(tr.Bucket, d[4].Key)
		}},
		{name: "the newest digest removed", more: 2, cliClean: true, do: func(c *cli, tr T, d D) { c.remove(tr.Bucket, d[len(d)-1].Key) }},
		{name: "a digest replaced by an older one", more: 2, do: func(c *cli, tr T, d D) {
			require.NoError(c.t, upload{c}.Put(tr.Bucket, d[3].Key, verifytest.Pack(d[2].Content), map[string]string{
				"signature": d[2].Signature, "signature-algorithm": "SHA256withRSA",
			}))
		}},
		{name: "digests signed with another key", more: 10, do: func(c *cli, tr T, d D) {
			forged := *tr
			key, err := verifytest.NewKey()
			require.NoError(c.t, err)
			forged.Key, forged.Last = key, d[2]
			for _, x := range d[3:] {
				_, err := forged.Digest(x.Start, x.End, x.Logs)
				require.NoError(c.t, err)
			}
		}},
		{name: "a digest signed with another key under CloudTrail's name", more: 2, do: func(c *cli, tr T, d D) {
			forged := *tr
			key, err := verifytest.NewKey()
			require.NoError(c.t, err)
			key.Fingerprint = tr.Key.Fingerprint
			forged.Key, forged.Last = key, d[6]
			_, err = forged.Digest(d[7].Start, d[7].End, d[7].Logs)
			require.NoError(c.t, err)
		}},
		// The next digest proves the content, so Trailbeat looks at the log files all the same.
		{name: "the signature of a digest removed", do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Key, nil, func(m map[string]string) { delete(m, "signature") })
		}},
		{name: "another signature", do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Key, nil, func(m map[string]string) { m["signature"] = d[2].Signature })
		}},
		// The CLI does not look at what stands there.
		{name: "another algorithm", cliClean: true, differs: map[int]string{3: "valid"}, do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Key, nil, func(m map[string]string) { m["signature-algorithm"] = "MD5withRSA" })
		}},
		{name: "a digest that is no JSON", more: 2, do: func(c *cli, tr T, d D) {
			c.change(tr.Bucket, d[3].Key, func([]byte) []byte { return []byte("no") }, nil)
		}},
		{name: "two digests of the same time", more: 1, cliClean: true, do: func(c *cli, tr T, d D) {
			_, err := tr.Digest(d[7].Start.Add(30*time.Minute), d[7].End.Add(30*time.Minute), nil)
			require.NoError(c.t, err)
		}},
		{name: "logging was off", do: func(c *cli, tr T, d D) {
			last := d[len(d)-1].End
			tr.Last = nil
			_, err := tr.Run(last.Add(3*time.Hour), 3, 2)
			require.NoError(c.t, err)
		}},
		{name: "an hour in which nothing happened", do: func(c *cli, tr T, d D) {
			_, err := tr.Run(d[len(d)-1].End, 2, 0)
			require.NoError(c.t, err)
		}},
		{name: "two trails", do: func(c *cli, tr T, d D) {
			other := *tr
			other.Name, other.Last = "other", nil
			_, err := other.Run(d[0].Start, 4, 0)
			require.NoError(c.t, err)
		}},
		{name: "a backfill digest", do: func(c *cli, tr T, d D) {
			late, err := tr.Log(d[3].Start.Add(10 * time.Minute))
			require.NoError(c.t, err)
			_, err = tr.Backfill(d[3].Start, d[3].End, d[7].End, []verifytest.LogFile{late})
			require.NoError(c.t, err)
		}},
	}
}

func TestAgreementWithTheAWSCLI(t *testing.T) {
	c := newCLI(t)
	begin := time.Date(2026, 3, 1, 22, 1, 31, 0, time.UTC) // over midnight
	for i, k := range cliCases() {
		t.Run(k.name, func(t *testing.T) {
			c.t = t
			tr, d := c.trail(i, begin)
			k.do(c, tr, d)
			from, to := begin, d[0].Start.Add(16*time.Hour)
			theirs, theirGaps, code := c.validate(tr, tr.Bucket, from, to)
			ours, gaps, more, verdict := c.verify(tr, tr.Bucket, from, to)
			assert.Len(t, more, k.more, "only we find: %v", more)
			if k.name == "two trails" { // the CLI is asked for one of them
				maps.DeleteFunc(ours, func(key, _ string) bool { return strings.Contains(key, "_other_") })
			}
			for n, word := range k.differs {
				assert.Equal(t, word, theirs[d[n].Key])
				assert.NotEqual(t, word, ours[d[n].Key])
				delete(theirs, d[n].Key)
				delete(ours, d[n].Key)
			}
			for key, word := range theirs {
				if word == "altered or unsigned" && (ours[key] == "altered" || ours[key] == "unsigned") {
					theirs[key] = ours[key]
				}
			}
			c.unlooked(ours, theirs, d)
			assert.Equal(t, theirs, ours)
			assert.Equal(t, theirGaps, gaps)
			if code == 0 && !k.cliClean {
				assert.Equal(t, verify.VerdictValid, verdict)
			}
			if k.cliClean {
				assert.Zero(t, code)
				assert.NotEqual(t, verify.VerdictValid, verdict)
			} else if code != 0 {
				assert.Equal(t, verify.VerdictRefuted, verdict)
			}
			t.Logf("%d files, the CLI ends with %d, we say %s", len(theirs), code, verdict)
		})
	}
}

// unlooked takes out the log files of digests whose metadata were changed: the CLI does not look at them, and they are valid here as
// the next digest proves theirs.
func (c *cli) unlooked(ours, theirs verdicts, d []*verifytest.Digest) {
	for _, x := range d {
		if ours[x.Key] != "unsigned" {
			continue
		}
		for _, f := range x.Logs {
			if _, looked := theirs[f.Key]; !looked && ours[f.Key] == "valid" {
				delete(ours, f.Key)
			}
		}
	}
}

// trail makes eight hours in a bucket of their own, and the trail of the CLI.
func (c *cli) trail(n int, begin time.Time) (*verifytest.Trail, []*verifytest.Digest) {
	c.t.Helper()
	bucket := fmt.Sprintf("agree-%d-%d", n, time.Now().UnixNano())
	_, err := c.session.S3("").CreateBucket(c.t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	require.NoError(c.t, err)
	tr := &verifytest.Trail{Sink: upload{c}, Key: c.key, Bucket: bucket, Account: "123456789012", Region: "us-east-1", Name: "management_events"}
	d, err := tr.Run(begin, 8, 2)
	require.NoError(c.t, err)
	return tr, d
}

// A trail that was given another bucket: the CLI follows it there too.
func TestAgreementOverTwoBuckets(t *testing.T) {
	c := newCLI(t)
	begin := time.Date(2026, 3, 1, 22, 1, 31, 0, time.UTC)
	tr, d := c.trail(100, begin)
	bucket := tr.Bucket + "-new"
	_, err := c.session.S3("").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	require.NoError(t, err)
	tr.Bucket = bucket
	_, err = tr.Run(d[7].End, 4, 2)
	require.NoError(t, err)
	check := func() {
		theirs, theirGaps, _ := c.validate(tr, bucket, begin, begin.Add(12*time.Hour))
		ours, gaps, _, _ := c.verify(tr, bucket, begin, begin.Add(12*time.Hour))
		assert.Equal(t, theirs, ours)
		assert.Equal(t, theirGaps, gaps)
	}
	check()
	c.remove(d[3].Bucket, d[3].Logs[0].Key)
	c.change(d[5].Bucket, d[5].Logs[0].Key, func(b []byte) []byte { return append(b, ' ') }, nil)
	check()
}

// The trail of an organization: the CLI asks for the organization, and for the trail.
func TestAgreementOnAnOrganization(t *testing.T) {
	c := newCLI(t)
	begin := time.Date(2026, 3, 1, 22, 1, 31, 0, time.UTC)
	org := c.organization()
	bucket := fmt.Sprintf("agree-org-%d", time.Now().UnixNano())
	_, err := c.session.S3("").CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket})
	require.NoError(t, err)
	client := cloudtrail.NewFromConfig(c.session.Config("us-east-1"), func(o *cloudtrail.Options) { o.BaseEndpoint = &c.url })
	name := fmt.Sprintf("org%d", time.Now().UnixNano())
	_, err = client.CreateTrail(t.Context(), &cloudtrail.CreateTrailInput{
		Name: &name, S3BucketName: &bucket, S3KeyPrefix: awssdk.String("all"), IsOrganizationTrail: awssdk.Bool(true), IsMultiRegionTrail: awssdk.Bool(true),
	})
	require.NoError(t, err)
	tr := &verifytest.Trail{
		Sink: upload{c}, Key: c.key, Bucket: bucket, Prefix: "all", Organization: org, Account: "123456789012", Region: "us-east-1", Name: name,
	}
	d, err := tr.Run(begin, 6, 2)
	require.NoError(t, err)
	c.remove(bucket, d[2].Logs[0].Key)
	theirs, _, _ := c.validate(tr, bucket, begin, begin.Add(6*time.Hour))
	ours, _, _, _ := c.verify(tr, bucket, begin, begin.Add(6*time.Hour))
	require.NotEmpty(t, theirs)
	assert.Equal(t, theirs, ours)
	assert.Contains(t, slices.Collect(maps.Values(ours)), "missing")
}

// organization makes one, or finds it.
func (c *cli) organization() string {
	c.t.Helper()
	for _, verb := range [][]string{{"create-organization"}, {"describe-organization"}} {
		cmd := exec.Command(c.program, append([]string{"organizations"}, append(verb, "--query", "Organization.Id", "--output", "text")...)...)
		cmd.Env = []string{
			"AWS_ENDPOINT_URL=" + c.url, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
			"HOME=" + c.t.TempDir(), "PATH=" + os.Getenv("PATH"),
		}
		if out, err := cmd.Output(); err == nil {
			return strings.TrimSpace(string(out))
		}
	}
	c.t.Skip("the server knows no organizations")
	return ""
}
