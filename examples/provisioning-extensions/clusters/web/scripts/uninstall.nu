#!/usr/bin/env nu
# Takes the application off its cluster. Databases and their secrets are not its own and stay.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back. The namespace stays unless --purge is given: others may have put things there.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let kubectl = [kubectl --kubeconfig $settings.kubeconfig --namespace $settings.namespace]
    let own = [deployment service ingress poddisruptionbudget] | each {|kind| $"($kind)/($settings.name)" }
    [
        {do: "run", target: "delete", command: [...$kubectl delete --ignore-not-found --wait ...$own]}
        ...(if $purge { [{do: "run", target: "delete namespace", command: [...$kubectl delete namespace $settings.namespace --ignore-not-found]}] } else { [] })
        {do: "remove", target: $"/etc/provisioning/clusters/($settings.name)"}
    ]
}

def main [
    --config: path = "settings.toml" # the settings the application was installed with
    --root: path = "/" # remove documents below another root and delete nothing
    --purge # also delete the namespace with all it holds
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "web" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
