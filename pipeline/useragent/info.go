package useragent

// Info is what is known of a user agent. An empty string means absent.
type Info struct {
	// Name is the agent's name, "Other" if unknown (user_agent.name).
	Name string
	// Version is major[.minor[.patch[.build]]] (user_agent.version).
	Version string
	// OSName is the operating system (user_agent.os.name). Empty: unknown, then the other OS members are empty too.
	OSName string
	// OSVersion is joined as Version is (user_agent.os.version).
	OSVersion string
	// OSFull is the name, a space and the version; only set if there is a version (user_agent.os.full).
	OSFull string
	// DeviceName is the device, "Other" if unknown, "Spider" for robots (user_agent.device.name).
	DeviceName string
}

// other is the word for an unknown agent or device.
const other = "Other"

// setOS fills the three OS members.
func (i *Info) setOS(name, version string) {
	i.OSName, i.OSVersion, i.OSFull = name, version, ""
	if version != "" {
		i.OSFull = name + " " + version
	}
}

// joinVersion joins the parts up to the first empty one.
func joinVersion(parts [4]string) string {
	n := 0
	for n < len(parts) && parts[n] != "" {
		n++
	}
	switch n {
	case 0:
		return ""
	case 1:
		return parts[0]
	case 2:
		return parts[0] + "." + parts[1]
	case 3:
		return parts[0] + "." + parts[1] + "." + parts[2]
	default:
		return parts[0] + "." + parts[1] + "." + parts[2] + "." + parts[3]
	}
}
