package aws

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/trailbeat/trailbeat/input"
)

// ErrTimeout says that a call with all its tries took longer than api_timeout.
var ErrTimeout = errors.New("no answer in time")

// Class is what kind of fault a call met: what decides what to do about it.
type Class uint8

// The classes.
const (
	// ClassOther is everything else.
	ClassOther Class = iota
	// ClassThrottled: too many calls. It passes by itself.
	ClassThrottled
	// ClassAccessDenied: an IAM, bucket, queue or key policy does not allow it.
	ClassAccessDenied
	// ClassCredentials: there are none, or they are wrong.
	ClassCredentials
	// ClassExpired: the credentials have expired.
	ClassExpired
	// ClassNoBucket, ClassNoKey, ClassNoQueue, ClassNoResource: it does not exist.
	ClassNoBucket
	ClassNoKey
	ClassNoQueue
	ClassNoResource
	// ClassRegion: it is in another region.
	ClassRegion
	// ClassKMS: the key that it is encrypted with cannot be used (disabled, deleted).
	ClassKMS
	// ClassArchived: the object is in an archive and must be restored first.
	ClassArchived
	// ClassChanged: the object is no longer the one that reading began with.
	ClassChanged
	// ClassRange: the range lies behind the end of the object.
	ClassRange
	// ClassNetwork: no connection, a broken one, or no answer in time. It passes by itself.
	ClassNetwork
	// ClassServer: a fault of the server (5xx). It passes by itself.
	ClassServer
	// ClassCanceled: the caller gave up.
	ClassCanceled
)

var classWords = map[Class]string{
	ClassOther: "failed", ClassThrottled: "throttled", ClassAccessDenied: "access denied", ClassCredentials: "no valid credentials",
	ClassExpired: "credentials expired", ClassNoBucket: "no such bucket", ClassNoKey: "no such object", ClassNoQueue: "no such queue",
	ClassNoResource: "does not exist", ClassRegion: "wrong region", ClassKMS: "encryption key not usable", ClassArchived: "object is archived",
	ClassChanged: "object has changed", ClassRange: "range not in the object", ClassNetwork: "network", ClassServer: "server error",
	ClassCanceled: "canceled",
}

// String gives the class in words.
func (c Class) String() string { return classWords[c] }

var classKinds = map[Class]string{
	ClassThrottled: input.KindThrottled, ClassAccessDenied: input.KindAccessDenied, ClassCredentials: input.KindCredentials,
	ClassExpired: input.KindExpired, ClassNoBucket: input.KindMissing, ClassNoKey: input.KindMissing, ClassNoQueue: input.KindMissing,
	ClassNoResource: input.KindMissing, ClassRegion: input.KindRegion, ClassKMS: input.KindEncryption, ClassArchived: input.KindArchived,
	ClassChanged: input.KindChanged, ClassNetwork: input.KindNetwork, ClassServer: input.KindServer,
}

// Kind gives the kind of the class in reports: one of input.ErrorKinds.
func (c Class) Kind() string {
	if kind, ok := classKinds[c]; ok {
		return kind
	}
	return input.KindOther
}

// Passing says that the fault may pass by itself, so that the call is worth another try.
func (c Class) Passing() bool {
	return c == ClassThrottled || c == ClassNetwork || c == ClassServer || c == ClassExpired
}

var codeClass = map[string]Class{
	"AccessDenied": ClassAccessDenied, "AccessDeniedException": ClassAccessDenied, "Forbidden": ClassAccessDenied,
	"AllAccessDisabled": ClassAccessDenied, "AccountProblem": ClassAccessDenied, "UnauthorizedOperation": ClassAccessDenied,
	"KMS.AccessDeniedException": ClassAccessDenied, "KmsAccessDenied": ClassAccessDenied, "AuthorizationError": ClassAccessDenied,
	"InvalidAccessKeyId": ClassCredentials, "SignatureDoesNotMatch": ClassCredentials, "InvalidClientTokenId": ClassCredentials,
	"UnrecognizedClientException": ClassCredentials, "AuthFailure": ClassCredentials, "MissingAuthenticationToken": ClassCredentials,
	"InvalidSignatureException": ClassCredentials, "IncompleteSignature": ClassCredentials, "InvalidToken": ClassCredentials,
	"RequestTimeTooSkewed": ClassCredentials, "InvalidIdentityToken": ClassCredentials, "IDPRejectedClaim": ClassCredentials,
	"ExpiredToken": ClassExpired, "ExpiredTokenException": ClassExpired, "RequestExpired": ClassExpired, "TokenRefreshRequired": ClassExpired,
	"NoSuchBucket": ClassNoBucket, "NoSuchKey": ClassNoKey, "NoSuchVersion": ClassNoKey,
	"QueueDoesNotExist": ClassNoQueue, "AWS.SimpleQueueService.NonExistentQueue": ClassNoQueue,
	"AWS.SimpleQueueService.QueueDeletedRecently": ClassNoQueue, "InvalidAddress": ClassNoQueue,
	"ResourceNotFoundException": ClassNoResource,
	"PermanentRedirect":         ClassRegion, "AuthorizationHeaderMalformed": ClassRegion, "TemporaryRedirect": ClassRegion,
	"MovedPermanently": ClassRegion, "IllegalLocationConstraintException": ClassRegion,
	"KMS.DisabledException": ClassKMS, "KMS.NotFoundException": ClassKMS, "KMS.InvalidStateException": ClassKMS,
	"KMS.KMSInvalidStateException": ClassKMS, "KmsDisabled": ClassKMS, "KmsInvalidState": ClassKMS, "KmsNotFound": ClassKMS,
	"InvalidObjectState": ClassArchived, "PreconditionFailed": ClassChanged, "InvalidRange": ClassRange,
	"KmsThrottled": ClassThrottled, "KMS.ThrottlingException": ClassThrottled, "OverLimit": ClassThrottled,
	"ServiceUnavailable": ClassServer, "InternalError": ClassServer, "InternalFailure": ClassServer, "RequestTimeout": ClassNetwork,
}

