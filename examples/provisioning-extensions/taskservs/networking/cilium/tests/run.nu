#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const manifest = path self ../manifest.yaml
const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep {archive: {sha256: $sha}, cluster: {name: "test", endpoint: "api.example.org:6443"}}
    | merge deep --strategy=overwrite $changes
}

def main [] {
    run-cases [
        {name: "the values are YAML that says what the settings say", run: {||
            let written = install values (settings {encryption: "wireguard", replace_kube_proxy: true, node_mask: 25}) | from yaml
            equal $written.kubeProxyReplacement true
            equal $written.encryption.enabled true
            equal $written.k8sServiceHost "api.example.org"
            equal $written.k8sServicePort 6443
            equal $written.ipam.operator.clusterPoolIPv4MaskSize 25
        }}
        {name: "room for nodes follows from block and part", run: {||
            equal (install capacity "10.244.0.0/16" 24) 256
            equal (install capacity "10.244.0.0/22" 24) 4
        }}
        {name: "install and upgrade take the manifest's version", run: {||
            let version = open $manifest | get version
            let runs = install plan (settings) | where do == "run"
            equal ($runs | get target) ["cilium upgrade" "cilium install"]
            equal ($runs | all {|r| $version in $r.command }) true
        }}
        {name: "networks that cannot work are refused", run: {||
            refuses {|| install plan (settings {node_mask: 16}) } "node_mask must be 17 to 30"
            refuses {|| install plan (settings {pod_cidr: "10.244.0.0"}) } "pod_cidr must be"
            refuses {|| install plan (settings {cluster: {id: 0}}) } "cluster.id"
            refuses {|| install plan (settings {cluster: {endpoint: "https://api"}}) } "cluster.endpoint"
            refuses {|| install plan (settings {encryption: "ipsec"}) } "encryption must be"
        }}
        {name: "the program and its values arrive below another root", run: {||
            in-scratch {|dir|
                "program" | save ($dir | path join "cilium")
                let archive = $dir | path join "cilium.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir cilium
                let sum = open --raw $archive | hash sha256
                let steps = install plan (settings {archive: {url: $"file://($archive)", sha256: $sum}})
                let root = $dir | path join "root"
                equal (apply $steps --root $root | get outcome) ["changed" "changed" "changed" "skipped" "skipped"]
                equal (open --raw ($root | path join "usr/local/bin/cilium")) "program"
                equal (drift $steps --root $root) []
            }
        }}
        {name: "the check wants every agent ready and of the right version", run: {||
            let set = {spec: {template: {spec: {containers: [{name: "cilium-agent", image: "quay.io/cilium/cilium:v1.16.3@sha256:ab"}]}}}, status: {desiredNumberScheduled: 3, numberReady: 3}}
            equal ($set | to json | check judge-agents "1.16.3" | get ok) true
            equal ($set | to json | check judge-agents "1.16.4" | get ok) false
            equal ($set | update status.numberReady 2 | to json | check judge-agents "1.16.3" | get detail) "2 of 3 ready, version 1.16.3, expected 1.16.3"
        }}
        {name: "the network goes only when the cluster is named", run: {||
            refuses {|| uninstall plan (settings) "" } "--confirm test"
            equal (uninstall plan (settings) "test" | first | get target) "cilium uninstall"
        }}
    ]
}
