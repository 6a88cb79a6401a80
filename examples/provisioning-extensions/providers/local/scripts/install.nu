#!/usr/bin/env nu
# Prepares this host for virtual machines: the base image, checked, and a libvirt network. Machines are made by servers.nu.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    image: {url: null, sha256: null}
    pool: "/var/lib/libvirt/images/provisioning"
    network: {name: "provisioning", prefix: "192.168.150"}
    ssh_keys: null
    servers: []
}

export def check-settings [settings: record]: nothing -> nothing {
    let servers = $settings.servers | each {|s|
        [
            {ok: (($s.name? | default "") =~ '\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z'), says: $"servers: ($s.name?) is not a host name"}
            {ok: (($s.cpus? | default 0) in 1..64), says: $"servers: ($s.name?) needs cpus, 1 to 64"}
            {ok: (($s.memory_mb? | default 0) in 512..1048576), says: $"servers: ($s.name?) needs memory_mb, 512 or more"}
            {ok: (($s.disk_gb? | default 0) in 5..4096), says: $"servers: ($s.name?) needs disk_gb, 5 to 4096"}
        ]
    } | flatten
    let names = $settings.servers | each {|s| $s.name? }
    require [
        (sha256-rule "image.sha256" $settings.image.sha256)
        (url-rule "image.url" $settings.image.url)
        {ok: ($settings.pool =~ '\A/[\w./-]+\z'), says: "pool must be an absolute path"}
        {ok: ($settings.network.name =~ '\A[a-z][a-z0-9-]{0,13}\z'), says: "network.name must have at most 14 letters, digits and hyphens"}
        {ok: ($settings.network.prefix =~ '\A(10|192\.168|172\.(1[6-9]|2[0-9]|3[01]))(\.[0-9]{1,3}){1,2}\z' and ($settings.network.prefix | split row "." | length) == 3), says: "network.prefix must be three numbers of a private network"}
        {ok: (($settings.ssh_keys | is-not-empty) and ($settings.ssh_keys | all {|k| $k =~ '\A(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+( [^\s"]+)?\z' })), says: "ssh_keys must list public keys"}
        {ok: ($names == ($names | uniq)), says: "servers: names must be unique"}
        ...$servers
    ]
}

# The steps that prepare this host. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    $settings.platform | parse-platform ["linux/amd64"] | ignore
    let network = open --raw ($templates | path join "network.xml") | render {name: $settings.network.name, prefix: $settings.network.prefix}
    let file = $"/etc/provisioning/local/network-($settings.network.name).xml"
    [
        {do: "directory", target: $settings.pool, mode: "0711"}
        # Named by its sum: machines that stand on an older image keep it.
        {do: "download", target: $"($settings.pool)/base-($settings.image.sha256).qcow2", url: $settings.image.url, sha256: $settings.image.sha256}
        {do: "file", target: $file, content: $network}
        {do: "run", target: "network", command: [virsh net-define $file], unless: [virsh net-info $settings.network.name]}
        {do: "run", target: "network autostart", command: [virsh net-autostart $settings.network.name], creates: $"/etc/libvirt/qemu/networks/autostart/($settings.network.name).xml"}
        {do: "run", target: "network start", command: [virsh net-start $settings.network.name], creates: $"/sys/class/net/($settings.network.name)"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # prepare below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "local" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
