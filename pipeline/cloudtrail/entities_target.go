package cloudtrail

import (
	"strings"

	"github.com/trailbeat/trailbeat/pipeline/internal/tape"
)

// root is the part of the record that a path starts in.
type root uint8

const (
	req       root = iota // requestParameters
	resp                  // responseElements
	recipient             // recipientAccountId, without a path
	resources             // the ARN of every resource, without a path
)

// place is where a target is found.
type place struct {
	root root
	path []string
}

func at(r root, path ...string) []place { return []place{{r, path}} }

// targets knows what a call is aimed at, by service and call. Targets of another form are in aim.
var targets = map[string]map[string][]place{
	"cloudformation": {
		"CreateStackSet": at(resp, "stackSetId"),
		"CreateStack":    at(resp, "stackId"),
	},
	"cloudtrail": {
		"DeleteTrail":    at(req, "name"),
		"StopLogging":    at(req, "name"),
		"DescribeTrails": at(recipient),
	},
	"config": {
		"StopConfigurationRecorder":  at(req, "configurationRecorderName"),
		"StartConfigurationRecorder": at(req, "configurationRecorderName"),
	},
	"ec2-instance-connect": {
		"SendSSHPublicKey":              at(req, "instanceId"),
		"SendSerialConsoleSSHPublicKey": at(req, "instanceId"),
	},
	"ec2": {
		"CreateTrafficMirrorFilter":     at(resp, "CreateTrafficMirrorFilterResponse", "trafficMirrorFilter", "trafficMirrorFilterId"),
		"CreateTrafficMirrorFilterRule": at(resp, "CreateTrafficMirrorFilterRuleResponse", "trafficMirrorFilterRule", "trafficMirrorFilterRuleId"),
		"CreateTrafficMirrorSession":    at(resp, "CreateTrafficMirrorSessionResponse", "trafficMirrorSession", "trafficMirrorSessionId"),
		"CreateTrafficMirrorTarget":     at(resp, "CreateTrafficMirrorTargetResponse", "trafficMirrorTarget", "trafficMirrorTargetId"),
		"DeleteFlowLogs":                at(req, "DeleteFlowLogsRequest", "FlowLogId", "content"),
		"DeleteNetworkAcl":              at(req, "networkAclId"),
		"GetPasswordData":               at(req, "instanceId"),
		"ModifyImageAttribute":          at(req, "imageId"),
		"ModifySnapshotAttribute":       at(req, "snapshotId"),
		"DescribeSecurityGroups":        at(recipient),
		"DescribeNetworkInterfaces":     at(recipient),
		"DescribeRegions":               at(recipient),
		"DescribeVpcs":                  at(recipient),
		"DescribeNetworkAcls":           at(recipient),
		"DescribeVolumes":               at(recipient),
	},
	"elasticfilesystem": {
		"DeleteFileSystem":  at(req, "fileSystemId"),
		"DeleteMountTarget": at(req, "mountTargetId"),
	},
	"events": {
		"DeleteRule": at(req, "name"),
	},
	"guardduty": {
		"CreateDetector": at(resp, "detectorId"),
		"DeleteDetector": at(req, "detectorId"),
	},
	"iam": {
		"AttachGroupPolicy":        at(req, "groupName"),
		"AttachRolePolicy":         at(req, "roleName"),
		"ListAttachedRolePolicies": at(req, "roleName"),
		"UpdateAssumeRolePolicy":   at(req, "roleName"),
		"AttachUserPolicy":         {{req, []string{"policyArn"}}, {req, []string{"userName"}}},
		"CreateAccessKey":          {{resp, []string{"accessKey", "accessKeyId"}}, {req, []string{"userName"}}},
		"CreateUser":               at(req, "userName"),
		"DeactivateMFADevice":      at(req, "userName"),
		"DeleteVirtualMFADevice":   at(req, "serialNumber"),
		"GetPolicy":                at(req, "policyArn"),
		"CreatePolicy":             at(resp, "policy", "arn"),
		"ListRoles":                at(recipient),
		"ListUsers":                at(recipient),
	},
	"kms": {
		"DisableKey":          at(resources),
		"ScheduleKeyDeletion": at(resources),
	},
	"logs": {
		"DeleteLogGroup":  at(req, "logGroupName"),
		"DeleteLogStream": at(req, "logStreamName"),
	},
	"rds": {
		"DeleteDBCluster":                  at(resp, "dBClusterArn"),
		"ModifyDBCluster":                  at(resp, "dBClusterArn"),
		"StopDBCluster":                    at(resp, "dBClusterArn"),
		"DeleteDBInstance":                 at(resp, "dBInstanceArn"),
		"ModifyDBInstance":                 at(resp, "dBInstanceArn"),
		"RestoreDBInstanceFromDBSnapshot":  at(resp, "dBInstanceArn"),
		"RestoreDBInstanceFromS3":          at(resp, "dBInstanceArn"),
		"StopDBInstance":                   at(resp, "dBInstanceArn"),
		"DeleteGlobalCluster":              at(resp, "globalClusterArn"),
		"ModifyDBClusterSnapshotAttribute": at(resp, "dBClusterSnapshotIdentifier"),
		"ModifyDBSnapshotAttribute":        at(resp, "dBSnapshotIdentifier"),
		"DescribeDBInstances":              at(recipient),
	},
	"rolesanywhere": {
		"CreateTrustAnchor": at(resp, "trustAnchor", "trustAnchorArn"),
	},
	"route53resolver": {
		"DeleteResolverQueryLogConfig": at(resp, "resolverQueryLogConfig", "arn"),
	},
	"s3": {
		"CopyObject":           at(resources),
		"PutBucketLogging":     at(resources),
		"PutBucketVersioning":  at(resources),
		"PutObject":            at(resources),
		"GetBucketPolicy":      at(resources),
		"ListObjects":          at(resources),
		"HeadObject":           at(resources),
		"GetObject":            at(resources),
		"DeleteObject":         at(resources),
		"DeleteBucket":         at(resources),
		"PutBucketReplication": {{resources, nil}, {req, []string{"ReplicationConfiguration", "Rule", "Destination", "Bucket"}}},
		"ListBuckets":          at(recipient),
	},
	"secretsmanager": {
		"GetSecretValue": at(req, "secretId"),
	},
	"signin": {
		"ConsoleLogin": at(recipient),
	},
	"ssm": {
		"GetParameter":             at(resources),
		"GetParameters":            at(resources),
		"CreateControlChannel":     at(resources),
		"OpenControlChannel":       at(resources),
		"StartSession":             at(req, "target"),
		"CreateDocument":           at(req, "name"),
		"TerminateSession":         at(req, "sessionId"),
		"OpenDataChannel":          at(req, "sessionId"),
		"ListInstanceAssociations": at(recipient),
	},
	"sts": {
		"AssumeRole":        at(req, "roleArn"),
		"GetCallerIdentity": at(recipient),
	},
	"wafv2": {
		"DeleteRuleGroup": at(req, "id"),
		"DeleteWebACL":    at(req, "id"),
	},
	"sns": {
		"CreateTopic": at(resp, "topicArn"),
		"Subscribe":   at(req, "topicArn"),
		"Publish":     at(req, "topicArn"),
	},
	"bedrock": {
		"Converse": at(req, "modelId"),
	},
	"elasticloadbalancing": {
		"DescribeLoadBalancers": at(recipient),
	},
	"dynamodb": {
		"ListTables": at(recipient),
	},
}

