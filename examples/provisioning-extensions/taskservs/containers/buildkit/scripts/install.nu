#!/usr/bin/env nu
# Installs BuildKit's daemon with containerd as its worker, reached by a socket that one group may use.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    parallelism: 4
    cache_gb: 20
    emulate: []
    mirrors: {}
    group: "buildkit"
}

# Where the release archive of a version stands, unless the settings name another place.
export def archive-url [version: string, arch: string]: nothing -> string {
    $"https://github.com/moby/buildkit/releases/download/v($version)/buildkit-v($version).linux-($arch).tar.gz"
}

export def check-settings [settings: record]: nothing -> nothing {
    let mirrors = $settings.mirrors | items {|registry, hosts|
        {ok: ([$registry ...$hosts] | all {|h| $h =~ '\A[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9./-]*)?\z' }), says: $"mirrors.($registry): hosts stand without a scheme"}
    }
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.parallelism in 1..64), says: "parallelism must be 1 to 64"}
        {ok: ($settings.cache_gb >= 1), says: "cache_gb must be at least 1"}
        {ok: ($settings.emulate | all {|p| $p =~ '\Alinux/[a-z0-9]+(/v[0-9]+)?\z' }), says: "emulate must list platforms such as linux/arm64"}
        {ok: ($settings.platform not-in $settings.emulate), says: "emulate must not name the machine's own platform"}
        {ok: ($settings.group =~ '\A[a-z_][a-z0-9_-]*\z'), says: "group must be a group's name"}
        ...$mirrors
    ]
}

# buildkitd.toml: the template for what is fixed, a section per registry for the mirrors.
export def daemon-config [settings: record]: nothing -> string {
    let mirrors = $settings.mirrors | items {|registry, hosts| $"\n[registry.\"($registry)\"]\n  mirrors = ($hosts | to json --raw)\n" } | str join
    open --raw ($templates | path join "buildkitd.toml") | render {
        parallelism: $settings.parallelism
        cache_bytes: ($settings.cache_gb * 1000000000)
        platforms: ([$settings.platform ...$settings.emulate] | to json --raw)
        mirrors: $mirrors
    }
}

# The steps that make a machine build images. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $version $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/buildkit-($version)-($platform.arch).tar.gz"
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        # The archive brings a runc of its own and emulators; the machine has those from elsewhere.
        {do: "unpack", target: "/usr/local", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/buildkit.sha256", members: ["bin/buildkitd" "bin/buildctl"]}
        {do: "run", target: "group", command: [groupadd --system $settings.group], unless: [getent group $settings.group]}
        {do: "file", target: "/etc/buildkit/buildkitd.toml", content: (daemon-config $settings)}
        {do: "file", target: "/etc/systemd/system/buildkit.socket", content: (open --raw ($templates | path join "buildkit.socket") | render {group: $settings.group})}
        {do: "file", target: "/etc/systemd/system/buildkit.service", content: (open --raw ($templates | path join "buildkit.service") | decode utf-8)}
        {do: "unit", target: "buildkit.socket", state: "started"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "buildkit" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
