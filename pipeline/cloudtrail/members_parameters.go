package cloudtrail

// requestMembers are the members of requestParameters that the mapping or the entities of one service look at. They are all found in the
// one walk over the record: looking for them by name, service by service, took a third of the time of the entities.
type requestMembers struct {
	userName, newUserName, groupName, computerName int32
	name, s3BucketName, configurationRecorderName  int32
	groupID, roleName, subnetID, volumeID          int32
	networkInterfaceID, vpcID, snapshotID          int32
	groupSetItems, revokedRules                    int32 // the items of each
	detectorID, serialNumber, accessKeyID          int32
	policyARN, policyName, keyID, functionName     int32
	dbInstance, dbInstanceARN, bucketName          int32
	roleARN, roleSessionName, id                   int32

	hosts hostMembers
}

// responseMembers are those of responseElements.
type responseMembers struct {
	consoleLogin, name                           int32
	logGroupARN, logsRoleARN, kmsKeyID           int32
	snsTopicARN, trailARN                        int32
	groupID, reservationID, snapshotID, volumeID int32
	groupSetItems, ruleSetItems                  int32 // the items of each
	detectorID, userID, serialNumber, keyID      int32
	functionARN, functionName, role, accessKeyID int32
	dbInstance, dbInstanceARN, summary           int32
	securityGroups                               int32 // vpcSecurityGroups, object or list

	user struct{ id, arn, name int32 }

	// Members of other objects below responseElements, named by both.
	groupGroupID, vpcVPCID, vpcDHCPOptionsID  int32
	accessKeyUserName, accessKeyAccessKeyID   int32
	roleARN, keyMetadataARN, keyMetadataKeyID int32
	vpcConfigSecurityGroups, vpcConfigSubnets int32
	subnetGroupVPCID, subnetGroupSubnets      int32
	securityGroupsID, assumedRoleUserARN      int32

	hosts hostMembers
}

// hostMembers are those that name EC2 instances, in either of the two.
type hostMembers struct {
	instanceID, target, resourceID, instanceIDs, items int32
}

func (r *members) inRequest(key string) slot {
	q := &r.request
	switch key {
	case "userName":
		return slot{at: &q.userName}
	case "newUserName":
		return slot{at: &q.newUserName}
	case "groupName":
		return slot{at: &q.groupName}
	case "computerName":
		return slot{at: &q.computerName}
	case "name":
		return slot{at: &q.name}
	case "s3BucketName":
		return slot{at: &q.s3BucketName}
	case "configurationRecorderName":
		return slot{at: &q.configurationRecorderName}
	case "groupId":
		return slot{at: &q.groupID}
	case "roleName":
		return slot{at: &q.roleName}
	case "subnetId":
		return slot{at: &q.subnetID}
	case "volumeId":
		return slot{at: &q.volumeID}
	case "networkInterfaceId":
		return slot{at: &q.networkInterfaceID}
	case "vpcId":
		return slot{at: &q.vpcID}
	case "snapshotId":
		return slot{at: &q.snapshotID}
	case "detectorId":
		return slot{at: &q.detectorID}
	case "serialNumber":
		return slot{at: &q.serialNumber}
	case "accessKeyId":
		return slot{at: &q.accessKeyID}
	case "policyArn":
		return slot{at: &q.policyARN}
	case "policyName":
		return slot{at: &q.policyName}
	case "keyId":
		return slot{at: &q.keyID}
	case "functionName":
		return slot{at: &q.functionName}
	case "dBInstanceIdentifier":
		return slot{at: &q.dbInstance}
	case "dBInstanceArn":
		return slot{at: &q.dbInstanceARN}
	case "bucketName":
		return slot{at: &q.bucketName}
	case "roleArn":
		return slot{at: &q.roleARN}
	case "roleSessionName":
		return slot{at: &q.roleSessionName}
	case "id":
		return slot{at: &q.id}
	case "instancesSet":
		return slot{&r.unused, inRequestInstances}
	case "groupSet":
		return slot{&r.unused, inRequestGroups}
	case "revokedSecurityGroupRuleSet":
		return slot{&r.unused, inRequestRevokedRules}
	}
	return q.hosts.slot(key, &r.unused)
}

