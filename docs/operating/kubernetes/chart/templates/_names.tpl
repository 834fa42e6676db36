{{- define "ocr.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "ocr.labels" -}}
app.kubernetes.io/name: ocr-gateway
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "ocr.selector" -}}
app.kubernetes.io/name: ocr-gateway
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "ocr.storage" -}}
{{- if .storageClass }}
storageClassName: {{ .storageClass }}
{{- end }}
resources: { requests: { storage: {{ .size }} } }
{{- end }}

{{- /* Each engine by an address of its own: the gateway itself says which page goes to which. */ -}}
{{- define "ocr.upstreams" -}}
{{- if not .Values.vllm.enabled -}}
{{- required "vllm.upstreamUrls is where the engines are; or set vllm.enabled" .Values.vllm.upstreamUrls -}}
{{- else -}}
{{- $urls := list -}}
{{- range $model, $of := .Values.vllm.models -}}
{{- if $of.enabled -}}
{{- $most := ternary $.Values.vllm.autoscaling.max $of.replicas $.Values.vllm.autoscaling.enabled -}}
{{- $name := printf "%s-%s" (include "ocr.name" $) $model -}}
{{- range $each := until (int $most) -}}
{{- $urls = append $urls (printf "http://%s-%d.%s:8000/v1" $name $each $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- join "," $urls -}}
{{- end -}}
{{- end }}

{{- define "ocr.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}
