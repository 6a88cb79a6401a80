#!/usr/bin/env nu
# Builds Redis from its source archive and runs it under systemd with an access list and a memory limit.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    source: {url: "", sha256: null}
    bind: ["127.0.0.1"]
    port: 6379
    maxmemory_mb: null
    eviction: "noeviction"
    append_only: true
    data_dir: "/var/lib/redis"
    acl_file: "/etc/redis/users.acl"
}

const evictions = [noeviction allkeys-lru allkeys-lfu volatile-lru volatile-lfu volatile-ttl]

export def check-settings [settings: record]: nothing -> nothing {
    require [
        (sha256-rule "source.sha256" $settings.source.sha256)
        {ok: (($settings.bind | is-not-empty) and ($settings.bind | all {|a| $a =~ '\A[0-9a-f.:]+\z' })), says: "bind must list IP addresses"}
        {ok: ($settings.port in 1024..65535), says: "port must be 1024 to 65535"}
        {ok: ($settings.maxmemory_mb >= 16), says: "maxmemory_mb must be at least 16"}
        {ok: ($settings.eviction in $evictions), says: $"eviction must be one of ($evictions | str join ', ')"}
        {ok: ([$settings.data_dir $settings.acl_file] | all {|p| $p =~ '\A/[\w./-]+\z' }), says: "data_dir and acl_file must be absolute paths"}
    ]
}

# The steps that make a machine run Redis. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    $settings.platform | parse-platform ["linux/amd64" "linux/arm64"] | ignore
    let version = open $manifest | get version
    let url = if $settings.source.url == "" { $"https://download.redis.io/releases/redis-($version).tar.gz" } else { $settings.source.url }
    require [(url-rule "source.url" $url)]
    let archive = $"/var/cache/provisioning/redis-($version).tar.gz"
    let sources = $"/usr/local/src/redis-($version)"
    let prefix = $"/opt/redis-($version)"
    let config = open --raw ($templates | path join "redis.conf") | render {
        bind: ($settings.bind | str join " ")
        port: $settings.port
        maxmemory_mb: $settings.maxmemory_mb
        eviction: $settings.eviction
        append_only: (if $settings.append_only { "yes" } else { "no" })
        data_dir: $settings.data_dir
        acl_file: $settings.acl_file
    }
    let unit = open --raw ($templates | path join "redis.service") | render {prefix: $prefix, data_dir: $settings.data_dir}
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.source.sha256}
        {do: "unpack", target: $sources, archive: $archive, sha256: $settings.source.sha256, stamp: "/var/lib/provisioning/redis.sha256", strip: 1}
        {do: "run", target: "build", command: [make -C $sources BUILD_TLS=yes USE_SYSTEMD=yes $"PREFIX=($prefix)" install], creates: $"($prefix)/bin/redis-server"}
        {do: "user", target: "redis", home: $settings.data_dir}
        {do: "directory", target: $settings.data_dir, mode: "0750", owner: "redis:redis"}
        {do: "file", target: "/etc/redis/redis.conf", content: $config, mode: "0640", owner: "root:redis"}
        # Redis must keep its data when the kernel is asked for memory while it forks to save.
        {do: "file", target: "/etc/sysctl.d/90-redis.conf", content: "vm.overcommit_memory = 1\n"}
        {do: "run", target: "sysctl", command: [sysctl --quiet --load /etc/sysctl.d/90-redis.conf], on_change: true}
        {do: "file", target: "/etc/systemd/system/redis.service", content: $unit}
        {do: "unit", target: "redis.service", state: "started"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "redis" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
