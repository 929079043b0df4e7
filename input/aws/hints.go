package aws

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/trailbeat/trailbeat/internal/lazyregexp"
)

var notAuthorized = lazyregexp.New(`not authorized to perform: ([a-z0-9-]+:[A-Za-z0-9*]+)(?: on resource: "?([^\s"]+))?`)

// hint says how what a call failed with is mended.
func (c Call) hint(e *Error, text string) string {
	if hint := credentialHint(e); hint != "" {
		return hint
	}
	switch e.Class {
	case ClassThrottled:
		return "it is tried again; lower number_of_workers or ask AWS for a higher quota if it stays"
	case ClassAccessDenied:
		return c.grant(e, text)
	case ClassCredentials:
		if e.Code == "RequestTimeTooSkewed" {
			return "set the clock of this machine right"
		}
		return "set access_key_id and secret_access_key, credential_profile_name, web_identity or a role of the machine, and check that they are valid in this account"
	case ClassExpired:
		return "give new keys, or use role_arn, web_identity or a profile, whose keys are renewed"
	case ClassNoBucket:
		return "check the name of the bucket and that it was not deleted"
	case ClassNoKey:
		return "it was deleted or never written"
	case ClassNoQueue:
		return "check queue_url (region, account and name)"
	case ClassRegion:
		return "set region to that of the bucket"
	case ClassKMS:
		return "enable the KMS key, or restore it, in the account that owns it"
	case ClassArchived:
		return "restore it from the archive, or move objects there later (lifecycle rule)"
	case ClassNetwork:
		return "check endpoint, proxy_url, DNS and firewalls if it stays"
	}
	return ""
}

// grant says which right is missing. Where AWS says it too, its word on the action counts; the resource is the one that `trailbeat
// export iam-policy` prints where the action is the one that was expected, as AWS shows forms that are no good in a policy, such as
// log-group:trail:log-stream: for a log group.
func (c Call) grant(e *Error, text string) string {
	action, resource := c.Action, c.Resource
	if m := notAuthorized().FindStringSubmatch(text); m != nil {
		if m[1] != action {
			action, resource = m[1], m[2]
		} else if resource == "" {
			resource = m[2]
		}
	} else if strings.HasPrefix(strings.ToLower(e.Code), "kms") {
		action, resource = "kms:Decrypt", "the key that it is encrypted with"
	}
	switch action {
	case "":
		return ""
	case "sts:GetCallerIdentity":
		return "no right is needed for that, so a policy denies it by name (identity, organisation, or VPC endpoint of STS); reading may work all the same"
	}
	hint := "allow " + action
	if resource != "" {
		hint += " on " + resource
	}
	switch {
	case strings.HasPrefix(action, "kms:"):
		hint += " in the IAM policy and in the policy of the key"
	case action == "s3:GetObject":
		hint += " (and kms:Decrypt on its key if it is encrypted with KMS; without s3:ListBucket a missing object is denied too)"
	}
	return hint
}

// credentialHint is for calls that did not come to what was asked, as their keys could not be fetched or have expired. Empty where
// that is not what went wrong.
func credentialHint(e *Error) string {
	var held *expiredError
	known := errors.As(e.Err, &held)
	switch fetchedBy(e.Err, e.Call.Action) {
	case "AssumeRole":
		switch e.Class {
		case ClassAccessDenied:
			return "the role cannot be assumed: allow sts:AssumeRole on role_arn (and on each role of role_chain) to the identity that assumes it, " +
				"and name that identity in the trust policy of the role, with the external_id that it asks for"
		case ClassExpired:
			if known {
				return held.base
			}
			return "the keys with which the role is assumed have expired; give new ones"
		case ClassCredentials:
			return "the keys with which the role is assumed are not valid; check access_key_id and secret_access_key, or the profile"
		}
	case "AssumeRoleWithWebIdentity":
		switch e.Class {
		case ClassAccessDenied, ClassCredentials:
			return "web_identity.role_arn cannot be assumed: its trust policy must name the identity provider, and the subject and audience of the token"
		case ClassExpired:
			return "the token in web_identity.token_file has expired; see that it is written anew, it is read again by itself"
		}
	}
	if e.Class == ClassExpired && known {
		return held.used
	}
	return ""
}

// fetchedBy names the call to STS that failed while keys were fetched for the call that was made; empty where it was that
// call itself that failed.
func fetchedBy(err error, action string) string {
	found := ""
	for op := new(smithy.OperationError); errors.As(err, &op); err = op.Err {
		if op.Service() == "STS" && action != "sts:"+op.Operation() {
			found = op.Operation() // the innermost: of a chain of roles the link that broke
		}
	}
	return found
}
