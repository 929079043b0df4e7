package aws

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// following are the credentials of the SDK's chain, which it makes anew when one of the shared files has changed: those who
// rotate keys rewrite the files, and the SDK reads them once only. A look at the files costs microseconds; it is taken before each call.
type following struct {
	files []string
	load  func(context.Context) (awssdk.Config, error)
	log   *slog.Logger

	mu    sync.Mutex
	seen  []stamp
	inner awssdk.CredentialsProvider
}

// stamp is by what a change of a file shows. The zero value is for one that is not there.
type stamp struct {
	at   time.Time
	size int64
}

// sharedFiles are the files that the SDK takes profiles from.
func sharedFiles(cfg Config) []string {
	other := func(name, otherwise string) string {
		if path := os.Getenv(name); path != "" {
			return path
		}
		return otherwise
	}
	keys := cfg.SharedCredentialFile
	if keys == "" {
		keys = other("AWS_SHARED_CREDENTIALS_FILE", config.DefaultSharedCredentialsFilename())
	}
	return []string{keys, other("AWS_CONFIG_FILE", config.DefaultSharedConfigFilename())}
}

// stamps looks at the files.
func stamps(files []string) []stamp {
	list := make([]stamp, len(files))
	for i, path := range files {
		if info, err := os.Stat(path); err == nil {
			list[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return list
}

func (f *following) changed(now []stamp) bool {
	for i, s := range now {
		if old := f.seen[i]; !s.at.Equal(old.at) || s.size != old.size {
			return true
		}
	}
	return false
}

// Retrieve gives the credentials as the files are now.
func (f *following) Retrieve(ctx context.Context) (awssdk.Credentials, error) {
	return f.current(ctx).Retrieve(ctx)
}

func (f *following) current(ctx context.Context) awssdk.CredentialsProvider {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := stamps(f.files)
	if !f.changed(now) {
		return f.inner
	}
	f.seen = now
	loaded, err := f.load(ctx)
	switch {
	case err != nil:
		f.log.Warn("the shared credentials changed and cannot be read; the old ones are used until they change again",
			"file.path", f.files[0], "error.message", err.Error())
	case isStatic(f.inner) && !isStatic(loaded.Credentials):
		// Somebody writes the file in place, and has not come to the keys.
		f.log.Warn("the shared credentials changed and hold no keys; the old ones are used until they change again", "file.path", f.files[0])
	default:
		f.inner = loaded.Credentials
		f.log.Info("the shared credentials changed and were read again", "file.path", f.files[0])
	}
	return f.inner
}

func isStatic(p awssdk.CredentialsProvider) bool {
	return awssdk.IsCredentialsProvider(p, credentials.StaticCredentialsProvider{})
}
