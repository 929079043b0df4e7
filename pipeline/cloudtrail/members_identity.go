package cloudtrail

func (r *identityMembers) inIdentity(key string, unused *int32) slot {
	switch key {
	case "type":
		return slot{at: &r.kind}
	case "arn":
		return slot{at: &r.arn}
	case "accountId":
		return slot{at: &r.accountID}
	case "accessKeyId":
		return slot{at: &r.accessKeyID}
	case "principalId":
		return slot{at: &r.principalID}
	case "userName":
		return slot{at: &r.userName}
	case "invokedBy":
		return slot{at: &r.invokedBy}
	case "credentialId":
		return slot{at: &r.credentialID}
	case "identityProvider":
		return slot{at: &r.identityProvider}
	case "sessionContext":
		return slot{&r.session, inSession}
	case "onBehalfOf":
		return slot{&r.onBehalfOf, inOnBehalfOf}
	case "invokedByDelegate":
		return slot{unused, inDelegate}
	case "inScopeOf":
		return slot{unused, inScope}
	}
	return slot{at: unused}
}

// deeper knows what stands in the members of userIdentity.
func (r *identityMembers) deeper(in level, key string, unused *int32) slot {
	at := unused
	switch in {
	case inSession:
		return r.inSession(key, unused)
	case inAttributes:
		switch key {
		case "mfaAuthenticated":
			at = &r.mfa
		case "creationDate":
			at = &r.created
		}
	case inIssuer:
		switch key {
		case "type":
			at = &r.issuerType
		case "principalId":
			at = &r.issuerPrincipalID
		case "arn":
			at = &r.issuerARN
		case "accountId":
			at = &r.issuerAccountID
		case "userName":
			at = &r.issuerUserName
		}
	case inOnBehalfOf:
		switch key {
		case "userId":
			at = &r.onBehalfOfUserID
		case "identityStoreArn":
			at = &r.identityStoreARN
		}
	case inDelegate:
		if key == "accountId" {
			at = &r.delegateAccountID
		}
	case inScope:
		switch key {
		case "issuerType":
			at = &r.scopeIssuerType
		case "credentialsIssuedTo":
			at = &r.scopeIssuedTo
		case "sourceArn":
			at = &r.scopeARN
		case "sourceAccount":
			at = &r.scopeAccount
		}
	case inFederation:
		switch key {
		case "federatedProvider":
			at = &r.federatedProvider
		case "attributes":
			at = &r.federatedAttributes
		}
	}
	return slot{at: at}
}

func (r *identityMembers) inSession(key string, unused *int32) slot {
	switch key {
	case "attributes":
		return slot{unused, inAttributes}
	case "sessionIssuer":
		return slot{unused, inIssuer}
	case "webIdFederationData":
		return slot{unused, inFederation}
	case "ec2RoleDelivery":
		return slot{at: &r.ec2RoleDelivery}
	case "sourceIdentity":
		return slot{at: &r.sourceIdentity}
	case "signInSessionArn":
		return slot{at: &r.signInARN}
	case "assumedRoot":
		return slot{at: &r.assumedRoot}
	}
	return slot{at: unused}
}
