package useragent

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func TestFast(t *testing.T) {
	cases := []struct {
		ua   string
		want Info
	}{
		{"", Info{Name: "Other", DeviceName: "Other"}},
		{"[]", Info{Name: "Other", DeviceName: "Other"}},
		{"cloudformation.amazonaws.com", Info{Name: "Other", DeviceName: "Other"}},
		{"AWS Internal", Info{Name: "Other", DeviceName: "Other"}},
		{"aws-cli/1.2.3 Windows/10 botocore/1.4.22", Info{Name: "aws-cli", Version: "1.2.3", OSName: "Windows", DeviceName: "Spider"}},
		{"[Boto3/1.26.165 Python/3.10.6 Linux/5.19.0-46-generic]", Info{"Boto3", "1.26.165", "Linux", "5.19.0", "Linux 5.19.0", "Other"}},
		{"aws-sdk-java/2.20.1 Linux/5.10.0-x OpenJDK", Info{"aws-sdk-java", "2.20.1", "Linux", "5.10.0", "Linux 5.10.0", "Other"}},
		{sdkAgent, Info{Name: "aws-sdk-go", Version: "1.44.157", OSName: "Linux", DeviceName: "Other"}},
		{"some-tool/3.4 (x)", Info{Name: "some-tool", Version: "3.4", DeviceName: "Other"}},
		{"some-tool/dev", Info{Name: "Other", DeviceName: "Other"}},
		{"no product", Info{Name: "Other", DeviceName: "Other"}},
		{browserAgent, Info{"Chrome", "140.0.0.0", "Mac OS X", "10.15.7", "Mac OS X 10.15.7", "Mac"}},
		{"Mozilla/5.0 (Windows NT 6.1; WOW64; rv:24.0) Gecko/20100101 Firefox/24.0", Info{"Firefox", "24.0", "Windows", "7", "Windows 7", "Other"}},
		{"Mozilla/5.0 (iPhone; CPU iPhone OS 12_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.0 Mobile/15E148 Safari/604.1",
			Info{"Safari", "12.0", "iOS", "12.0", "iOS 12.0", "iPhone"}},
		{"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", Info{Name: "Googlebot", Version: "2.1", DeviceName: "Spider"}},
	}
	for _, c := range cases {
		t.Run(c.ua, func(t *testing.T) { require.Equal(t, c.want, fastParse(c.ua)) })
	}
}

func TestNumericVersion(t *testing.T) {
	for _, c := range []struct {
		in    string
		parts int
		want  string
	}{
		{"1.2.3.4", 3, "1.2.3"}, {"1.2.3.4", 4, "1.2.3.4"}, {"5.10.184-153", 3, "5.10.184"}, {"1.", 3, "1"}, {"1..2", 3, "1"}, {"", 3, ""}, {"x1", 3, ""}, {"12", 3, "12"},
	} {
		require.Equal(t, c.want, numericVersion(c.in, c.parts), c.in)
	}
}

// TestFastAgainstExact says how often the fast parser is right on real agents, and holds the line.
func TestFastAgainstExact(t *testing.T) {
	rules := testRules(t)
	same, agents := 0, realAgents(t)
	for _, ua := range agents {
		if got, want := fastParse(ua), rules.parse(ua); got == want {
			same++
		} else {
			t.Logf("%.120s\n  exact %+v\n  fast  %+v", ua, want, got)
		}
	}
	t.Logf("%d of %d the same", same, len(agents))
	require.Greater(t, same*100, len(agents)*90)
}

func FuzzParse(f *testing.F) {
	for _, a := range benchAgents {
		f.Add(a.ua)
	}
	f.Add("Mozilla/5.0 (")
	f.Add("Opera/9.80 (; ) Presto/")
	f.Fuzz(func(t *testing.T, ua string) {
		for _, info := range []Info{fastParse(ua), testRules(t).parse(ua)} {
			if info.OSVersion != "" && info.OSFull != info.OSName+" "+info.OSVersion || info.OSVersion == "" && info.OSFull != "" {
				t.Errorf("%q: %+v", ua, info)
			}
		}
	})
}
