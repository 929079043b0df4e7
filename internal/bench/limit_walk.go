package bench

import "bytes"

// fields are the members of a record that the 40 fields are made of: strings as they stand between their quotes, nil for
// those that are missing or stand for nothing.
type fields struct {
	eventTime, eventName, eventSource, eventID, eventVersion, eventType, eventCategory []byte
	region, sourceAddress, userAgent, errorCode, errorMessage, requestID               []byte
	recipient, sharedEventID, vpcEndpointID, fromConsole, readOnly, management         []byte
	cipher, serverName                                                                 []byte
	kind, arn, accessKeyID, invokedBy, userName, principalID, accountID                []byte
	mfa, created, issuerType, issuerPrincipal, issuerARN, issuerAccount, issuerName    []byte
}

// members walks over the object at p and calls take for each member with the position of its value, from which take gives
// the end, or 0 to have it skipped. The result is the position behind the object, -1 where the data ends before it.
func (f *fields) members(d []byte, p int, take func(f *fields, d []byte, key []byte, p int) int) int {
	p++
	for p < len(d) {
		switch d[p] {
		case '}':
			return p + 1
		case '"':
		default:
			p++
			continue
		}
		end := stringEnd(d, p+1)
		if end < 0 {
			return -1
		}
		key := d[p+1 : end]
		for p = end + 1; p < len(d) && (d[p] == ':' || d[p] <= ' '); {
			p++
		}
		if p == len(d) {
			return -1
		}
		end = take(f, d, key, p)
		if end == 0 {
			end = skip(d, p)
		}
		if end < 0 {
			return -1
		}
		p = end
	}
	return -1
}

// stringEnd is the position of the quote that ends the string which starts at p.
func stringEnd(d []byte, p int) int {
	for {
		i := bytes.IndexByte(d[p:], '"')
		if i < 0 {
			return -1
		}
		end := p + i
		slashes := 0
		for end-slashes > p && d[end-slashes-1] == '\\' {
			slashes++
		}
		if slashes&1 == 0 {
			return end
		}
		p = end + 1
	}
}

// skip is the position behind the value at p.
func skip(d []byte, p int) int {
	switch d[p] {
	case '"':
		end := stringEnd(d, p+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case '{', '[':
		depth := 0
		for p < len(d) {
			switch d[p] {
			case '"':
				if p = stringEnd(d, p+1); p < 0 {
					return -1
				}
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return p + 1
				}
			}
			p++
		}
		return -1
	}
	for p < len(d) && d[p] != ',' && d[p] != '}' && d[p] != ']' {
		p++
	}
	if p == len(d) {
		return -1
	}
	return p
}

// str sets to from the string at p, if it is one, and gives the end of the value.
func str(to *[]byte, d []byte, p int) int {
	end := skip(d, p)
	if end < 0 || d[p] != '"' {
		return end
	}
	switch s := d[p+1 : end-1]; string(s) {
	case "", "-", "none":
	default:
		*to = s
	}
	return end
}

// word sets to from the bare word at p.
func word(to *[]byte, d []byte, p int) int {
	end := skip(d, p)
	if end > 0 && (d[p] == 't' || d[p] == 'f') {
		*to = d[p:end]
	}
	return end
}

// record walks over the record that starts at p.
func (f *fields) record(d []byte, p int) int { return f.members(d, p, takeRecord) }

func takeRecord(f *fields, d, key []byte, p int) int {
	switch string(key) {
	case "eventVersion":
		return str(&f.eventVersion, d, p)
	case "userIdentity":
		if d[p] == '{' {
			return f.members(d, p, takeIdentity)
		}
	case "eventTime":
		return str(&f.eventTime, d, p)
	case "eventSource":
		return str(&f.eventSource, d, p)
	case "eventName":
		return str(&f.eventName, d, p)
	case "awsRegion":
		return str(&f.region, d, p)
	case "sourceIPAddress":
		return str(&f.sourceAddress, d, p)
	case "userAgent":
		return str(&f.userAgent, d, p)
	case "errorCode":
		return str(&f.errorCode, d, p)
	case "errorMessage":
		return str(&f.errorMessage, d, p)
	case "requestID":
		return str(&f.requestID, d, p)
	case "eventID":
		return str(&f.eventID, d, p)
	case "readOnly":
		return word(&f.readOnly, d, p)
	case "eventType":
		return str(&f.eventType, d, p)
	case "managementEvent":
		return word(&f.management, d, p)
	case "recipientAccountId":
		return str(&f.recipient, d, p)
	case "sharedEventID":
		return str(&f.sharedEventID, d, p)
	case "vpcEndpointId":
		return str(&f.vpcEndpointID, d, p)
	case "eventCategory":
		return str(&f.eventCategory, d, p)
	case "sessionCredentialFromConsole":
		return str(&f.fromConsole, d, p)
	case "tlsDetails":
		if d[p] == '{' {
			return f.members(d, p, takeTLS)
		}
	}
	return 0
}

func takeIdentity(f *fields, d, key []byte, p int) int {
	switch string(key) {
	case "type":
		return str(&f.kind, d, p)
	case "principalId":
		return str(&f.principalID, d, p)
	case "arn":
		return str(&f.arn, d, p)
	case "accountId":
		return str(&f.accountID, d, p)
	case "accessKeyId":
		return str(&f.accessKeyID, d, p)
	case "userName":
		return str(&f.userName, d, p)
	case "invokedBy":
		return str(&f.invokedBy, d, p)
	case "sessionContext":
		if d[p] == '{' {
			return f.members(d, p, takeSession)
		}
	}
	return 0
}

func takeSession(f *fields, d, key []byte, p int) int {
	if d[p] != '{' {
		return 0
	}
	switch string(key) {
	case "attributes":
		return f.members(d, p, takeAttributes)
	case "sessionIssuer":
		return f.members(d, p, takeIssuer)
	}
	return 0
}

func takeAttributes(f *fields, d, key []byte, p int) int {
	switch string(key) {
	case "creationDate":
		return str(&f.created, d, p)
	case "mfaAuthenticated":
		return str(&f.mfa, d, p)
	}
	return 0
}

func takeIssuer(f *fields, d, key []byte, p int) int {
	switch string(key) {
	case "type":
		return str(&f.issuerType, d, p)
	case "principalId":
		return str(&f.issuerPrincipal, d, p)
	case "arn":
		return str(&f.issuerARN, d, p)
	case "accountId":
		return str(&f.issuerAccount, d, p)
	case "userName":
		return str(&f.issuerName, d, p)
	}
	return 0
}

func takeTLS(f *fields, d, key []byte, p int) int {
	switch string(key) {
	case "cipherSuite":
		return str(&f.cipher, d, p)
	case "clientProvidedHostHeader":
		return str(&f.serverName, d, p)
	}
	return 0
}