// aim collects the targets of a call.
func (e *entities) aim(service, action string) {
	m := e.m
	t, parameters := &m.tape, m.rec.requestParameters
	for _, p := range m.callOf(action).placesOf(service) {
		switch p.root {
		case req:
			e.aimAt(t.Path(parameters, p.path...))
		case resp:
			e.aimAt(t.Path(m.rec.responseElements, p.path...))
		case recipient:
			e.aimAt(m.rec.recipientAccountID)
		case resources:
			e.aimAtEach(m.rec.resources, "ARN")
		}
	}
	switch service {
	case "ec2":
		switch action {
		case "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress":
			e.aimAt(t.Member(parameters, "groupId"))
			e.aimAtEach(t.Path(m.rec.responseElements, "securityGroupRuleSet", "items"), "securityGroupRuleId")
		case "DeleteNetworkAclEntry":
			e.aimAt(t.Member(parameters, "networkAclId"))
			if i := t.Member(parameters, "ruleNumber"); i != tape.None {
				e.target.insert(m.javaText(i))
			}
		}
	case "lambda":
		// Lambda's calls carry the date of their version behind the name.
		if strings.Contains(action, "AddPermission") {
			e.aimAt(t.Member(parameters, "functionName"))
		}
		if strings.Contains(action, "ListFunctions") {
			e.aimAt(m.rec.recipientAccountID)
		}
	case "monitoring":
		if action == "DeleteAlarms" {
			e.aimAtEach(t.Member(parameters, "alarmNames"), "")
		}
	case "secretsmanager":
		if action == "BatchGetSecretValue" {
			e.aimAtEach(t.Member(parameters, "secretIdList"), "")
		}
	case "ssm":
		if action == "SendCommand" {
			e.aimSendCommand(parameters)
		}
	}
}

// aimSendCommand knows instances by their ids, else by the values of all targets. A lone * stands for the account.
func (e *entities) aimSendCommand(parameters int32) {
	t := &e.m.tape
	var values []int32
	for list, i := e.elements(t.Member(parameters, "instanceIds")); i != tape.None; i = e.m.nextElement(list, i) {
		values = append(values, i)
	}
	if len(values) == 0 {
		for list, target := e.elements(t.Member(parameters, "targets")); target != tape.None; target = e.m.nextElement(list, target) {
			for list, i := e.elements(t.Member(target, "values")); i != tape.None; i = e.m.nextElement(list, i) {
				values = append(values, i)
			}
		}
	}
	if len(values) == 1 && e.m.is(values[0], "*") {
		e.aimAt(e.m.rec.recipientAccountID)
		return
	}
	for _, i := range values {
		if s := e.str(i); s == "" || !e.target.insert(s) {
			return
		}
	}
}
