package aws

import (
	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const defaultSessionName = "trailbeat"

// credentials puts the configured credentials in place of the chain's.
func (s *Session) credentials() {
	c := s.cfg
	name := c.RoleSessionName
	if name == "" {
		name = defaultSessionName
	}
	switch {
	case c.AccessKeyID != "":
		s.base.Credentials = credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
	case c.WebIdentity.TokenFile != "":
		token := stscreds.IdentityTokenFile(c.WebIdentity.TokenFile)
		s.base.Credentials = s.cache(stscreds.NewWebIdentityRoleProvider(s.linkSTS(), c.WebIdentity.RoleARN, token,
			func(o *stscreds.WebIdentityRoleOptions) { o.RoleSessionName, o.Duration = name, c.AssumeRole.Duration }))
	}
	chain := c.RoleChain
	if c.RoleARN != "" {
		chain = append([]Role{{RoleARN: c.RoleARN, ExternalID: c.ExternalID}}, chain...)
	}
	for _, r := range chain {
		// Each client keeps the credentials of the link before it.
		s.base.Credentials = s.cache(stscreds.NewAssumeRoleProvider(s.linkSTS(), r.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = name, c.AssumeRole.Duration
			if r.SessionName != "" {
				o.RoleSessionName = r.SessionName
			}
			if r.ExternalID != "" {
				o.ExternalID = awssdk.String(r.ExternalID)
			}
		}))
	}
}

// linkSTS is the client that fetches the keys of the next link with those of the links so far. Where there are none yet, keys that
// expired have nothing to be renewed from.
func (s *Session) linkSTS() *sts.Client {
	cfg := s.base.Copy()
	if len(s.renewal.caches) == 0 {
		cfg.Retryer = s.cfg.retryer(func(error) awssdk.Ternary { return awssdk.UnknownTernary })
	}
	return s.newSTS(cfg)
}

// cache keeps what a provider fetches until it expires, or is refused as expired.
func (s *Session) cache(p awssdk.CredentialsProvider) awssdk.CredentialsProvider {
	c := awssdk.NewCredentialsCache(p, func(o *awssdk.CredentialsCacheOptions) {
		o.ExpiryWindow, o.ExpiryWindowJitterFrac = s.cfg.AssumeRole.ExpiryWindow, 0.1
	})
	s.renewal.add(c)
	return c
}
