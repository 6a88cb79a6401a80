#!/usr/bin/env nu
# Installs containerd from its release archive and runs it under systemd.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    root_dir: "/var/lib/containerd"
    state_dir: "/run/containerd"
    sandbox_image: "registry.k8s.io/pause:3.9"
    systemd_cgroup: true
    log_level: "info"
    max_concurrent_downloads: 3
    mirrors: {}
}

# Where the release archive of a version stands, unless the settings name another place.
export def archive-url [version: string, arch: string]: nothing -> string {
    $"https://github.com/containerd/containerd/releases/download/v($version)/containerd-($version)-linux-($arch).tar.gz"
}

# The hosts.toml of one registry: its mirrors in the order given, the registry itself as the last resort.
export def hosts-toml [registry: string, endpoints: list<string>]: nothing -> string {
    let upstream = if $registry == "docker.io" { "registry-1.docker.io" } else { $registry }
    let hosts = $endpoints | each {|endpoint| $"\n[host.\"($endpoint)\"]\n  capabilities = [\"pull\", \"resolve\"]\n" }
    [$"server = \"https://($upstream)\"\n" ...$hosts] | str join
}

export def check-settings [settings: record]: nothing -> nothing {
    let mirrors = $settings.mirrors | items {|registry, endpoints|
        [
            {ok: ($registry =~ '\A[a-z0-9.-]+(:[0-9]+)?\z'), says: $"mirrors: ($registry) is not a registry host"}
            ...($endpoints | each {|e| {ok: ($e =~ '\Ahttps?://[a-z0-9.-]+(:[0-9]+)?(/[^\s"]*)?\z'), says: $"mirrors.($registry): ($e) is not an address"} })
        ]
    } | flatten
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.log_level in [trace debug info warn error]), says: "log_level must be trace, debug, info, warn or error"}
        {ok: ($settings.max_concurrent_downloads in 1..64), says: "max_concurrent_downloads must be 1 to 64"}
        {ok: ([$settings.root_dir $settings.state_dir] | all {|d| $d =~ '\A/[\w./-]+\z' }), says: "root_dir and state_dir must be absolute paths"}
        {ok: ($settings.sandbox_image =~ '\A[\w./:@-]+\z'), says: "sandbox_image must be an image reference"}
        ...$mirrors
    ]
}

# The steps that make a machine run containerd. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $version $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/containerd-($version)-($platform.arch).tar.gz"
    let config = open --raw ($templates | path join "config.toml") | render {
        root_dir: $settings.root_dir
        state_dir: $settings.state_dir
        sandbox_image: $settings.sandbox_image
        systemd_cgroup: $settings.systemd_cgroup
        log_level: $settings.log_level
        max_concurrent_downloads: $settings.max_concurrent_downloads
    }
    let mirrors = $settings.mirrors | items {|registry, endpoints|
        {do: "file", target: $"/etc/containerd/certs.d/($registry)/hosts.toml", content: (hosts-toml $registry $endpoints)}
    }
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/containerd.sha256", members: ["bin"]}
        {do: "directory", target: $settings.root_dir, mode: "0711"}
        {do: "file", target: "/etc/containerd/config.toml", content: $config}
        ...$mirrors
        {do: "file", target: "/etc/systemd/system/containerd.service", content: (open --raw ($templates | path join "containerd.service") | decode utf-8)}
        {do: "unit", target: "containerd.service", state: "started"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "containerd" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
