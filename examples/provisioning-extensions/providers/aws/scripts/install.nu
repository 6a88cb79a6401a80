#!/usr/bin/env nu
# Installs the command line that reaches Amazon EC2. Servers are planned and made by servers.nu.

use steps.nu *

const manifest = path self ../manifest.yaml

# The command line has versions of its own.
export const cli_version = "2.17.65"

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    region: "eu-central-1"
    ssh_keys: null
    servers: []
}

# Where the command line's archive stands, unless the settings name another place.
export def archive-url [arch: string]: nothing -> string {
    let machine = {amd64: "x86_64", arm64: "aarch64"} | get $arch
    $"https://awscli.amazonaws.com/awscli-exe-linux-($machine)-($cli_version).zip"
}

export def check-settings [settings: record]: nothing -> nothing {
    let servers = $settings.servers | each {|s|
        [
            {ok: (($s.name? | default "") =~ '\A[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\z'), says: $"servers: ($s.name?) is not a host name"}
            {ok: (($s.size? | default "") =~ '\A[a-z0-9-]+\.[a-z0-9]+\z'), says: $"servers: ($s.name?) needs a size such as t3.medium"}
            {ok: (($s.image? | default "") =~ '\Aami-[0-9a-f]{8,17}\z'), says: $"servers: ($s.name?) needs an image, an AMI such as ami-0123456789abcdef0"}
            {ok: (($s.network? | default "") =~ '\Asubnet-[0-9a-f]{8,17}\z'), says: $"servers: ($s.name?) needs a network"}
            {ok: (($s.disk_gb? | default 0) in 10..4096), says: $"servers: ($s.name?) needs disk_gb, 10 to 4096"}
        ]
    } | flatten
    let names = $settings.servers | each {|s| $s.name? }
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.region =~ '\A[a-z]{2}(-[a-z]+)+-[0-9]\z'), says: "region must be a region such as eu-central-1"}
        {ok: (($settings.ssh_keys | is-not-empty) and ($settings.ssh_keys | all {|k| $k =~ '\A(ssh-ed25519|ecdsa-sha2-nistp256|ssh-rsa) [A-Za-z0-9+/=]+( [^\s"]+)?\z' })), says: "ssh_keys must list public keys"}
        {ok: ($names == ($names | uniq)), says: "servers: names must be unique"}
        ...$servers
    ]
}

# The steps that make this machine reach Amazon EC2. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/aws-($cli_version)-($platform.arch).zip"
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local/lib/aws-cli", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/aws.sha256"}
        {do: "link", target: "/usr/local/bin/aws", to: "../lib/aws-cli/aws/dist/aws"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "aws" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
