package cloudtrail

// requestMembers are the members of requestParameters that are looked at in every record, whatever was called.
type requestMembers struct {
	userName, newUserName, groupName, computerName int32

	hosts hostMembers
}

// responseMembers are those of responseElements.
type responseMembers struct {
	userID, groupID, consoleLogin int32

	hosts hostMembers
}

// hostMembers are those that name EC2 instances, in either of the two.
type hostMembers struct {
	instanceID, target, resourceID, instanceIDs, items int32
}

func (r *members) inRequest(key string) slot {
	switch key {
	case "userName":
		return slot{at: &r.request.userName}
	case "newUserName":
		return slot{at: &r.request.newUserName}
	case "groupName":
		return slot{at: &r.request.groupName}
	case "computerName":
		return slot{at: &r.request.computerName}
	case "instancesSet":
		return slot{&r.unused, inRequestInstances}
	}
	return r.request.hosts.slot(key, &r.unused)
}

func (r *members) inResponse(key string) slot {
	switch key {
	case "user":
		return slot{&r.unused, inResponseUser}
	case "group":
		return slot{&r.unused, inResponseGroup}
	case "ConsoleLogin":
		return slot{at: &r.response.consoleLogin}
	case "instancesSet":
		return slot{&r.unused, inResponseInstances}
	}
	return r.response.hosts.slot(key, &r.unused)
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
	switch {
	case in == inResponseUser && key == "userId":
		return slot{at: &r.response.userID}
	case in == inResponseGroup && key == "groupId":
		return slot{at: &r.response.groupID}
	case in == inRequestInstances && key == "items":
		return slot{at: &r.request.hosts.items}
	case in == inResponseInstances && key == "items":
		return slot{at: &r.response.hosts.items}
	}
	return slot{at: &r.unused}
}
