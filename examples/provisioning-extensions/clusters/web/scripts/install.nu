#!/usr/bin/env nu
# Brings a web application onto a Kubernetes cluster: its documents rendered to files, then applied by the server.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    name: "web"
    namespace: "web"
    image: null
    host: null
    tls_secret: ""
    replicas: 2
    port: 8080
    resources: {cpu: "100m", memory: "256Mi"}
    postgres: {address: null, port: 5432, database: "web", secret: "web-postgres"}
    redis: {address: null, port: 6379, secret: "web-redis"}
    env: {}
    kubeconfig: "/etc/kubernetes/admin.conf"
}

export def check-settings [settings: record]: nothing -> nothing {
    let label = '\A[a-z]([a-z0-9-]{0,61}[a-z0-9])?\z'
    let host = '\A[a-z0-9]([a-z0-9.-]*[a-z0-9])?\z'
    let names = [name namespace] | each {|key| {ok: (($settings | get $key) =~ $label), says: $"($key) must be a DNS label"} }
    let secrets = [$settings.postgres.secret $settings.redis.secret] | each {|secret| {ok: ($secret =~ $label), says: $"($secret) is not a secret's name"} }
    let env_names = $settings.env | columns | each {|key| {ok: ($key =~ '\A[A-Z][A-Z0-9_]*\z'), says: $"env: ($key) must be upper case"} }
    require [
        {ok: ($settings.image =~ '\A[a-z0-9./:_-]+@sha256:[0-9a-f]{64}\z'), says: "image must name a digest: a tag may mean another image tomorrow"}
        {ok: ($settings.host =~ $host), says: "host must be a host name"}
        {ok: ($settings.tls_secret == "" or $settings.tls_secret =~ $label), says: "tls_secret must be a secret's name"}
        {ok: ($settings.replicas in 1..100), says: "replicas must be 1 to 100"}
        {ok: ($settings.port in 1024..65535), says: "port must be 1024 to 65535"}
        {ok: ($settings.resources.cpu =~ '\A[0-9]+m?\z'), says: "resources.cpu is an amount such as 100m"}
        {ok: ($settings.resources.memory =~ '\A[0-9]+(Mi|Gi)\z'), says: "resources.memory is an amount such as 256Mi"}
        {ok: ([$settings.postgres.address $settings.redis.address] | all {|a| $a =~ $host }), says: "postgres.address and redis.address must be host names or IPs"}
        {ok: ($settings.kubeconfig =~ '\A/[\w./-]+\z'), says: "kubeconfig must be an absolute path"}
        ...$names
        ...$secrets
        ...$env_names
    ]
}

# The documents by file name. Values that people write freely are JSON, which is YAML that cannot break out.
export def documents [settings: record]: nothing -> list<record<name: string, content: string>> {
    let shared = {
        name: $settings.name
        namespace: $settings.namespace
        version: (open $manifest | get version)
        port: $settings.port
    }
    let free = $settings.env | items {|key, value| $"            - {name: ($key), value: ($value | into string | to json --raw)}" } | str join "\n"
    let tls = if $settings.tls_secret == "" { "" } else { $"  tls:\n    - hosts: [\"($settings.host)\"]\n      secretName: ($settings.tls_secret)" }
    # One replica must give way to an eviction; of several, one at a time.
    let available = [0 ($settings.replicas - 1)] | math max
    [
        {name: "10-namespace.yaml", values: {}}
        {name: "20-deployment.yaml", values: {
            image: $settings.image
            replicas: $settings.replicas
            cpu: $settings.resources.cpu
            memory: $settings.resources.memory
            postgres_address: $settings.postgres.address
            postgres_port: $settings.postgres.port
            postgres_database: ($settings.postgres.database | to json --raw)
            postgres_secret: $settings.postgres.secret
            redis_address: $settings.redis.address
            redis_port: $settings.redis.port
            redis_secret: $settings.redis.secret
            env: $free
        }}
        {name: "30-service.yaml", values: {host: $settings.host, tls: $tls}}
        {name: "40-disruption.yaml", values: {available: $available}}
    ] | each {|document|
        {name: $document.name, content: (open --raw ($templates | path join $document.name) | render ($shared | merge $document.values))}
    }
}

# The steps that bring the application onto the cluster. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let folder = $"/etc/provisioning/clusters/($settings.name)"
    let kubectl = [kubectl --kubeconfig $settings.kubeconfig --namespace $settings.namespace]
    [
        ...(documents $settings | each {|d| {do: "file", target: $"($folder)/($d.name)", content: $d.content} })
        {do: "run", target: "apply", command: [...$kubectl apply --server-side --field-manager provisioning --filename $folder]}
        {do: "run", target: "rollout", command: [...$kubectl rollout status $"deployment/($settings.name)" --timeout 5m]}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # write documents below another root and apply nothing
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "web" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
