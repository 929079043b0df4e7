package processor

import (
	"bufio"
	"bytes"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/trailbeat/trailbeat/ecs"
)

// AddHostMetadata writes the machine that the shipper runs on to host.*.
type AddHostMetadata struct {
	Common `config:",inline"`
	// NetInfo is about addresses.
	NetInfo NetInfo `config:"netinfo"`
	// Cache is about how long the answers are good.
	Cache HostCache `config:"cache"`
	// Name is host.name. Default: the name of the machine.
	Name string `config:"name"`
	// ReplaceFields replaces what is there. Default true.
	ReplaceFields bool `config:"replace_fields"`
}

// NetInfo is the group netinfo.
type NetInfo struct {
	// Enabled writes host.ip and host.mac. Default true.
	Enabled bool `config:"enabled"`
}

// HostCache is the group cache.
type HostCache struct {
	// TTL is after what time the machine is looked at again. Default 5m. Zero: never.
	TTL time.Duration `config:"ttl"`
}

// DefaultAddHostMetadata are the defaults.
func DefaultAddHostMetadata() AddHostMetadata {
	return AddHostMetadata{NetInfo: NetInfo{Enabled: true}, Cache: HostCache{TTL: 5 * time.Minute}, ReplaceFields: true}
}

// Validate joins all that is wrong.
func (o *AddHostMetadata) Validate() error {
	f := o.faults()
	if o.Cache.TTL < 0 {
		f.bad("cache.ttl", "must be >= 0, is %s", o.Cache.TTL)
	}
	return f.err()
}

func (o *AddHostMetadata) names() []name  { return nil }
func (o *AddHostMetadata) changes() scope { return scopeOf("host") }

func (o *AddHostMetadata) build(env *Env) (runner, error) {
	h := &hostMetadata{replace: o.ReplaceFields}
	look := func() *host { return lookAtHost(o.Name, o.NetInfo.Enabled) }
	h.host.every, h.host.now, h.host.make = o.Cache.TTL, env.Now, look
	h.host.start(look())
	return h, nil
}

// host is what is known of the machine.
type host struct {
	name, hostname, architecture, id                    string
	platform, version, family, osName, kernel, codename string
	containerized                                       ecs.Bool
	ip, mac                                             []string
}

type hostMetadata struct {
	host    refreshed[host]
	replace bool
}

func (h *hostMetadata) run(ev *ecs.Event) error {
	is, to := h.host.get(), &ev.Host
	set := func(field *string, value string) {
		if value != "" && (*field == "" || h.replace) {
			*field = value
		}
	}
	set(&to.Name, is.name)
	set(&to.Hostname, is.hostname)
	set(&to.Architecture, is.architecture)
	set(&to.ID, is.id)
	set(&to.OS.Platform, is.platform)
	set(&to.OS.Version, is.version)
	set(&to.OS.Family, is.family)
	set(&to.OS.Name, is.osName)
	set(&to.OS.Kernel, is.kernel)
	set(&to.OS.Codename, is.codename)
	if is.containerized != ecs.Unset && (to.Containerized == ecs.Unset || h.replace) {
		to.Containerized = is.containerized
	}
	if len(is.ip) > 0 && (len(to.IP) == 0 || h.replace) {
		to.IP = append(to.IP[:0], is.ip...)
	}
	if len(is.mac) > 0 && (len(to.MAC) == 0 || h.replace) {
		to.MAC = append(to.MAC[:0], is.mac...)
	}
	return nil
}

func lookAtHost(name string, netinfo bool) *host {
	h := &host{architecture: architecture(), kernel: kernelRelease(), platform: runtime.GOOS}
	if hostname, err := os.Hostname(); err == nil {
		h.hostname = hostname
		h.name = strings.ToLower(hostname)
	}
	if name != "" {
		h.name = name
	}
	for _, file := range []string{"/etc/machine-id", "/var/lib/dbus/machine-id"} {
		if id, err := os.ReadFile(file); err == nil {
			h.id = strings.TrimSpace(string(id))
			break
		}
	}
	if runtime.GOOS == "linux" {
		for _, file := range []string{"/etc/os-release", "/usr/lib/os-release"} {
			if text, err := os.ReadFile(file); err == nil {
				h.release(text)
				break
			}
		}
		h.containerized = ecs.BoolOf(inContainer())
	}
	if netinfo {
		h.addresses()
	}
	return h
}

// families are the names that ECS has for kinds of Linux.
var families = []struct {
	family string
	ids    []string
}{
	{"debian", []string{"debian", "ubuntu", "raspbian", "linuxmint"}},
	{"redhat", []string{"rhel", "centos", "fedora", "amzn", "ol", "rocky", "almalinux", "scientific"}},
	{"suse", []string{"suse", "sles", "opensuse", "opensuse-leap", "opensuse-tumbleweed"}},
	{"arch", []string{"arch", "manjaro"}},
	{"alpine", []string{"alpine"}},
}

// release reads os-release(5).
func (h *host) release(text []byte) {
	values := map[string]string{}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if key, value, ok := strings.Cut(strings.TrimSpace(lines.Text()), "="); ok {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	h.osName, h.version, h.codename = values["NAME"], values["VERSION"], values["VERSION_CODENAME"]
	if h.version == "" {
		h.version = values["VERSION_ID"]
	}
	if values["ID"] != "" {
		h.platform = values["ID"]
	}
	for _, id := range append([]string{values["ID"]}, strings.Fields(values["ID_LIKE"])...) {
		for _, f := range families {
			if h.family == "" && slices.Contains(f.ids, id) {
				h.family = f.family
			}
		}
	}
}

// inContainer looks for the traces that container runtimes leave.
func inContainer() bool {
	for _, file := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(file); err == nil {
			return true
		}
	}
	groups, err := os.ReadFile("/proc/1/cgroup")
	if err != nil {
		return false
	}
	return slices.ContainsFunc([]string{"docker", "kubepods", "containerd", "lxc", "libpod"}, func(s string) bool {
		return bytes.Contains(groups, []byte(s))
	})
}

// addresses are those of all interfaces but loopback; hardware addresses are written as ECS wants them.
func (h *host) addresses() {
	interfaces, err := net.Interfaces()
	if err != nil {
		return
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback != 0 {
			continue
		}
		if mac := i.HardwareAddr.String(); mac != "" {
			h.mac = append(h.mac, strings.ToUpper(strings.ReplaceAll(mac, ":", "-")))
		}
		addresses, err := i.Addrs()
		if err != nil {
			continue
		}
		for _, a := range addresses {
			if network, ok := a.(*net.IPNet); ok {
				h.ip = append(h.ip, network.IP.String())
			}
		}
	}
	slices.Sort(h.mac)
	h.mac = slices.Compact(h.mac)
}
