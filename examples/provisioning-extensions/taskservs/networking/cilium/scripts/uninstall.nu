#!/usr/bin/env nu
# Takes the pod network out of a cluster. Pods that run then lose their network: --confirm must name the cluster.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: the cluster first, the program that speaks to it last.
export def plan [settings: record, confirm: string]: nothing -> list<any> {
    install check-settings $settings
    require [{ok: ($confirm == $settings.cluster.name), says: $"every pod of ($settings.cluster.name) loses its network; pass --confirm ($settings.cluster.name)"}]
    [
        {do: "run", target: "cilium uninstall", command: [cilium uninstall --kubeconfig $settings.kubeconfig --wait]}
        {do: "remove", target: "/etc/provisioning/cilium"}
        {do: "remove", target: "/usr/local/bin/cilium"}
        {do: "remove", target: "/var/lib/provisioning/cilium.sha256"}
    ]
}

def main [
    --config: path = "settings.toml" # the settings the cluster was installed with
    --root: path = "/" # uninstall below another root
    --confirm: string = "" # the cluster's name
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) $confirm) --root $root --dry-run=$dry_run
    report "cilium" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
