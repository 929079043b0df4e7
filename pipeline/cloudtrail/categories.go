package cloudtrail

import "github.com/trailbeat/trailbeat/pipeline/internal/tape"

// category is what event.category and event.type say of a call.
type category struct{ categories, types []string }

// categoryRows know calls by their name alone, whichever service they went to, as the integration does.
var categoryRows = [...]struct {
	category
	actions []string
}{
	{category{[]string{"iam"}, []string{"group", "change"}}, []string{
		"AddUserToGroup", "AttachGroupPolicy", "DeleteGroupPolicy", "DetachGroupPolicy", "PutGroupPolicy", "RemoveUserFromGroup", "UpdateGroup",
	}},
	{category{[]string{"iam"}, []string{"user", "change"}}, []string{
		"AttachUserPolicy", "ChangePassword", "CreateAccessKey", "CreateVirtualMFADevice", "DeactivateMFADevice", "DeleteAccessKey",
		"DeleteSSHPublicKey", "DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DeleteVirtualMFADevice", "DetachUserPolicy",
		"EnableMFADevice", "PutUserPermissionsBoundary", "PutUserPolicy", "TagUser", "UntagUser", "UpdateAccessKey",
		"UpdateLoginProfile", "UpdateSSHPublicKey", "UpdateUser",
	}},
	{category{[]string{"iam"}, []string{"group", "creation"}}, []string{"CreateGroup"}},
	{category{[]string{"iam"}, []string{"group", "deletion"}}, []string{"DeleteGroup"}},
	{category{[]string{"iam"}, []string{"user", "creation"}}, []string{"CreateUser"}},
	{category{[]string{"iam"}, []string{"user", "deletion"}}, []string{"DeleteUser"}},
	{category{[]string{"iam"}, []string{"admin", "creation"}}, []string{"CreateKeyPair"}},
	{category{[]string{"iam"}, []string{"admin", "change"}}, []string{
		"SetDefaultPolicyVersion", "SetSecurityTokenServicePreferences", "UpdateAccountPasswordPolicy", "UpdateRole",
	}},
	{category{[]string{"iam"}, []string{"group", "info"}}, []string{
		"GetGroup", "GetGroupPolicy", "ListAttachedGroupPolicies", "ListGroupPolicies", "ListGroups",
	}},
	{category{[]string{"iam"}, []string{"user", "info"}}, []string{
		"GetUser", "GetUserPolicy", "ListAttachedUserPolicies", "ListGroupsForUser", "ListUserPolicies", "ListUsers", "ListUserTags",
	}},
	{category{[]string{"iam"}, []string{"info"}}, []string{"ListRoles", "GetPolicy", "ListAttachedRolePolicies"}},
	{category{[]string{"iam"}, []string{"creation"}}, []string{"CreatePolicy"}},
	{category{[]string{"iam"}, []string{"change"}}, []string{"AttachRolePolicy"}},
	{category{[]string{"authentication"}, []string{"info"}}, []string{"AssumeRole", "ConsoleLogin", "GetCallerIdentity"}},
	{category{[]string{"file"}, []string{"creation"}}, []string{"CreateBucket", "CreateDocument"}},
	{category{[]string{"file"}, []string{"deletion"}}, []string{"DeleteBucket", "DeleteObject"}},
	{category{[]string{"file"}, []string{"info"}}, []string{"ListBuckets", "ListObjects", "HeadObject", "GetObject"}},
	{category{[]string{"file"}, []string{"change"}}, []string{"PutObject"}},
	{category{[]string{"host"}, []string{"info"}}, []string{"DescribeInstances", "DescribeVolumes", "ListInstanceAssociations"}},
	{category{[]string{"network"}, []string{"info"}}, []string{
		"DescribeSecurityGroups", "DescribeNetworkInterfaces", "DescribeVpcs", "DescribeNetworkAcls", "DescribeLoadBalancers",
	}},
	{category{[]string{"network"}, []string{"access"}}, []string{"AuthorizeSecurityGroupIngress"}},
	{category{[]string{"api"}, []string{"info"}}, []string{"DescribeRegions", "Publish", "Converse"}},
	{category{[]string{"configuration"}, []string{"info"}}, []string{"DescribeTrails"}},
	{category{[]string{"configuration"}, []string{"creation"}}, []string{"CreateTopic"}},
	{category{[]string{"configuration"}, []string{"change"}}, []string{"Subscribe"}},
	{category{[]string{"configuration"}, []string{"deletion"}}, []string{"DeleteTrail"}},
	{category{[]string{"package"}, []string{"info"}}, []string{"ListFunctions"}},
	{category{[]string{"database"}, []string{"info"}}, []string{"ListTables", "DescribeDBInstances"}},
	{category{[]string{"process"}, []string{"start"}}, []string{"SendCommand"}},
	{category{[]string{"session"}, []string{"start"}}, []string{
		"StartSession", "CreateControlChannel", "OpenControlChannel", "CreateDataChannel", "OpenDataChannel",
	}},
	{category{[]string{"session"}, []string{"end"}}, []string{"TerminateSession"}},
}

// categorize writes what kind of event this was and how it ended.
func (m *Mapper) categorize() {
	ev := m.ev
	ev.Event.Kind = "event"
	ev.Event.Outcome = "success"
	if m.rec.errorCode != tape.None || m.rec.errorMessage != tape.None {
		ev.Event.Outcome = "failure"
	}
	if c := m.callOf(ev.Event.Action); c != nil && c.category != nil {
		ev.Event.Category = append(ev.Event.Category[:0], c.category.categories...)
		ev.Event.Type = append(ev.Event.Type[:0], c.category.types...)
	} else {
		ev.Event.Type = append(ev.Event.Type[:0], "info")
	}
	if ev.Event.Action != "ConsoleLogin" {
		return
	}
	i := m.rec.response.consoleLogin
	if i == tape.None {
		return
	}
	s, ok := m.text(i)
	if !ok {
		m.fail("script", tagCategorization, "dynamic method ["+m.javaType(i)+", toLowerCase/0] not found")
		return
	}
	ev.Event.Outcome = m.lower(s)
}
