#!/usr/bin/env nu
# Tells whether the cluster's network runs on every node, in the version its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads `kubectl get daemonset cilium --output json`: as many ready as wanted, all of one version.
export def judge-agents [expected: string]: string -> record<ok: bool, detail: string> {
    let set = $in | from json
    let image = $set.spec.template.spec.containers | where name == "cilium-agent" | get --optional 0.image | default ""
    let found = $image | parse --regex ':v(?<version>[0-9][^@]*)' | get --optional 0.version | default "unknown"
    let wanted = $set.status.desiredNumberScheduled
    let ready = $set.status.numberReady
    {ok: ($found == $expected and $ready == $wanted and $wanted > 0), detail: $"($ready) of ($wanted) ready, version ($found), expected ($expected)"}
}

def main [
    --config: path = "settings.toml" # the settings the cluster was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let answer = health "cilium" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "agents" ["kubectl" "--kubeconfig" $settings.kubeconfig "--namespace" "kube-system" "get" "daemonset" "cilium" "--output" "json"] {|text| $text | judge-agents $version })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
