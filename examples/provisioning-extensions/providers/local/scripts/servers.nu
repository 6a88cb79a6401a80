#!/usr/bin/env nu
# Makes the virtual machines of the settings on this host, each on a disk of its own over the shared base image.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml
const templates = path self ../templates

# A machine's hardware address: the same for the same name, so that it gets the same lease again.
export def mac []: string -> string {
    let digits = $in | hash sha256 | str substring 0..5
    # 52:54:00 is the range that QEMU's machines use.
    ["52:54:00" ($digits | str substring 0..1) ($digits | str substring 2..3) ($digits | str substring 4..5)] | str join ":"
}

# What a new machine is told at its first start: who may log in, and its name.
export def cloud-init [settings: record, server: record]: nothing -> string {
    open --raw ($templates | path join "cloud-init.yaml") | render {
        name: $server.name
        ssh_keys: ($settings.ssh_keys | each {|key| $"  - ($key | to json --raw)" } | str join "\n")
    }
}

# The machine's description for libvirt.
export def domain [settings: record, server: record]: nothing -> string {
    open --raw ($templates | path join "domain.xml") | render {
        name: $server.name
        cpus: $server.cpus
        memory_mb: $server.memory_mb
        disk: $"($settings.pool)/($server.name).qcow2"
        seed: $"($settings.pool)/($server.name)-seed.iso"
        network: $settings.network.name
        mac: ($server.name | mac)
    }
}

# The steps that make one machine. Touches nothing.
export def plan [settings: record, server: record]: nothing -> list<any> {
    let folder = $"/etc/provisioning/local/($server.name)"
    let disk = $"($settings.pool)/($server.name).qcow2"
    let seed = $"($settings.pool)/($server.name)-seed.iso"
    let base = $"($settings.pool)/base-($settings.image.sha256).qcow2"
    [
        {do: "file", target: $"($folder)/user-data", content: (cloud-init $settings $server), mode: "0600"}
        {do: "file", target: $"($folder)/meta-data", content: $"instance-id: ($server.name)\nlocal-hostname: ($server.name)\n"}
        {do: "file", target: $"($folder)/domain.xml", content: (domain $settings $server)}
        {do: "run", target: $"disk of ($server.name)", command: [qemu-img create -q -f qcow2 -F qcow2 -b $base $disk $"($server.disk_gb)G"], creates: $disk}
        {do: "run", target: $"seed of ($server.name)", command: [xorriso -as genisoimage -quiet -output $seed -volid cidata -joliet -rock $"($folder)/user-data" $"($folder)/meta-data"], creates: $seed}
        {do: "run", target: $"definition of ($server.name)", command: [virsh define $"($folder)/domain.xml"], unless: [virsh dominfo $server.name]}
        {do: "run", target: $"start of ($server.name)", command: [virsh start $server.name], unless: [sh -c 'test "$(virsh domstate "$1")" = running' sh $server.name]}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # write descriptions below another root and start nothing
    --dry-run # compare only
] {
    let settings = read-settings $config $install.defaults
    install check-settings $settings
    let steps = $settings.servers | each {|server| apply (plan $settings $server) --root $root --dry-run=$dry_run } | flatten
    report "local" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
