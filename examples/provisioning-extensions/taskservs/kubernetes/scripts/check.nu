#!/usr/bin/env nu
# Tells whether this node is ready and runs the version and files its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads `kubelet --version`: "Kubernetes v1.28.0".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex 'Kubernetes v(?<version>\S+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

# Reads `kubectl get node <name> --output json`: Ready, and under no pressure.
export def judge-node []: string -> record<ok: bool, detail: string> {
    let conditions = $in | from json | get status.conditions
    let ready = $conditions | where type == "Ready" | get --optional 0.status | default "Unknown"
    let pressed = $conditions | where type != "Ready" and status == "True" | get type
    {ok: ($ready == "True" and ($pressed | is-empty)), detail: ([$"Ready is ($ready)" ...$pressed] | str join ", ")}
}

# Swap makes the kubelet refuse to start; /proc/swaps has one line of headings and one per swap area.
export def judge-swap []: string -> record<ok: bool, detail: string> {
    let areas = $in | lines | skip 1 | each {|line| $line | split row --regex '\s+' | first }
    {ok: ($areas | is-empty), detail: ($areas | str join ", ")}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let kubeconfig = if $settings.role == "worker" { "/etc/kubernetes/kubelet.conf" } else { "/etc/kubernetes/admin.conf" }
    let answer = health "kubernetes" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (open --raw /proc/swaps | decode utf-8 | judge-swap | {name: "swap", ok: $in.ok, detail: $in.detail})
        (probe "version" ["kubelet" "--version"] {|text| $text | judge-version $version })
        (probe "service" ["systemctl" "is-active" "kubelet.service"] {|text| {ok: ($text == "active"), detail: $text} })
        (probe "node" ["kubectl" "--kubeconfig" $kubeconfig "get" "node" $settings.node.name "--output" "json"] {|text| $text | judge-node })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
