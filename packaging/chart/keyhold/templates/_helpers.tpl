{{- define "keyhold.name" -}}
{{ printf "%s" .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "keyhold.selector" -}}
app.kubernetes.io/name: keyhold
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "keyhold.labels" -}}
{{ include "keyhold.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "keyhold.replicas" -}}
{{ if .Values.store.url }}{{ .Values.replicas }}{{ else }}1{{ end }}
{{- end }}
