{{- define "chancery.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "chancery.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "chancery.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "chancery.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "chancery.selectorLabels" -}}
app.kubernetes.io/name: {{ include "chancery.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chancery.labels" -}}
{{ include "chancery.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "chancery.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "chancery.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "chancery.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{/* The configuration: what the chart mounts, under what the user wrote. Files of volumes with fsGroup are readable by the
group, hence group_access. Helm reads every number as a float, which the server would refuse for a count. */}}
{{- define "chancery.config" -}}
{{- $listen := .Values.listenAddress -}}
{{- $chart := dict
  "server" (dict
    "https" (list (printf "%s:8443" $listen))
    "http" (list (printf "%s:8080" $listen))
    "client_certificate" (list (printf "%s:49443" $listen))
    "management" (list (printf "%s:9080" $listen))
    "tls" (dict "certificate_file" "/etc/chancery/tls/tls.crt" "key_file" "/etc/chancery/tls/tls.key"))
  "kerberos" (dict "keytab" (printf "/etc/chancery/keytab/%s" .Values.secrets.keytab.key))
  "keys" (dict
    "directory" "/var/lib/chancery/keys"
    "group_access" true
    "key_encryption_key_file" (printf "/etc/chancery/kek/%s" .Values.secrets.keys.key))
  "service" (dict "state_directory" "/run/chancery")
-}}
{{- regexReplaceAll "(?m)^(\\s*[A-Za-z0-9_-]+ = -?[0-9]+)\\.0$" (toToml (mergeOverwrite $chart (deepCopy .Values.config))) "${1}" -}}
{{- end -}}

{{/* What only a start reads: listeners, limits, log and audit log, places of state. Everything else is taken over by running servers. */}}
{{- define "chancery.restart" -}}
{{- $config := include "chancery.config" . | fromToml -}}
{{- $server := dig "server" dict $config -}}
{{- toJson (list (pick $server "https" "http" "client_certificate" "management" "tls_ends_in_front" "limits" "log" "shutdown_grace_seconds") (dig "service" "state_directory" "" $config) (dig "keys" dict $config) (pick (dig "audit" dict $config) "sink" "file" "on_failure")) -}}
{{- end -}}

{{/* What cannot be left out, said with an example. */}}
{{- define "chancery.validate" -}}
{{- if not (dig "service" "federation_service_name" "" .Values.config) -}}
{{- fail "config.service.federation_service_name is missing: the DNS name clients use, for example sts.corp.example" -}}
{{- end -}}
{{- if not (dig "domains" list .Values.config) -}}
{{- fail "config.domains is empty: name at least one domain with realm, sid, netbios and domain_controllers" -}}
{{- end -}}
{{- $_ := required "secrets.keytab.existingSecret is missing: kubectl create secret generic chancery-keytab --from-file=krb5.keytab=sts.keytab" .Values.secrets.keytab.existingSecret -}}
{{- $_ := required "secrets.tls.existingSecret is missing: kubectl create secret tls chancery-tls --cert=sts.pem --key=sts.key" .Values.secrets.tls.existingSecret -}}
{{- $_ := required "secrets.keys.existingSecret is missing: head -c 32 /dev/urandom > kek && kubectl create secret generic chancery-kek --from-file=kek" .Values.secrets.keys.existingSecret -}}
{{- if and (gt (int .Values.replicas) 1) (not .Values.keysVolume.existingClaim) (ne .Values.keysVolume.accessMode "ReadWriteMany") -}}
{{- fail (printf "keysVolume.accessMode is %s, but %d replicas share the keys: use ReadWriteMany, or replicas: 1" .Values.keysVolume.accessMode (int .Values.replicas)) -}}
{{- end -}}
{{- if and .Values.service.externalTrafficPolicy (eq .Values.service.type "ClusterIP") -}}
{{- fail "service.externalTrafficPolicy is for service.type LoadBalancer or NodePort only" -}}
{{- end -}}
{{- $grace := int (dig "server" "shutdown_grace_seconds" 30 .Values.config) -}}
{{- if lt (int .Values.terminationGracePeriodSeconds) (add (int .Values.preStopSeconds) $grace | int) -}}
{{- fail (printf "terminationGracePeriodSeconds is %d, less than preStopSeconds (%d) and config.server.shutdown_grace_seconds (%d) together: requests in flight would be cut off" (int .Values.terminationGracePeriodSeconds) (int .Values.preStopSeconds) $grace) -}}
{{- end -}}
{{- end -}}
