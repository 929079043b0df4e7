package s3

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// organised is a bucket of two trails, with what other services and people put beside them.
func organised() *fakeBucket {
	b := newBucket()
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	put := func(root, account, kind, region string) {
		b.put(fmt.Sprintf("%sAWSLogs/%s/%s/%s/%sa.json.gz", root, account, kind, region, at.Format(dayLayout)), "1")
	}
	for _, root := range []string{"", "prod/"} {
		for _, account := range []string{"o-abcdefghij/111122223333", "o-abcdefghij/444455556666", "111122223333"} {
			for _, region := range []string{"eu-west-1", "us-gov-east-1"} {
				put(root, account, "CloudTrail", region)
			}
		}
		put(root, "111122223333", "CloudTrail-Digest", "eu-west-1")
		put(root, "111122223333", "CloudTrail-Insight", "eu-west-1")
		put(root, "111122223333", "CloudTrail-NetworkActivity", "eu-west-1")
		put(root, "111122223333", "vpcflowlogs", "eu-west-1")
		put(root, "111122223333", "Config", "eu-west-1")
		b.put(root+"AWSLogs/111122223333/CloudTrail/", "folder, made by CloudTrail")
		b.put(root+"AWSLogs/readme.txt", "x")
		b.put(root+"AWSLogs/o-abcdefghij/notes/x", "x")
	}
	b.put("photos/2026/a.jpg", "x")
	return b
}

func TestDiscovery(t *testing.T) {
	tests := []struct {
		name, prefix      string
		accounts, regions []string
		exclude           string
		most              int
		want              int
		roots             []string
	}{
		{name: "all", want: 18, roots: []string{"AWSLogs/", "prod/AWSLogs/"}},
		{name: "pages of two", most: 2, want: 9, roots: []string{"AWSLogs/"}}, // folders above AWSLogs/ are only looked for on one page
		{name: "a trail", prefix: "prod/", want: 9, roots: []string{"prod/AWSLogs/"}},
		{name: "half a name", prefix: "pro", want: 9, roots: []string{"prod/AWSLogs/"}},
		{name: "half of AWSLogs", prefix: "prod/AWS", want: 9, roots: []string{"prod/AWSLogs/"}},
		{name: "AWSLogs", prefix: "AWSLogs/", want: 9, roots: []string{"AWSLogs/"}},
		{name: "an organisation", prefix: "AWSLogs/o-abcdefghij/", want: 4, roots: []string{"AWSLogs/"}},
		{name: "an account", prefix: "AWSLogs/o-abcdefghij/444455556666/", want: 2, roots: []string{"AWSLogs/"}},
		{name: "half an account", prefix: "AWSLogs/o-abcdefghij/4444", want: 2, roots: []string{"AWSLogs/"}},
		{name: "a kind", prefix: "prod/AWSLogs/111122223333/CloudTrail/", want: 2, roots: []string{"prod/AWSLogs/"}},
		{name: "a region", prefix: "prod/AWSLogs/111122223333/CloudTrail/eu-west-1/", want: 1, roots: []string{"prod/AWSLogs/"}},
		{name: "a day", prefix: "prod/AWSLogs/111122223333/CloudTrail/eu-west-1/2026/01/31/", want: 1, roots: []string{"prod/AWSLogs/"}},
		{name: "accounts", accounts: []string{"444455556666"}, want: 4, roots: []string{"AWSLogs/", "prod/AWSLogs/"}},
		{name: "regions", regions: []string{"us-gov-east-1"}, want: 6, roots: []string{"AWSLogs/", "prod/AWSLogs/"}},
		{name: "accounts and regions", accounts: []string{"111122223333"}, regions: []string{"us-gov-east-1"}, want: 4, roots: []string{"AWSLogs/", "prod/AWSLogs/"}},
		{name: "copies", exclude: "prod/", want: 9, roots: []string{"AWSLogs/"}},
		{name: "nothing", prefix: "photos/"},
		{name: "none such", prefix: "none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := organised()
			if test.most > 0 {
				b.most = test.most
			}
			d := &discovery{api: b, prefix: test.prefix, accounts: test.accounts, regions: test.regions, exclude: test.exclude}
			now := time.Now()
			list, err := d.scopes(t.Context(), now, false)
			require.NoError(t, err)
			assert.Equal(t, test.roots, d.roots)
			assert.Len(t, list, test.want, "%v", list)
			for _, s := range list {
				assert.Regexp(t, `^(prod/)?AWSLogs/(o-abcdefghij/)?`+s.account+"/"+s.kind+"/"+s.region+"/$", s.prefix)
			}
			again, err := d.scopes(t.Context(), now.Add(time.Minute), false)
			require.NoError(t, err)
			assert.Equal(t, list, again)
			again, err = d.scopes(t.Context(), now.Add(time.Hour), false)
			require.NoError(t, err)
			assert.Equal(t, list, again)
		})
	}
}

// A part that cannot be listed does not hide what is known.
func TestDiscoveryFails(t *testing.T) {
	b := organised()
	d := &discovery{api: b}
	now := time.Now()
	all, err := d.scopes(t.Context(), now, false)
	require.NoError(t, err)
	for name, fault := range map[string]func(listing) error{
		"all":             func(l listing) error { return transport(l.Prefix) },
		"an organisation": func(l listing) error { return when(l.Prefix == "AWSLogs/o-abcdefghij/", l) },
		"an account":      func(l listing) error { return when(l.Prefix == "AWSLogs/111122223333/", l) },
		"a kind":          func(l listing) error { return when(l.Prefix == "AWSLogs/111122223333/CloudTrail/", l) },
	} {
		t.Run(name, func(t *testing.T) {
			b.listFault = fault
			now = now.Add(time.Hour)
			list, err := d.scopes(t.Context(), now, false)
			assert.Error(t, err)
			assert.ElementsMatch(t, all, list)
		})
	}
}

func when(is bool, l listing) error {
	if is {
		return transport(l.Prefix)
	}
	return nil
}

func TestKindsThatAreLeftOut(t *testing.T) {
	cfg := testConfig()
	cfg.Objects.DigestRegex, cfg.Objects.InsightRegex = "", ""
	b := organised()
	in := testInput(t, b, cfg, store(), true)
	list, err := in.found.scopes(t.Context(), time.Now(), true)
	require.NoError(t, err)
	assert.Len(t, list, 14)
}

func TestDeepPrefixIsRead(t *testing.T) {
	b, cfg := newBucket(), testConfig()
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for day := range 3 {
		for _, region := range []string{"eu-west-1", "eu-west-2"} {
			key := trailKey("111122223333", region, at.AddDate(0, 0, day), "a")
			b.put(key, fmt.Sprint(region, " ", day))
		}
	}
	for prefix, want := range map[string][]string{
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02/":   {"eu-west-1 1", "eu-west-1 2"},
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/02":    {"eu-west-1 1", "eu-west-1 2"},
		"AWSLogs/111122223333/CloudTrail/eu-west-2/2026/02/01": {"eu-west-2 1"},
	} {
		cfg.BucketListPrefix = prefix
		assert.Equal(t, want, pass(t, b, cfg, store()), prefix)
	}
}
