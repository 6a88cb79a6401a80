#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const image = "registry.example.org/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep {image: $image, host: "www.example.org", postgres: {address: "db.example.org"}, redis: {address: "cache.example.org"}}
    | merge deep --strategy=overwrite $changes
}

# Every document by its kind.
def documents [changes: record = {}]: nothing -> record {
    install documents (settings $changes)
    | each {|file| $file.content | split row --regex '(?m)^---\n' | each {|text| $text | from yaml } }
    | flatten
    | reduce --fold {} {|document, all| $all | insert $document.kind $document }
}

def main [] {
    run-cases [
        {name: "every document is YAML of the application's name and namespace", run: {||
            let all = documents {name: "shop", namespace: "front"}
            equal ($all | columns | sort) ["Deployment" "Ingress" "Namespace" "PodDisruptionBudget" "Service"]
            equal ($all | reject Namespace | values | each {|d| $"($d.metadata.namespace)/($d.metadata.name)" } | uniq) ["front/shop"]
        }}
        {name: "service, deployment and budget select the same pods", run: {||
            let all = documents
            let pods = $all.Deployment.spec.template.metadata.labels
            equal $all.Service.spec.selector $pods
            equal $all.Deployment.spec.selector.matchLabels $pods
            equal $all.PodDisruptionBudget.spec.selector.matchLabels $pods
        }}
        {name: "free values cannot break out of their place", run: {||
            let value = "a\"}\n- {name: EVIL, value: \"{{ name }}"
            let env_list = documents {env: {GREETING: $value}} | get Deployment.spec.template.spec.containers.0.env
            equal ($env_list | where name == "GREETING" | get 0.value) $value
            equal ($env_list | where name == "EVIL") []
        }}
        {name: "credentials come from secrets alone", run: {||
            let container = documents | get Deployment.spec.template.spec.containers.0
            equal ($container.envFrom | get secretRef.name) ["web-postgres" "web-redis"]
            equal ($container.env | where name =~ 'PASSWORD') []
        }}
        {name: "a certificate is asked for only when named", run: {||
            equal ("tls" in (documents | get Ingress.spec | columns)) false
            equal (documents {tls_secret: "web-tls"} | get Ingress.spec.tls.0) {hosts: ["www.example.org"], secretName: "web-tls"}
        }}
        {name: "of several replicas one may go at a time", run: {||
            equal (documents {replicas: 3} | get PodDisruptionBudget.spec.minAvailable) 2
            equal (documents {replicas: 1} | get PodDisruptionBudget.spec.minAvailable) 0
        }}
        {name: "applications that cannot work are refused", run: {||
            refuses {|| install plan (settings {image: "registry.example.org/web:latest"}) } "image must name a digest"
            refuses {|| install plan (settings {replicas: 0}) } "replicas must be"
            refuses {|| install plan (settings {name: "Web_1"}) } "name must be a DNS label"
            refuses {|| install plan (settings {env: {"a b": "c"}}) } "must be upper case"
        }}
        {name: "below another root documents are written and nothing is applied", run: {||
            in-scratch {|dir|
                let steps = install plan (settings)
                equal (apply $steps --root $dir | get outcome) ["changed" "changed" "changed" "changed" "skipped" "skipped"]
                equal (drift $steps --root $dir) []
                equal (apply (uninstall plan (settings)) --root $dir | get outcome) ["skipped" "changed"]
                equal (drift $steps --root $dir | length) 4
            }
        }}
        {name: "the check names what is behind", run: {||
            let deployment = {spec: {replicas: 2, template: {spec: {containers: [{image: $image}]}}}, status: {availableReplicas: 2, updatedReplicas: 1}}
            equal ($deployment | to json | check judge-deployment $image) {ok: false, detail: "1 of 2 updated"}
            equal ($deployment | update status.updatedReplicas 2 | to json | check judge-deployment $image | get ok) true
            equal ($deployment | update status {} | to json | check judge-deployment $image | get ok) false
        }}
    ]
}
