{{- define "portwright.name" -}}
{{- printf "%s" .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "portwright.selector" -}}
app.kubernetes.io/name: portwright
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "portwright.labels" -}}
{{ include "portwright.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}
