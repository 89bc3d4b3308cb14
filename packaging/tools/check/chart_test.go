package check

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// objects returns an empty object of each kind that the chart may make.
func objects() map[string]any {
	return map[string]any{
		"ConfigMap": &corev1.ConfigMap{}, "NetworkPolicy": &networkingv1.NetworkPolicy{},
		"PodDisruptionBudget": &policyv1.PodDisruptionBudget{}, "Service": &corev1.Service{},
		"ServiceAccount": &corev1.ServiceAccount{}, "StatefulSet": &appsv1.StatefulSet{},
	}
}

// render renders the chart with values, and decodes its objects strictly: a field that the type of
// Kubernetes does not have is an error.
func render(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	chart, err := loader.LoadDir(filepath.Join(repository, "packaging/chart/keyhold"))
	if err != nil {
		t.Fatal(err)
	}
	release := common.ReleaseOptions{Name: "keys", Namespace: "default", Revision: 1, IsInstall: true}
	all, err := util.ToRenderValues(chart, values, release, common.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Engine{Strict: true}.Render(chart, all)
	if err != nil {
		t.Fatal(err)
	}
	decoded := map[string]any{}
	for name, text := range files {
		for document := range strings.SplitSeq(text, "\n---\n") {
			if strings.TrimSpace(document) == "" || strings.HasSuffix(name, ".tpl") {
				continue
			}
			kind := decode(t, name, document)
			decoded[strings.TrimPrefix(filepath.Base(name), "keyhold/")+" "+typeOf(document)] = kind
		}
	}
	return decoded
}

var kindLine = regexp.MustCompile(`(?m)^kind: (\w+)$`)

func typeOf(document string) string {
	if m := kindLine.FindStringSubmatch(document); m != nil {
		return m[1]
	}
	return ""
}

func decode(t *testing.T, name, document string) any {
	t.Helper()
	object := objects()[typeOf(document)]
	if object == nil {
		t.Fatalf("%s has the unknown kind %q", name, typeOf(document))
	}
	if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, document)
	}
	return object
}

// The chart makes one server with a volume, or several servers on etcd or PostgreSQL.
func TestChart(t *testing.T) {
	for _, test := range []struct {
		name     string
		values   map[string]any
		replicas int32
		store    string
	}{
		{"one server", nil, 1, ""},
		{"three nodes on etcd", map[string]any{"store": map[string]any{"url": "etcd://etcd1:2379,etcd2:2379/keyhold"}}, 3,
			"etcd://etcd1:2379,etcd2:2379/keyhold"},
		{"five nodes on PostgreSQL", map[string]any{"replicas": 5, "store": map[string]any{
			"url":        "postgres://db1,db2/keyhold?user=keyhold&passwordFile=/etc/keyhold/store/password",
			"secretName": "keyhold-store",
		}}, 5, "postgres://db1,db2/keyhold?user=keyhold&passwordFile=/etc/keyhold/store/password"},
		{"all values", map[string]any{
			"settings":     "[audit]\nkeep = \"400d\"\n",
			"clients":      map[string]any{"podLabels": map[string]any{"kms": "yes"}},
			"nodeSelector": map[string]any{"disk": "ssd"},
			"tolerations":  []any{map[string]any{"key": "keys", "operator": "Exists"}},
			"storage":      map[string]any{"className": "fast"},
		}, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			all := render(t, test.values)
			set := all["statefulset.yaml StatefulSet"].(*appsv1.StatefulSet)
			if *set.Spec.Replicas != test.replicas {
				t.Errorf("%d replicas, want %d", *set.Spec.Replicas, test.replicas)
			}
			args := strings.Join(set.Spec.Template.Spec.Containers[0].Args, "\n")
			_, store, shared := strings.Cut(args, "--store=")
			if store, _, _ = strings.Cut(store, "\n"); store != test.store {
				t.Errorf("the arguments are\n%s", args)
			}
			if _, budget := all["poddisruptionbudget.yaml PodDisruptionBudget"]; budget != shared {
				t.Errorf("a budget: %v", budget)
			}
			expectStoreSecret(t, set.Spec.Template.Spec, test.values)
			expectConfined(t, set.Spec.Template.Spec)
			expectFlags(t, set.Spec.Template.Spec.Containers[0].Args)
		})
	}
}

// expectStoreSecret expects that the secret of the store, if there is one, is where the URL of the store looks for it.
func expectStoreSecret(t *testing.T, pod corev1.PodSpec, values map[string]any) {
	t.Helper()
	store, _ := values["store"].(map[string]any)
	want, _ := store["secretName"].(string)
	var volume, path string
	for _, v := range pod.Volumes {
		if v.Name == "store" {
			volume = v.Secret.SecretName
		}
	}
	for _, m := range pod.Containers[0].VolumeMounts {
		if m.Name == "store" {
			path = m.MountPath
		}
	}
	if volume != want || (path == "/etc/keyhold/store") != (want != "") {
		t.Errorf("the secret %q is at %q", volume, path)
	}
}

// expectConfined expects the limits of the restricted standard of Kubernetes for pods, and probes.
func expectConfined(t *testing.T, pod corev1.PodSpec) {
	t.Helper()
	c := pod.Containers[0]
	s := c.SecurityContext
	if !*pod.SecurityContext.RunAsNonRoot || *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem ||
		len(s.Capabilities.Drop) != 1 || s.Capabilities.Drop[0] != "ALL" ||
		pod.SecurityContext.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod is not confined: %+v %+v", pod.SecurityContext, s)
	}
	if c.StartupProbe == nil || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/livez" {
		t.Error("a probe is missing")
	}
	if *pod.AutomountServiceAccountToken {
		t.Error("the pod has a token of Kubernetes")
	}
}

// expectFlags expects that each flag is a setting of the program.
func expectFlags(t *testing.T, args []string) {
	t.Helper()
	settings, err := os.ReadFile(filepath.Join(repository, "docs/keyhold.example.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range args {
		flag, _, _ := strings.Cut(arg, "=")
		if flag != "serve" && flag != "--config" && !strings.Contains(string(settings), "flag "+flag+";") {
			t.Errorf("the program has no setting for %s", flag)
		}
	}
}

// A field that Kubernetes does not know is an error of the test.
func TestDecodingIsStrict(t *testing.T) {
	if err := yaml.UnmarshalStrict([]byte("kind: Service\nspec:\n  selectors: {}\n"), &corev1.Service{}); err == nil {
		t.Error("an unknown field is accepted")
	}
}
