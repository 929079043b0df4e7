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
	q, p := &e.m.rec.request, &e.m.rec.response
	switch service {
	case "cloudtrail":
		e.addAll(q.name, q.s3BucketName)
		e.addAll(p.logGroupARN, p.logsRoleARN, p.kmsKeyID, p.snsTopicARN, p.trailARN, p.name)
	case "config":
		e.add(q.configurationRecorderName)
	case "ec2":
		e.relateEC2(q, p)
	case "guardduty":
		e.addAll(q.detectorID, p.detectorID)
	case "iam":
		e.addAll(q.userName, q.serialNumber, q.accessKeyID, q.policyARN, q.roleName, q.policyName)
		e.addAll(p.accessKeyUserName, p.accessKeyAccessKeyID)
		e.addAll(p.user.arn, p.user.id, p.user.name)
		e.addAll(p.userID, p.roleARN, p.serialNumber)
	case "kms":
		e.addAll(q.keyID, p.keyID, p.keyMetadataARN, p.keyMetadataKeyID)
	case "lambda":
		e.add(q.functionName)
		e.addAll(p.functionARN, p.functionName, p.role)
		e.addValuesUntilKnown(&e.related, p.vpcConfigSecurityGroups)
		e.addValuesUntilKnown(&e.related, p.vpcConfigSubnets)
	case "rds":
		e.addAll(q.dbInstance, q.dbInstanceARN)
		e.addAll(p.dbInstance, p.dbInstanceARN)
		e.add(p.subnetGroupVPCID)
		e.add(p.securityGroupsID)
		e.addEach(p.subnetGroupSubnets, "subnetIdentifier")
		if !e.m.tape.Is(p.securityGroups, tape.Object) {
			e.addEach(p.securityGroups, "vpcSecurityGroupId")
		}
	case "s3":
		e.add(q.bucketName)
	case "sts":
		e.add(q.roleARN)
		e.add(e.m.rec.sourceIdentity)
		e.add(e.m.tape.Member(e.m.rec.additionalEventData, "MFAIdentifier"))
		e.add(p.assumedRoleUserARN)
		e.add(q.roleSessionName)
		e.add(p.accessKeyID)
	case "wafv2":
		e.addAll(q.id, p.summary)
	}
}

func (e *entities) relateEC2(q *requestMembers, p *responseMembers) {
	t := &e.m.tape
	e.addAll(q.groupID, q.groupName, q.roleName, q.subnetID, q.volumeID, q.networkInterfaceID, q.vpcID, q.snapshotID)
	e.addAll(p.groupID, p.reservationID, p.vpcVPCID, p.vpcDHCPOptionsID, p.snapshotID, p.volumeID)
	for list, i := e.elements(p.ruleSetItems); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, ruleItemPaths...)
	}
	e.addEach(p.groupSetItems, "groupId")
	e.addEach(q.groupSetItems, "groupId")
	e.addEach(q.hosts.items, "instanceId")
	for list, i := e.elements(p.hosts.items); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, instancePaths...)
		for list, n := e.elements(t.Path(i, "networkInterfaceSet", "items")); n != tape.None; n = e.m.nextElement(list, n) {
			e.addUntilKnown(n, interfacePaths...)
			e.addEach(t.Path(n, "groupSet", "items"), "groupId")
		}
	}
	for list, i := e.elements(q.revokedRules); i != tape.None; i = e.m.nextElement(list, i) {
		e.addUntilKnown(i, revokedRulesPaths...)
	}
}
