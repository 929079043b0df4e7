package useragent

import (
	"strings"

	"github.com/mssola/useragent"
)

// fastParse gives the quick answer: tokens for the tools of AWS, mssola/useragent for browsers. Its strings may be parts of ua.
func fastParse(ua string) Info {
	info := Info{Name: other, DeviceName: other}
	text := strings.Trim(ua, "[] ")
	if text == "" || isServicePrincipal(text) {
		return info
	}
	switch name, version, ok := toolToken(text); {
	case ok:
		info.Name, info.Version = name, version
		fastToolOS(&info, text)
	case strings.HasPrefix(text, "Mozilla/") || strings.HasPrefix(text, "Opera/"):
		fastBrowser(&info, text)
	default:
		if name, version, ok := leadingProduct(text); ok {
			info.Name, info.Version = name, version
		}
		fastToolOS(&info, text)
	}
	if isRobot(text) {
		info.DeviceName = "Spider"
	}
	return info
}

// isServicePrincipal tells "ec2.amazonaws.com", and AWS Internal with it, which name no product.
func isServicePrincipal(text string) bool {
	return text == "AWS Internal" || strings.Contains(text, ".amazonaws.com") && !strings.ContainsAny(text, " /")
}

// toolToken looks for the first "product/version" of a client of AWS, wherever it stands: Terraform and the consoles put others before it.
func toolToken(text string) (name, version string, ok bool) {
	for at := 0; at < len(text); {
		slash := strings.IndexByte(text[at:], '/')
		if slash < 0 {
			break
		}
		slash += at
		start := slash
		for start > at && isWordByte(text[start-1]) {
			start--
		}
		if name := text[start:slash]; isTool(name) {
			if v := numericVersion(text[slash+1:], 3); strings.Contains(v, ".") {
				return name, v, true
			}
		}
		at = slash + 1
	}
	return "", "", false
}

func isTool(name string) bool {
	switch name {
	case "Boto", "Boto3", "JetS3t", "s3fs", "aws-cli":
		return true
	}
	return strings.HasPrefix(name, "aws-sdk-") && len(name) > len("aws-sdk-")
}

// leadingProduct takes the first word's "product/version" apart.
func leadingProduct(text string) (name, version string, ok bool) {
	word, _, _ := strings.Cut(text, " ")
	name, rest, found := strings.Cut(word, "/")
	if !found || name == "" {
		return "", "", false
	}
	if version = numericVersion(rest, 3); version == "" {
		return "", "", false
	}
	return name, version, true
}

// numericVersion returns the leading numbers of s, at most parts of them.
func numericVersion(s string, parts int) string {
	end := 0
	for i := 0; ; i++ {
		digits := i
		for i < len(s) && '0' <= s[i] && s[i] <= '9' {
			i++
		}
		if i == digits {
			break
		}
		end = i
		if parts--; parts == 0 || i == len(s) || s[i] != '.' {
			break
		}
	}
	return s[:end]
}

// fastToolOS finds the system in the words that SDKs write: "Linux/5.10.184-...", "os/linux", "(go1.19; linux; amd64)", "Windows/10".
func fastToolOS(info *Info, text string) {
	if at := strings.Index(text, "Linux"); at >= 0 {
		rest := text[at+len("Linux"):]
		version := ""
		if rest != "" && (rest[0] == '/' || rest[0] == ' ') {
			if version = numericVersion(rest[1:], 3); !strings.Contains(version, ".") {
				version = ""
			}
		}
		info.setOS("Linux", version)
	} else if strings.Contains(text, "linux") {
		info.setOS("Linux", "")
	} else if strings.Contains(text, "Windows") {
		info.setOS("Windows", "")
	}
}

// fastBrowser lets mssola/useragent look at it.
func fastBrowser(info *Info, text string) {
	var ua useragent.UserAgent
	if !safely(func() { ua.Parse(text) }) {
		return
	}
	if name, version := ua.Browser(); name != "" {
		info.Name, info.Version = name, numericVersion(version, 4)
	}
	os := ua.OSInfo()
	switch {
	case os.Name == "":
	case strings.HasPrefix(os.Name, "iPhone OS"), os.Name == "OS" && ua.Platform() == "iPad":
		info.setOS("iOS", numericVersion(os.Version, 4))
	case os.Name == "Windows":
		info.setOS("Windows", os.Version)
	default:
		info.setOS(os.Name, numericVersion(os.Version, 4))
	}
	switch platform := ua.Platform(); {
	case platform == "Macintosh":
		info.DeviceName = "Mac"
	case platform == "iPhone", platform == "iPad":
		info.DeviceName = platform
	case ua.Model() != "":
		info.DeviceName = ua.Model()
	}
}

// safely runs f and says whether it came to its end. A text from the network must not end the process through somebody else's parser.
func safely(f func()) (ok bool) {
	defer func() { ok = recover() == nil }()
	f()
	return true
}

// isRobot looks for the words of robots, in any letter case. "botocore" is one of them, as in the exact parser.
func isRobot(text string) bool {
	for i := range len(text) {
		switch text[i] | 0x20 {
		case 'b':
			// "Boto3" is a library, "botocore" a robot: so say the rules of uap-core.
			if hasFold(text[i:], "bot") && !hasFold(text[i:], "boto3") {
				return true
			}
		case 's':
			if hasFold(text[i:], "spider") {
				return true
			}
		case 'c':
			if hasFold(text[i:], "crawl") {
				return true
			}
		}
	}
	return false
}

func hasFold(s, lower string) bool {
	return len(s) >= len(lower) && strings.EqualFold(s[:len(lower)], lower)
}

func isWordByte(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
