package e2e

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/trailbeat/trailbeat/internal/needs"
)

// deployed is a file of the folder deploy.
func deployed(t *testing.T, parts ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "deploy"}, parts...)...))
	require.NoError(t, err)
	return string(data)
}

// manifest is what the tests look at in an object of Kubernetes.
type manifest struct {
	Kind     string
	Metadata struct{ Name string }
	Data     map[string]string
	Spec     struct {
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		}
		Template struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct {
				ServiceAccountName string         `yaml:"serviceAccountName"`
				SecurityContext    map[string]any `yaml:"securityContext"`
				Containers         []struct {
					SecurityContext map[string]any `yaml:"securityContext"`
					VolumeMounts    []struct{ Name string }
				}
				Volumes []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
		VolumeClaimTemplates []struct{ Metadata struct{ Name string } } `yaml:"volumeClaimTemplates"`
		ScaleTargetRef       struct{ Name string }                      `yaml:"scaleTargetRef"`
	}
}

func manifests(t *testing.T, file string) []manifest {
	t.Helper()
	decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "kubernetes", file)))
	var list []manifest
	for {
		var m manifest
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		list = append(list, m)
	}
}

// The configurations in the manifests are right, what objects say of each other holds, and nothing runs with more than it needs.
func TestManifests(t *testing.T) {
	for _, file := range []string{"queue.yaml", "polling.yaml"} {
		t.Run(file, func(t *testing.T) {
			list := manifests(t, file)
			names := map[string]bool{}
			for _, m := range list {
				assert.False(t, names[m.Kind+"/"+m.Metadata.Name], "%s/%s is there twice", m.Kind, m.Metadata.Name)
				names[m.Kind+"/"+m.Metadata.Name] = true
			}
			for _, m := range list {
				switch m.Kind {
				case "ConfigMap":
					path := filepath.Join(t.TempDir(), "trailbeat.yml")
					ca := filepath.Join(t.TempDir(), "ca.crt")
					text := strings.ReplaceAll(m.Data["trailbeat.yml"], "/etc/elasticsearch/ca.crt", ca)
					require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
					cmd := exec.Command(binary, "test", "config", "-c", path)
					cmd.Env = append(os.Environ(), "ES_API_KEY=id:key")
					out, err := cmd.CombinedOutput()
					require.NoError(t, err, "%s", out)
					assert.NotContains(t, string(out), "warning", "%s", out)
				case "Deployment", "StatefulSet":
					pod := m.Spec.Template.Spec
					assert.Equal(t, m.Spec.Selector.MatchLabels, m.Spec.Template.Metadata.Labels)
					assert.True(t, names["ServiceAccount/"+pod.ServiceAccountName])
					assert.Equal(t, true, pod.SecurityContext["runAsNonRoot"])
					volumes := map[string]bool{}
					for _, v := range pod.Volumes {
						volumes[v.Name] = true
						if v.ConfigMap.Name != "" {
							assert.True(t, names["ConfigMap/"+v.ConfigMap.Name], v.ConfigMap.Name)
						}
					}
					for _, v := range m.Spec.VolumeClaimTemplates {
						volumes[v.Metadata.Name] = true
					}
					require.Len(t, pod.Containers, 1)
					c := pod.Containers[0]
					assert.Equal(t, true, c.SecurityContext["readOnlyRootFilesystem"])
					assert.Equal(t, false, c.SecurityContext["allowPrivilegeEscalation"])
					for _, v := range c.VolumeMounts {
						assert.True(t, volumes[v.Name], "no volume %q", v.Name)
					}
				case "ScaledObject":
					assert.True(t, names["Deployment/"+m.Spec.ScaleTargetRef.Name])
				}
			}
		})
	}
}

// The role in the Terraform module has the rights that the shipper says it needs, neither more nor fewer.
func TestTerraformRights(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trailbeat.yml")
	require.NoError(t, os.WriteFile(path, []byte(`trailbeat.inputs: [{type: aws-s3, queue_url: "https://sqs.eu-west-1.amazonaws.com/111122223333/trail"}]
output.console: {}
`), 0o600))
	out, err := exec.Command(binary, "export", "iam-policy", "-c", path).Output()
	require.NoError(t, err)
	var policy struct {
		Statement []struct{ Action []string }
	}
	require.NoError(t, json.Unmarshal(out, &policy), "%s", out)
	var needed []string
	for _, s := range policy.Statement {
		needed = append(needed, s.Action...)
	}
	_, module, ok := strings.Cut(deployed(t, "terraform", "main.tf"), `data "aws_iam_policy_document" "read" {`)
	require.True(t, ok)
	module, _, _ = strings.Cut(module, "\nresource ")
	var granted []string
	for _, m := range regexp.MustCompile(`"((?:sqs|s3|kms):[A-Za-z]+)"`).FindAllStringSubmatch(module, -1) {
		granted = append(granted, m[1])
	}
	slices.Sort(needed)
	slices.Sort(granted)
	assert.Equal(t, slices.Compact(needed), slices.Compact(granted))
}

func TestTerraformFormat(t *testing.T) {
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skip("needs terraform in the PATH: install HashiCorp's, as Debian has none")
	}
	cmd := exec.Command(terraform, "fmt", "-check", "-diff", "-recursive", filepath.Join("..", "..", "deploy"))
	none := filepath.Join(t.TempDir(), "rc")
	require.NoError(t, os.WriteFile(none, nil, 0o600))
	cmd.Env = append(os.Environ(), "TF_CLI_CONFIG_FILE="+none)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// systemd understands the unit, every line of it, and finds it well locked up.
func TestUnit(t *testing.T) {
	analyze := needs.Tool(t, "systemd-analyze", "systemd")
	unit := filepath.Join(t.TempDir(), "trailbeat.service")
	require.NoError(t, os.WriteFile(unit, []byte(strings.ReplaceAll(deployed(t, "systemd", "trailbeat.service"), "/usr/bin/trailbeat", binary)), 0o600))
	out, err := exec.Command(analyze, "verify", "--man=no", unit).CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Empty(t, string(out))
	out, err = exec.Command(analyze, "security", "--offline=yes", "--threshold=20", unit).CombinedOutput() // tenths: 2.0 of 10
	require.NoError(t, err, "%s", out)
}
