package cloudtrail

import "github.com/trailbeat/trailbeat/pipeline/internal/tape"

// category is what event.category and event.type say of a call.
type category struct{ categories, types []string }

// categoriesByAction knows calls by their name alone, whichever service they went to, as the integration does.
var categoriesByAction = byAction([]struct {
	categories, types []string
	actions           []string
}{
	{[]string{"iam"}, []string{"group", "change"}, []string{
		"AddUserToGroup", "AttachGroupPolicy", "DeleteGroupPolicy", "DetachGroupPolicy", "PutGroupPolicy", "RemoveUserFromGroup", "UpdateGroup",
	}},
	{[]string{"iam"}, []string{"user", "change"}, []string{
		"AttachUserPolicy", "ChangePassword", "CreateAccessKey", "CreateVirtualMFADevice", "DeactivateMFADevice", "DeleteAccessKey",
		"DeleteSSHPublicKey", "DeleteUserPermissionsBoundary", "DeleteUserPolicy", "DeleteVirtualMFADevice", "DetachUserPolicy",
		"EnableMFADevice", "PutUserPermissionsBoundary", "PutUserPolicy", "TagUser", "UntagUser", "UpdateAccessKey",
		"UpdateLoginProfile", "UpdateSSHPublicKey", "UpdateUser",
	}},
	{[]string{"iam"}, []string{"group", "creation"}, []string{"CreateGroup"}},
	{[]string{"iam"}, []string{"group", "deletion"}, []string{"DeleteGroup"}},
	{[]string{"iam"}, []string{"user", "creation"}, []string{"CreateUser"}},
	{[]string{"iam"}, []string{"user", "deletion"}, []string{"DeleteUser"}},
	{[]string{"iam"}, []string{"admin", "creation"}, []string{"CreateKeyPair"}},
	{[]string{"iam"}, []string{"admin", "change"}, []string{
		"SetDefaultPolicyVersion", "SetSecurityTokenServicePreferences", "UpdateAccountPasswordPolicy", "UpdateRole",
	}},
	{[]string{"iam"}, []string{"group", "info"}, []string{
		"GetGroup", "GetGroupPolicy", "ListAttachedGroupPolicies", "ListGroupPolicies", "ListGroups",
	}},
	{[]string{"iam"}, []string{"user", "info"}, []string{
		"GetUser", "GetUserPolicy", "ListAttachedUserPolicies", "ListGroupsForUser", "ListUserPolicies", "ListUsers", "ListUserTags",
	}},
	{[]string{"iam"}, []string{"info"}, []string{"ListRoles", "GetPolicy", "ListAttachedRolePolicies"}},
	{[]string{"iam"}, []string{"creation"}, []string{"CreatePolicy"}},
	{[]string{"iam"}, []string{"change"}, []string{"AttachRolePolicy"}},
	{[]string{"authentication"}, []string{"info"}, []string{"AssumeRole", "ConsoleLogin", "GetCallerIdentity"}},
	{[]string{"file"}, []string{"creation"}, []string{"CreateBucket", "CreateDocument"}},
	{[]string{"file"}, []string{"deletion"}, []string{"DeleteBucket", "DeleteObject"}},
	{[]string{"file"}, []string{"info"}, []string{"ListBuckets", "ListObjects", "HeadObject", "GetObject"}},
	{[]string{"file"}, []string{"change"}, []string{"PutObject"}},
	{[]string{"host"}, []string{"info"}, []string{"DescribeInstances", "DescribeVolumes", "ListInstanceAssociations"}},
	{[]string{"network"}, []string{"info"}, []string{
		"DescribeSecurityGroups", "DescribeNetworkInterfaces", "DescribeVpcs", "DescribeNetworkAcls", "DescribeLoadBalancers",
	}},
	{[]string{"network"}, []string{"access"}, []string{"AuthorizeSecurityGroupIngress"}},
	{[]string{"api"}, []string{"info"}, []string{"DescribeRegions", "Publish", "Converse"}},
	{[]string{"configuration"}, []string{"info"}, []string{"DescribeTrails"}},
	{[]string{"configuration"}, []string{"creation"}, []string{"CreateTopic"}},
	{[]string{"configuration"}, []string{"change"}, []string{"Subscribe"}},
	{[]string{"configuration"}, []string{"deletion"}, []string{"DeleteTrail"}},
	{[]string{"package"}, []string{"info"}, []string{"ListFunctions"}},
	{[]string{"database"}, []string{"info"}, []string{"ListTables", "DescribeDBInstances"}},
	{[]string{"process"}, []string{"start"}, []string{"SendCommand"}},
	{[]string{"session"}, []string{"start"}, []string{
		"StartSession", "CreateControlChannel", "OpenControlChannel", "CreateDataChannel", "OpenDataChannel",
	}},
	{[]string{"session"}, []string{"end"}, []string{"TerminateSession"}},
})

func byAction(rows []struct {
	categories, types []string
	actions           []string
}) map[string]category {
	all := make(map[string]category, 96)
	for _, row := range rows {
		for _, action := range row.actions {
			all[action] = category{row.categories, row.types}
		}
	}
	return all
}

// categorize writes what kind of event this was and how it ended.
func (m *Mapper) categorize() {
	ev := m.ev
	ev.Event.Kind = "event"
	ev.Event.Outcome = "success"
	if m.rec.errorCode != tape.None || m.rec.errorMessage != tape.None {
		ev.Event.Outcome = "failure"
	}
	if c, ok := categoriesByAction[ev.Event.Action]; ok {
		ev.Event.Category = append(ev.Event.Category[:0], c.categories...)
		ev.Event.Type = append(ev.Event.Type[:0], c.types...)
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
