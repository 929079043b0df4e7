package cloudtrail

import (
	"strings"

	"github.com/trailbeat/trailbeat/ecs"
	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

const serviceRoleMarker = ":role/aws-service-role/"

// identity is who made the call.
func (m *Mapper) identity() {
	switch who := m.slots.who; {
	case m.rec.identity.node == tape.None:
		m.session()
	case who != nil && who.noting:
		failures := len(m.ev.Error.Message)
		who.startFields()
		m.caller()
		m.finishFields(who, failures)
	case who != nil && who.hasFields:
		m.knownFields(who)
	default:
		m.caller()
	}
}

// caller reads userIdentity.
func (m *Mapper) caller() {
	id, ev, ui := &m.rec.identity, m.ev, &m.ev.AWS.CloudTrail.UserIdentity
	m.setNoted(&ui.Type, "aws.cloudtrail.user_identity.type", id.kind)
	ev.Service.Name = m.serviceActor()
	service := ev.Service.Name != ""
	if !service {
		m.setNoted(&ev.User.Name, "user.name", id.userName)
		m.setNoted(&ev.User.ID, "user.id", id.principalID)
	}
	m.setNoted(&ui.ARN, "aws.cloudtrail.user_identity.arn", id.arn)
	m.setAccount(id.accountID)
	m.setNoted(&ui.AccessKeyID, "aws.cloudtrail.user_identity.access_key_id", id.accessKeyID)
	if id.session != tape.None {
		sc := &ui.SessionContext
		m.setNoted(&sc.MFAAuthenticated, "aws.cloudtrail.user_identity.session_context.mfa_authenticated", id.mfa)
		m.creationDate(id.created)
		m.setNoted(&sc.SessionIssuer.Type, "aws.cloudtrail.user_identity.session_context.session_issuer.type", id.issuerType)
		if !service && (ui.Type == "AssumedRole" || ui.Type == "FederatedUser") {
			m.setNoted(&ev.User.Name, "user.name", id.issuerUserName)
		}
		m.setNoted(&sc.SessionIssuer.PrincipalID, "aws.cloudtrail.user_identity.session_context.session_issuer.principal_id", id.issuerPrincipalID)
	}
	m.sessionName()
	m.onBehalfOf()
	m.session()
}

// serviceActor is the name of the AWS service that acted for itself, empty for everybody else. An invokedBy alone does
// not make one: a person at the console has it too.
func (m *Mapper) serviceActor() string {
	id := &m.rec.identity
	invokedBy, _ := m.text(id.invokedBy)
	switch kind, _ := m.text(id.kind); kind {
	case "AWSService":
		return invokedBy
	case "AssumedRole":
		arn, ok := m.text(id.issuerARN)
		if !ok && id.issuerARN != tape.None {
			m.fail("script", tagServiceActor, "dynamic method ["+m.javaType(id.issuerARN)+", contains/1] not found")
		}
		_, rest, found := strings.Cut(arn, serviceRoleMarker)
		if !found {
			return ""
		}
		if invokedBy != "" {
			return invokedBy
		}
		if slash := strings.IndexByte(rest, '/'); slash > 0 {
			return rest[:slash]
		}
	}
	return ""
}

// sessionName takes the name of the session out of the ARN of an assumed role or a federated user: it is often the only
// trace of the person behind it.
func (m *Mapper) sessionName() {
	ui := &m.ev.AWS.CloudTrail.UserIdentity
	if !bearsSession(ui.Type) || !strings.Contains(ui.ARN, ":sts:") || !strings.Contains(ui.ARN, "/") {
		return
	}
	if !isSTSARN(ui.ARN) {
		m.fail("script", tagSessionName, "the ARN ["+ui.ARN+"] does not have the form of a session's")
		return
	}
	m.relateSession(sessionOf(ui.Type, ui.ARN))
}

// bearsSession tells the types of identities whose ARN names a session.
func bearsSession(kind string) bool {
	return kind == "AssumedRole" || kind == "FederatedUser" || kind == "IdentityCenterUser"
}

// sessionOf is the name of the session of an identity; empty for none.
func sessionOf(kind, arn string) string {
	if !bearsSession(kind) || !isSTSARN(arn) {
		return ""
	}
	return arn[strings.LastIndexByte(arn, '/')+1:]
}

// relateSession relates the session of this name, and the person whose address it may be.
func (m *Mapper) relateSession(name string) {
	ev := m.ev
	ev.Related.User = appendUnique(ev.Related.User, name)
	if at := strings.IndexByte(name, '@'); at >= 0 {
		ev.Related.User = appendUnique(ev.Related.User, name[:at])
		if ev.User.Email == "" {
			ev.User.Email = name
		}
	}
}

// isSTSARN tells arn:PARTITION:sts:...
func isSTSARN(arn string) bool {
	rest, ok := strings.CutPrefix(arn, "arn:")
	if !ok {
		return false
	}
	partition, rest, ok := strings.Cut(rest, ":")
	if !ok || partition == "" || !strings.HasPrefix(rest, "sts:") || !strings.Contains(rest, "/") {
		return false
	}
	for _, c := range []byte(partition) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// onBehalfOf is the user of IAM Identity Center for whom the call was made.
func (m *Mapper) onBehalfOf() {
	id := &m.rec.identity
	if id.onBehalfOf == tape.None {
		return
	}
	ui := &m.ev.AWS.CloudTrail.UserIdentity
	if ui.Type == "IdentityCenterUser" && !m.has("user.id", m.ev.User.ID) {
		m.set(&m.ev.User.ID, "user.id", id.onBehalfOfUserID)
	}
	m.set(&ui.OnBehalfOf.UserID, "aws.cloudtrail.user_identity.on_behalf_of.user_id", id.onBehalfOfUserID)
	m.set(&ui.OnBehalfOf.IdentityStoreARN, "aws.cloudtrail.user_identity.on_behalf_of.identity_store_arn", id.identityStoreARN)
}

// session is where the credentials came from.
func (m *Mapper) session() {
	id, ct := &m.rec.identity, &m.ev.AWS.CloudTrail
	ui, t := &ct.UserIdentity, &m.tape
	const prefix = "aws.cloudtrail.user_identity."
	m.set(&ct.SessionCredentialFromConsole, "aws.cloudtrail.session_credential_from_console", m.rec.sessionCredentialFromConsole)
	if id.node == tape.None {
		return
	}
	m.setNoted(&ui.SessionContext.SessionIssuer.ARN, prefix+"session_context.session_issuer.arn", id.issuerARN)
	m.setNoted(&ui.SessionContext.SessionIssuer.AccountID, prefix+"session_context.session_issuer.account_id", id.issuerAccountID)
	m.setNoted(&ui.InvokedBy, prefix+"invoked_by", id.invokedBy)
	m.setNoted(&ui.InvokedByDelegate.AccountID, prefix+"invoked_by_delegate.account_id", id.delegateAccountID)
	m.setNoted(&ui.CredentialID, prefix+"credential_id", id.credentialID)
	m.setNoted(&ui.IdentityProvider, prefix+"identity_provider", id.identityProvider)
	m.setNoted(&ui.InScopeOf.IssuerType, prefix+"in_scope_of.issuer_type", id.scopeIssuerType)
	m.setNoted(&ui.InScopeOf.CredentialsIssuedTo, prefix+"in_scope_of.credentials_issued_to", id.scopeIssuedTo)
	m.setNoted(&ui.InScopeOf.SourceARN, prefix+"in_scope_of.source_arn", id.scopeARN)
	m.setNoted(&ui.InScopeOf.SourceAccount, prefix+"in_scope_of.source_account", id.scopeAccount)
	if id.session == tape.None {
		return
	}
	sc := &ui.SessionContext
	m.setNoted(&sc.EC2RoleDelivery, prefix+"session_context.ec2_role_delivery", id.ec2RoleDelivery)
	m.setNoted(&sc.SourceIdentity, prefix+"session_context.source_identity", id.sourceIdentity)
	m.setNoted(&sc.SignInSessionARN, prefix+"session_context.sign_in_session_arn", id.signInARN)
	switch i := id.assumedRoot; {
	case i == tape.None:
	case t.Kind(i) == tape.True:
		sc.AssumedRoot = ecs.True
	case t.Kind(i) == tape.False:
		sc.AssumedRoot = ecs.False
	default:
		m.put(prefix+"session_context.assumed_root", i)
	}
	m.setNoted(&sc.WebIDFederationData.FederatedProvider, prefix+"session_context.web_id_federation_data.federated_provider", id.federatedProvider)
	if i := id.federatedAttributes; i != tape.None {
		sc.WebIDFederationData.Attributes = m.json(i, tape.None)
	}
}

// setAccount sets cloud.account.id from node i unless it is set. The first account that is known wins.
func (m *Mapper) setAccount(i int32) {
	if i == tape.None || m.accountSet {
		return
	}
	m.set(&m.ev.Cloud.Account.ID, "cloud.account.id", i)
	m.accountSet = true
}
