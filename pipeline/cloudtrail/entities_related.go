package cloudtrail

import "github.com/trailbeat/trailbeat/pipeline/internal/tape"

// The paths that relate looks for within list elements.
var (
	ruleItemPaths     = [][]string{{"groupId"}, {"referencedGroupInfo", "groupId"}, {"securityGroupRuleId"}}
	instancePaths     = [][]string{{"subnetId"}, {"vpcId"}, {"instanceId"}, {"imageId"}, {"iamInstanceProfile", "arn"}}
	interfacePaths    = [][]string{{"networkInterfaceId"}, {"vpcId"}, {"subnetId"}}
	revokedRulesPaths = [][]string{{"securityGroupRuleId"}, {"groupId"}}
)

// relate collects what the calls of a service have to do with.
func (e *entities) relate(service string) {
	m := e.m
	t, req, resp := &m.tape, m.rec.requestParameters, m.rec.responseElements
	switch service {
	case "cloudtrail":
		e.addMembers(req, "name", "s3BucketName")
		e.addMembers(resp, "cloudWatchLogsLogGroupArn", "cloudWatchLogsRoleArn", "kmsKeyId", "snsTopicARN", "trailARN", "name")
	case "config":
		e.addMembers(req, "configurationRecorderName")
	case "ec2":
		e.relateEC2(req, resp)
	case "guardduty":
		e.addMembers(req, "detectorId")
		e.addMembers(resp, "detectorId")
	case "iam":
		e.addMembers(req, "userName", "serialNumber", "accessKeyId", "policyArn", "roleName", "policyName")
		e.addMembers(t.Member(resp, "accessKey"), "userName", "accessKeyId")
		e.addMembers(t.Member(resp, "user"), "arn", "userId", "userName")
		e.addMembers(resp, "userId")
		e.addMembers(t.Member(resp, "role"), "arn")
		e.addMembers(resp, "serialNumber")
	case "kms":
		e.addMembers(req, "keyId")
		e.addMembers(resp, "keyId")
		e.addMembers(t.Member(resp, "keyMetadata"), "arn", "keyId")
	case "lambda":
		e.addMembers(req, "functionName")
		e.addMembers(resp, "functionArn", "functionName", "role")
		e.addValuesUntilKnown(&e.related, t.Path(resp, "vpcConfig", "securityGroupIds"))
		e.addValuesUntilKnown(&e.related, t.Path(resp, "vpcConfig", "subnetIds"))
	case "rds":
		// The letter case of these names is the integration's.
		e.addMembers(req, "dBInstanceIdentifier", "dBInstanceArn")
		e.addMembers(resp, "dBInstanceIdentifier", "dbInstanceArn")
		e.addMembers(t.Member(resp, "dBSubnetGroup"), "vpcId")
		groups := t.Member(resp, "vpcSecurityGroups")
		e.addMembers(groups, "vpcSecurityGroupId")
		e.addEach(t.Path(resp, "dBSubnetGroup", "subnets"), "subnetIdentifier")
		if !t.Is(groups, tape.Object) {
			e.addEach(groups, "vpcSecurityGroupId")
		}
	case "s3":
		e.addMembers(req, "bucketName")
	case "sts":
		e.addMembers(req, "roleArn")
		e.add(m.rec.sourceIdentity)
		e.addMembers(m.rec.additionalEventData, "MFAIdentifier")
		e.addMembers(t.Member(resp, "assumedRoleUser"), "arn")
		e.addMembers(req, "roleSessionName")
		e.addMembers(resp, "accessKeyId")
	case "wafv2":
		e.addMembers(req, "id")
		e.addMembers(resp, "summary")
	}
}

func (e *entities) relateEC2(req, resp int32) {
	t := &e.m.tape
	e.addMembers(req, "groupId", "groupName", "roleName", "subnetId", "volumeId", "networkInterfaceId", "vpcId", "snapshotId")
	e.addMembers(resp, "groupId", "reservationId")
	e.addMembers(t.Member(resp, "vpc"), "vpcId", "dhcpOptionsId")
	e.addMembers(resp, "snapshotId", "volumeId")
	for list, i := e.elements(t.Path(resp, "securityGroupRuleSet", "items")); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, ruleItemPaths...)
	}
	e.addEach(t.Path(resp, "groupSet", "items"), "groupId")
	e.addEach(t.Path(req, "groupSet", "items"), "groupId")
	e.addEach(t.Path(req, "instancesSet", "items"), "instanceId")
	for list, i := e.elements(t.Path(resp, "instancesSet", "items")); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, instancePaths...)
		for list, n := e.elements(t.Path(i, "networkInterfaceSet", "items")); n != tape.None; n = e.m.nextElement(list, n) {
			e.addUntilKnown(n, interfacePaths...)
			e.addEach(t.Path(n, "groupSet", "items"), "groupId")
		}
	}
	for list, i := e.elements(t.Path(req, "revokedSecurityGroupRuleSet", "items")); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, revokedRulesPaths...)
	}
}
