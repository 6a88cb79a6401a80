#!/usr/bin/env nu
# Removes containerd. Images and containers stay unless --purge is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml
const programs = [containerd containerd-shim containerd-shim-runc-v1 containerd-shim-runc-v2 containerd-stress ctr]

# The steps back: the service first, the data last and only when asked for.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let gone = [
        "/etc/systemd/system/containerd.service"
        "/etc/containerd"
        ...($programs | each {|p| $"/usr/local/bin/($p)" })
        "/var/lib/provisioning/containerd.sha256"
        ...(if $purge { [$settings.root_dir $settings.state_dir] } else { [] })
    ]
    [{do: "unit", target: "containerd.service", state: "stopped"}, ...($gone | each {|path| {do: "remove", target: $path} })]
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --purge # also delete images, containers and snapshots
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "containerd" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
