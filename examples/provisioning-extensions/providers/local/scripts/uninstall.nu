#!/usr/bin/env nu
# Removes the machines of the settings and their network. Disks stay unless --purge is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back. A machine that is not there is passed over.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let machines = $settings.servers | each {|server|
        [
            {do: "run", target: $"stop of ($server.name)", command: [virsh destroy $server.name], unless: [sh -c 'test "$(virsh domstate "$1" 2>/dev/null)" != running' sh $server.name]}
            {do: "run", target: $"definition of ($server.name)", command: [virsh undefine $server.name], unless: [sh -c '! virsh dominfo "$1" >/dev/null 2>&1' sh $server.name]}
            {do: "remove", target: $"/etc/provisioning/local/($server.name)"}
        ]
    } | flatten
    let name = $settings.network.name
    [
        ...$machines
        {do: "run", target: "network stop", command: [virsh net-destroy $name], unless: [test ! -e $"/sys/class/net/($name)"]}
        {do: "run", target: "network", command: [virsh net-undefine $name], unless: [sh -c '! virsh net-info "$1" >/dev/null 2>&1' sh $name]}
        {do: "remove", target: $"/etc/provisioning/local/network-($name).xml"}
        ...(if $purge { [{do: "remove", target: $settings.pool}] } else { [] })
    ]
}

def main [
    --config: path = "settings.toml" # the settings the host was prepared with
    --root: path = "/" # uninstall below another root
    --purge # also delete disks and base images
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "local" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
