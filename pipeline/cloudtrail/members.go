package cloudtrail

import "github.com/trailbeat/trailbeat/pipeline/internal/tape"

// members are the top-level members of a record, as nodes; tape.None for what is missing or pruned.
type members struct {
	eventVersion, eventName, eventSource, eventCategory, eventType, eventID int32
	awsRegion, sourceIPAddress, userAgent                                   int32
	errorCode, errorMessage                                                 int32
	requestParameters, responseElements                                     int32
	additionalEventData, serviceEventDetails                                int32
	requestID, apiVersion, managementEvent, readOnly                        int32
	resources, recipientAccountID, sharedEventID, sharedEventIDOld          int32
	vpcEndpointID, vpcEndpointAccountID, addendum                           int32
	sessionCredentialFromConsole, tlsDetails, insightDetails                int32
	sourceIdentity                                                          int32

	// eventTime is there even where it is pruned: what is empty cannot be parsed, and that is said.
	eventTime int32

	identity identityMembers
	digest   digestMembers

	// movedUserName is the member of additionalEventData that became user.name, if it did.
	movedUserName int32
}

// identityMembers are the members of userIdentity that the mapping reads more than once.
type identityMembers struct {
	node                                        int32
	kind, arn, accountID, accessKeyID           int32
	principalID, userName, invokedBy            int32
	session, attributes, issuer                 int32
	issuerType, issuerPrincipalID, issuerARN    int32
	issuerAccountID, issuerUserName, onBehalfOf int32
	onBehalfOfUserID, identityStoreARN          int32
}

// digestMembers are the members that make a record a digest.
type digestMembers struct {
	any                                                bool
	accountID, startTime, endTime, bucket, object      int32
	fingerprint, fingerprintOld, algorithm             int32
	newest, oldest                                     int32
	previousBucket, previousObject, previousHash       int32
	previousHashAlgorithm, previousSignature, logFiles int32
}

// read finds the members of the record in one walk over it.
func (r *members) read(t *tape.Tape, root int32) {
	*r = members{}
	if !t.Is(root, tape.Object) {
		return
	}
	for i := t.First(root); i != tape.None; i = t.Next(root, i) {
		key := t.Key(i)
		if key == "eventTime" {
			r.eventTime = i
			continue
		}
		if t.Pruned(i) {
			continue
		}
		switch key {
		case "eventVersion":
			r.eventVersion = i
		case "userIdentity":
			r.identity.read(t, i)
		case "eventSource":
			r.eventSource = i
		case "eventName":
			r.eventName = i
		case "awsRegion":
			r.awsRegion = i
		case "sourceIPAddress":
			r.sourceIPAddress = i
		case "userAgent":
			r.userAgent = i
		case "errorCode":
			r.errorCode = i
		case "errorMessage":
			r.errorMessage = i
		case "requestParameters":
			r.requestParameters = i
		case "responseElements":
			r.responseElements = i
		case "additionalEventData":
			r.additionalEventData = i
		case "serviceEventDetails":
			r.serviceEventDetails = i
		case "requestID":
			r.requestID = i
		case "eventID":
			r.eventID = i
		case "readOnly":
			r.readOnly = i
		case "resources":
			r.resources = i
		case "eventType":
			r.eventType = i
		case "apiVersion":
			r.apiVersion = i
		case "managementEvent":
			r.managementEvent = i
		case "recipientAccountId":
			r.recipientAccountID = i
		case "sharedEventID":
			r.sharedEventID = i
		case "sharedEventId":
			r.sharedEventIDOld = i
		case "vpcEndpointId":
			r.vpcEndpointID = i
		case "vpcEndpointAccountId":
			r.vpcEndpointAccountID = i
		case "eventCategory":
			r.eventCategory = i
		case "addendum":
			r.addendum = i
		case "sessionCredentialFromConsole":
			r.sessionCredentialFromConsole = i
		case "tlsDetails":
			r.tlsDetails = i
		case "insightDetails":
			r.insightDetails = i
		case "sourceIdentity":
			r.sourceIdentity = i
		default:
			r.digest.take(key, i)
		}
	}
}

func (r *identityMembers) read(t *tape.Tape, node int32) {
	r.node = node
	if t.Kind(node) != tape.Object {
		return
	}
	for i := t.First(node); i != tape.None; i = t.Next(node, i) {
		if t.Pruned(i) {
			continue
		}
		switch t.Key(i) {
		case "type":
			r.kind = i
		case "arn":
			r.arn = i
		case "accountId":
			r.accountID = i
		case "accessKeyId":
			r.accessKeyID = i
		case "principalId":
			r.principalID = i
		case "userName":
			r.userName = i
		case "invokedBy":
			r.invokedBy = i
		case "sessionContext":
			r.session = i
			r.attributes = t.Member(i, "attributes")
			r.issuer = t.Member(i, "sessionIssuer")
			r.issuerType = t.Member(r.issuer, "type")
			r.issuerPrincipalID = t.Member(r.issuer, "principalId")
			r.issuerARN = t.Member(r.issuer, "arn")
			r.issuerAccountID = t.Member(r.issuer, "accountId")
			r.issuerUserName = t.Member(r.issuer, "userName")
		case "onBehalfOf":
			r.onBehalfOf = i
			r.onBehalfOfUserID = t.Member(i, "userId")
			r.identityStoreARN = t.Member(i, "identityStoreArn")
		}
	}
}

// take keeps i if key is one of a digest.
func (r *digestMembers) take(key string, i int32) {
	var to *int32
	switch key {
	case "awsAccountId":
		to = &r.accountID
	case "digestStartTime":
		to = &r.startTime
	case "digestEndTime":
		to = &r.endTime
	case "digestS3Bucket":
		to = &r.bucket
	case "digestS3Object":
		to = &r.object
	case "digestPublicKeyFingerprint":
		to = &r.fingerprint
	case "publicKeyFingerprint":
		to = &r.fingerprintOld
	case "digestSignatureAlgorithm":
		to = &r.algorithm
	case "newestEventTime":
		to = &r.newest
	case "oldestEventTime":
		to = &r.oldest
	case "previousDigestS3Bucket":
		to = &r.previousBucket
	case "previousDigestS3Object":
		to = &r.previousObject
	case "previousDigestHashValue":
		to = &r.previousHash
	case "previousDigestHashAlgorithm":
		to = &r.previousHashAlgorithm
	case "previousDigestSignature":
		to = &r.previousSignature
	case "logFiles":
		to = &r.logFiles
	default:
		return
	}
	*to = i
	r.any = true
}