func (r *members) inResponse(key string) slot {
	p := &r.response
	switch key {
	case "ConsoleLogin":
		return slot{at: &p.consoleLogin}
	case "name":
		return slot{at: &p.name}
	case "cloudWatchLogsLogGroupArn":
		return slot{at: &p.logGroupARN}
	case "cloudWatchLogsRoleArn":
		return slot{at: &p.logsRoleARN}
	case "kmsKeyId":
		return slot{at: &p.kmsKeyID}
	case "snsTopicARN":
		return slot{at: &p.snsTopicARN}
	case "trailARN":
		return slot{at: &p.trailARN}
	case "groupId":
		return slot{at: &p.groupID}
	case "reservationId":
		return slot{at: &p.reservationID}
	case "snapshotId":
		return slot{at: &p.snapshotID}
	case "volumeId":
		return slot{at: &p.volumeID}
	case "detectorId":
		return slot{at: &p.detectorID}
	case "userId":
		return slot{at: &p.userID}
	case "serialNumber":
		return slot{at: &p.serialNumber}
	case "keyId":
		return slot{at: &p.keyID}
	case "functionArn":
		return slot{at: &p.functionARN}
	case "functionName":
		return slot{at: &p.functionName}
	case "accessKeyId":
		return slot{at: &p.accessKeyID}
	case "dBInstanceIdentifier":
		return slot{at: &p.dbInstance}
	case "dbInstanceArn": // the letter case of these names is the integration's
		return slot{at: &p.dbInstanceARN}
	case "summary":
		return slot{at: &p.summary}
	case "role":
		return slot{&p.role, inResponseRole}
	case "vpcSecurityGroups":
		return slot{&p.securityGroups, inResponseSecurityGroups}
	}
	if within := responseObject(key); within != nowhere {
		return slot{&r.unused, within}
	}
	return p.hosts.slot(key, &r.unused)
}

// responseObject tells the members of responseElements of which only what they hold is asked for.
func responseObject(key string) level {
	switch key {
	case "user":
		return inResponseUser
	case "group":
		return inResponseGroup
	case "instancesSet":
		return inResponseInstances
	case "groupSet":
		return inResponseGroups
	case "securityGroupRuleSet":
		return inResponseRules
	case "vpc":
		return inResponseVPC
	case "accessKey":
		return inResponseAccessKey
	case "keyMetadata":
		return inResponseKeyMetadata
	case "vpcConfig":
		return inResponseVPCConfig
	case "dBSubnetGroup":
		return inResponseSubnetGroup
	case "assumedRoleUser":
		return inResponseAssumedRole
	}
	return nowhere
}

func (r *hostMembers) slot(key string, unused *int32) slot {
	switch key {
	case "instanceId":
		return slot{at: &r.instanceID}
	case "target":
		return slot{at: &r.target}
	case "resourceId":
		return slot{at: &r.resourceID}
	case "instanceIds":
		return slot{at: &r.instanceIDs}
	}
	return slot{at: unused}
}

// inParameters knows what stands in the members of the two.
func (r *members) inParameters(in level, key string) slot {
	p, at := &r.response, &r.unused
	switch in {
	case inRequestInstances, inRequestGroups, inRequestRevokedRules, inResponseInstances, inResponseGroups, inResponseRules:
		if key == "items" {
			at = r.items(in)
		}
	case inResponseUser:
		switch key {
		case "userId":
			at = &p.user.id
		case "arn":
			at = &p.user.arn
		case "userName":
			at = &p.user.name
		}
	case inResponseGroup:
		if key == "groupId" {
			at = &p.groupGroupID
		}
	case inResponseVPC:
		switch key {
		case "vpcId":
			at = &p.vpcVPCID
		case "dhcpOptionsId":
			at = &p.vpcDHCPOptionsID
		}
	case inResponseAccessKey:
		switch key {
		case "userName":
			at = &p.accessKeyUserName
		case "accessKeyId":
			at = &p.accessKeyAccessKeyID
		}
	case inResponseRole:
		if key == "arn" {
			at = &p.roleARN
		}
	case inResponseKeyMetadata:
		switch key {
		case "arn":
			at = &p.keyMetadataARN
		case "keyId":
			at = &p.keyMetadataKeyID
		}
	case inResponseVPCConfig:
		switch key {
		case "securityGroupIds":
			at = &p.vpcConfigSecurityGroups
		case "subnetIds":
			at = &p.vpcConfigSubnets
		}
	case inResponseSubnetGroup:
		switch key {
		case "vpcId":
			at = &p.subnetGroupVPCID
		case "subnets":
			at = &p.subnetGroupSubnets
		}
	case inResponseSecurityGroups:
		if key == "vpcSecurityGroupId" {
			at = &p.securityGroupsID
		}
	case inResponseAssumedRole:
		if key == "arn" {
			at = &p.assumedRoleUserARN
		}
	}
	return slot{at: at}
}

// items is where the list below one of the sets goes.
func (r *members) items(in level) *int32 {
	switch in {
	case inRequestInstances:
		return &r.request.hosts.items
	case inRequestGroups:
		return &r.request.groupSetItems
	case inRequestRevokedRules:
		return &r.request.revokedRules
	case inResponseInstances:
		return &r.response.hosts.items
	case inResponseGroups:
		return &r.response.groupSetItems
	}
	return &r.response.ruleSetItems
}