// ClassOf says what kind of fault err is. nil is ClassOther.
func ClassOf(err error) Class {
	var own *Error
	if errors.As(err, &own) {
		return own.Class
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		code := CodeOf(err)
		if c, ok := codeClass[code]; ok {
			return c
		}
		if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
			return ClassThrottled
		}
	}
	switch status := statusOf(err); {
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect:
		return ClassRegion
	case status == http.StatusForbidden:
		return ClassAccessDenied
	case status == http.StatusNotFound:
		return ClassNoKey // HEAD has no body that says what; the caller knows what it asked for
	case status == http.StatusPreconditionFailed:
		return ClassChanged
	case status == http.StatusRequestedRangeNotSatisfiable:
		return ClassRange
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable && api == nil:
		return ClassThrottled
	case status >= 500:
		return ClassServer
	}
	return networkClass(err)
}

// CodeOf is the code of the answer without a namespace, which some servers put before it ("com.amazonaws.sqs#..."). Empty where no
// answer came.
func CodeOf(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return ""
	}
	code := api.ErrorCode()
	return code[strings.LastIndexByte(code, '#')+1:]
}

func networkClass(err error) Class {
	var timeout net.Error
	switch {
	case err == nil:
		return ClassOther
	case errors.Is(err, ErrTimeout):
		return ClassNetwork
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ClassCanceled
	case isCredentialFault(err):
		return ClassCredentials
	case errors.As(err, &timeout), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return ClassNetwork
	}
	var send interface{ ConnectionError() bool }
	if errors.As(err, &send) && send.ConnectionError() {
		return ClassNetwork
	}
	return ClassOther
}

// isCredentialFault is for chains that end without credentials. The SDK has no type for that.
func isCredentialFault(err error) bool {
	text := err.Error()
	return strings.Contains(text, "get credentials:") || strings.Contains(text, "failed to refresh cached credentials") ||
		strings.Contains(text, "static credentials are empty")
}

func statusOf(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// Call is what was tried, for the error that says how to mend it.
type Call struct {
	// Doing is what was done: "reading object".
	Doing string
	// Target is what it was done to: "s3://bucket/key". May be empty.
	Target string
	// Action is the IAM action that it needs: "s3:GetObject".
	Action string
	// Resource is the ARN that the action must be allowed on. May be empty.
	Resource string
}

// Error is a call that failed: what, where, why, and how to mend it.
type Error struct {
	Call  Call
	Class Class
	// Code is that of AWS; empty where no answer came.
	Code string
	// Hint says how to mend it; empty where that cannot be said.
	Hint string
	Err  error
}

// Error says all of it in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Call.Doing)
	if e.Call.Target != "" {
		b.WriteString(" " + e.Call.Target)
	}
	b.WriteString(": " + e.Class.String())
	if e.Code != "" && e.Code != "Forbidden" && e.Code != "NotFound" {
		b.WriteString(" (" + e.Code + ")")
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	if text := causeText(e.Err); text != "" {
		b.WriteString("; the answer was: " + text)
	}
	return b.String()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrorKind is the kind of the fault in reports; see input.Explained.
func (e *Error) ErrorKind() string { return e.Class.Kind() }

// ErrorHint says how to mend it; empty where that cannot be said.
func (e *Error) ErrorHint() string { return e.Hint }

// causeText is the cause without the SDK's frame around it.
func causeText(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		text := strings.TrimSpace(api.ErrorMessage())
		if strings.EqualFold(text, api.ErrorCode()) {
			text = ""
		}
		if text == "" && statusOf(err) != 0 {
			text = "HTTP " + http.StatusText(statusOf(err))
		}
		var response *awshttp.ResponseError
		if errors.As(err, &response) && response.RequestID != "" {
			text += " (request " + response.RequestID + ")"
		}
		return strings.TrimSpace(text)
	}
	var where *url.Error
	if errors.As(err, &where) {
		return where.Err.Error()
	}
	return err.Error()
}

// Explain makes an *Error of what a call failed with. nil stays nil, and what is explained already stays as it is.
func (c Call) Explain(err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	e := &Error{Call: c, Class: ClassOf(err), Code: CodeOf(err), Err: err}
	e.Hint = c.hint(e, causeText(err))
	return e
}
