#!/usr/bin/env nu
# Installs the command line that reaches UpCloud. Servers are planned and made by servers.nu.

use steps.nu *

const manifest = path self ../manifest.yaml

# The command line has versions of its own.
export const cli_version = "3.10.0"

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    zone: "fi-hel1"
    ssh_keys: null
    servers: []
}

# Where the command line's archive stands, unless the settings name another place.
export def archive-url [arch: string]: nothing -> string {
    let machine = {amd64: "x86_64", arm64: "arm64"} | get $arch
    $"https://github.com/UpCloudLtd/upcloud-cli/releases/download/v($cli_version)/upcloud-cli_($cli_version)_linux_($machine).tar.gz"
}

export def check-settings [settings: record]: nothing -> nothing {
    let servers = $settings.servers | each {|s|
        [
            {ok: (($s.name? | default "") =~ '\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z'), says: $"servers: ($s.name?) is not a host name"}
            {ok: (($s.size? | default "") =~ '\A[0-9A-Za-z-]+\z'), says: $"servers: ($s.name?) needs a size such as 2xCPU-4GB"}
            {ok: (($s.image? | default "") =~ '\A[A-Za-z0-9][A-Za-z0-9 ()/.-]*\z'), says: $"servers: ($s.name?) needs an image, the name or UUID of a template"}
            {ok: (($s.network? | default "") =~ '\A[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\z'), says: $"servers: ($s.name?) needs a network"}
            {ok: (($s.disk_gb? | default 0) in 10..4096), says: $"servers: ($s.name?) needs disk_gb, 10 to 4096"}
        ]
    } | flatten
    let names = $settings.servers | each {|s| $s.name? }
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.zone =~ '\A[a-z]{2}-[a-z]{3}[0-9]\z'), says: "zone must be a zone such as fi-hel1"}
        {ok: (($settings.ssh_keys | is-not-empty) and ($settings.ssh_keys | all {|k| $k =~ '\A(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+( [^\s"]+)?\z' })), says: "ssh_keys must list public keys"}
        {ok: ($names == ($names | uniq)), says: "servers: names must be unique"}
        ...$servers
    ]
}

# The steps that make this machine reach UpCloud. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/upctl-($cli_version)-($platform.arch).tar.gz"
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local/bin", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/upcloud.sha256", members: ["upctl"]}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "upcloud" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
