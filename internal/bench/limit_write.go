package bench

import "bytes"

// appendTo appends the action and the document of a record, whose text is original.
func (f *fields) appendTo(b, original []byte) []byte {
	b = append(b, `{"create":{"_index":"`+index+`","_id":"`...)
	b = append(b, f.eventID...)
	b = append(b, "\"}}\n{"...)
	if f.eventTime != nil {
		b = append(b, `"@timestamp":"`...)
		b = append(b, f.eventTime[:len(f.eventTime)-1]...)
		b = append(b, `.000Z",`...)
	}
	b = append(b, `"aws":{"cloudtrail":{`...)
	b = field(b, `"error_code":"`, f.errorCode)
	b = field(b, `"error_message":"`, f.errorMessage)
	b = field(b, `"event_category":"`, f.eventCategory)
	b = field(b, `"event_type":"`, f.eventType)
	b = field(b, `"event_version":"`, f.eventVersion)
	b = field(b, `"management_event":"`, f.management)
	b = field(b, `"recipient_account_id":"`, f.recipient)
	b = field(b, `"request_id":"`, f.requestID)
	b = field(b, `"session_credential_from_console":"`, f.fromConsole)
	b = field(b, `"shared_event_id":"`, f.sharedEventID)
	b = field(b, `"vpc_endpoint_id":"`, f.vpcEndpointID)
	if f.readOnly != nil {
		b = append(b, `"read_only":`...)
		b = append(b, f.readOnly...)
		b = append(b, ',')
	}
	b = f.identity(b)
	b = closed(b)
	b = append(b, `},"cloud":{"provider":"aws",`...)
	account := f.accountID
	if account == nil {
		account = f.recipient
	}
	if account != nil {
		b = append(b, `"account":{"id":"`...)
		b = append(b, account...)
		b = append(b, `"},`...)
	}
	b = field(b, `"region":"`, f.region)
	if service, ok := bytes.CutSuffix(f.eventSource, amazon); ok {
		b = append(b, `"service":{"name":"`...)
		b = append(b, service...)
		b = append(b, `"},`...)
	}
	b = closed(b)
	if f.errorCode != nil || f.errorMessage != nil {
		b = append(b, `,"event":{"kind":"event","outcome":"failure",`...)
	} else {
		b = append(b, `,"event":{"kind":"event","outcome":"success",`...)
	}
	b = field(b, `"action":"`, f.eventName)
	b = field(b, `"id":"`, f.eventID)
	b = field(b, `"provider":"`, f.eventSource)
	b = append(b, `"original":"`...)
	b = escaped(b, original)
	b = append(b, `"}`...)
	if f.sourceAddress != nil {
		b = append(b, `,"source":{`...)
		b = field(b, `"address":"`, f.sourceAddress)
		if looksLikeIP(f.sourceAddress) {
			b = field(b, `"ip":"`, f.sourceAddress)
		}
		b = closed(b)
	}
	if f.cipher != nil || f.serverName != nil {
		b = append(b, `,"tls":{`...)
		b = field(b, `"cipher":"`, f.cipher)
		if f.serverName != nil {
			b = append(b, `"client":{"server_name":"`...)
			b = append(b, f.serverName...)
			b = append(b, `"},`...)
		}
		b = closed(b)
	}
	name := f.userName
	if f.issuerName != nil && (string(f.kind) == "AssumedRole" || string(f.kind) == "FederatedUser") {
		name = f.issuerName
	}
	if name != nil || f.principalID != nil {
		b = append(b, `,"user":{`...)
		b = field(b, `"id":"`, f.principalID)
		b = field(b, `"name":"`, name)
		b = closed(b)
	}
	if f.userAgent != nil {
		b = append(b, `,"user_agent":{"original":"`...)
		b = append(b, f.userAgent...)
		b = append(b, `"}`...)
	}
	return append(b, "}\n"...)
}

var amazon = []byte(".amazonaws.com")

// identity appends the group user_identity.
func (f *fields) identity(b []byte) []byte {
	if f.kind == nil && f.arn == nil && f.accessKeyID == nil && f.invokedBy == nil && f.mfa == nil && f.created == nil && f.issuerType == nil {
		return b
	}
	b = append(b, `"user_identity":{`...)
	b = field(b, `"access_key_id":"`, f.accessKeyID)
	b = field(b, `"arn":"`, f.arn)
	b = field(b, `"invoked_by":"`, f.invokedBy)
	b = field(b, `"type":"`, f.kind)
	issuer := f.issuerType != nil || f.issuerPrincipal != nil || f.issuerARN != nil || f.issuerAccount != nil
	if f.mfa != nil || f.created != nil || issuer {
		b = append(b, `"session_context":{`...)
		b = field(b, `"mfa_authenticated":"`, f.mfa)
		if f.created != nil {
			b = append(b, `"creation_date":"`...)
			b = append(b, f.created[:len(f.created)-1]...)
			b = append(b, `.000Z",`...)
		}
		if issuer {
			b = append(b, `"session_issuer":{`...)
			b = field(b, `"type":"`, f.issuerType)
			b = field(b, `"principal_id":"`, f.issuerPrincipal)
			b = field(b, `"arn":"`, f.issuerARN)
			b = field(b, `"account_id":"`, f.issuerAccount)
			b = append(closed(b), ',')
		}
		b = append(closed(b), ',')
	}
	return append(closed(b), ',')
}

// field appends a string, if there is one, and a comma. name has the quote that opens the value.
func field(b []byte, name string, s []byte) []byte {
	if s == nil {
		return b
	}
	b = append(b, name...)
	b = append(b, s...)
	return append(b, `",`...)
}

// closed ends a group: the bracket takes the place of the last comma.
func closed(b []byte) []byte {
	if b[len(b)-1] == ',' {
		b[len(b)-1] = '}'
		return b
	}
	return append(b, '}')
}

// looksLikeIP tells addresses from the names of services.
func looksLikeIP(s []byte) bool {
	separated := false
	for _, c := range s {
		switch {
		case c == '.' || c == ':':
			separated = true
		case c-'0' > 9 && (c|0x20)-'a' > 5:
			return false
		}
	}
	return separated
}
