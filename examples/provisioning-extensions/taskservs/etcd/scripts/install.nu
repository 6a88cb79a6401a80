#!/usr/bin/env nu
# Installs one member of an etcd cluster: program, account, environment file and systemd unit.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    name: null
    members: null
    cluster_token: "provisioning"
    state: "new"
    data_dir: "/var/lib/etcd"
    tls: {cert: "/etc/etcd/tls/server.crt", key: "/etc/etcd/tls/server.key", ca: "/etc/etcd/tls/ca.crt"}
    quota_backend_bytes: 4294967296
    compaction_retention: "8h"
    metrics_port: 2381
}

# Where the release archive of a version stands, unless the settings name another place.
export def archive-url [version: string, arch: string]: nothing -> string {
    $"https://github.com/etcd-io/etcd/releases/download/v($version)/etcd-v($version)-linux-($arch).tar.gz"
}

# The value of ETCD_INITIAL_CLUSTER: every member's name with its peer address.
export def initial-cluster [members: list<any>]: nothing -> string {
    $members | each {|m| $"($m.name)=https://($m.address):2380" } | str join ","
}

# How many members may be lost before the cluster stops taking writes.
export def tolerance [members: int]: nothing -> int {
    ($members - 1) // 2
}

export def check-settings [settings: record]: nothing -> nothing {
    let members = $settings.members
    require [{
        ok: (($members | is-not-empty) and ($members | all {|m| ($m | describe) in ["record<name: string, address: string>" "record<address: string, name: string>"] }))
        says: "members must be a list of {name, address}"
    }]
    let names = $members | get name
    let addresses = $members | get address
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: (($members | length) mod 2 == 1), says: $"members: an even number \(($members | length)\) survives no more losses than one fewer"}
        {ok: ($names == ($names | uniq) and $addresses == ($addresses | uniq)), says: "members: names and addresses must be unique"}
        {ok: ($names | all {|n| $n =~ '\A[a-z0-9][a-z0-9-]*\z' }), says: "members: a name holds lower-case letters, digits and hyphens"}
        {ok: ($addresses | all {|a| $a =~ '\A([a-z0-9.-]+|\[[0-9a-f:]+\])\z' }), says: "members: an address is a host name or an IP (IPv6 in brackets)"}
        {ok: ($settings.name in $names), says: $"name: ($settings.name) is not one of the members"}
        {ok: ($settings.state in [new existing]), says: "state must be new or existing"}
        {ok: ($settings.cluster_token =~ '\A[\w.-]+\z'), says: "cluster_token holds letters, digits, dots and hyphens"}
        {ok: ($settings.compaction_retention =~ '\A[0-9]+[hms]\z'), says: "compaction_retention is a duration such as 8h"}
        {ok: ($settings.quota_backend_bytes in 268435456..8589934592), says: "quota_backend_bytes must be 256 MiB to 8 GiB"}
        {ok: ($settings.metrics_port in 1024..65535 and $settings.metrics_port not-in [2379 2380]), says: "metrics_port must be 1024 to 65535, not 2379 or 2380"}
        {ok: ([$settings.data_dir ...($settings.tls | values)] | all {|p| $p =~ '\A/[\w./-]+\z' }), says: "data_dir and the files in tls must be absolute paths"}
    ]
}

# The steps that make a machine run this member. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $version $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let folder = $"etcd-v($version)-linux-($platform.arch)"
    let archive = $"/var/cache/provisioning/($folder).tar.gz"
    let member = $settings.members | where name == $settings.name | first
    let environment = open --raw ($templates | path join "etcd.env") | render {
        name: $settings.name
        address: $member.address
        initial_cluster: (initial-cluster $settings.members)
        cluster_token: $settings.cluster_token
        state: $settings.state
        data_dir: $settings.data_dir
        cert: $settings.tls.cert
        key: $settings.tls.key
        ca: $settings.tls.ca
        quota_backend_bytes: $settings.quota_backend_bytes
        compaction_retention: $settings.compaction_retention
        metrics_port: $settings.metrics_port
    }
    let unit = open --raw ($templates | path join "etcd.service") | render {data_dir: $settings.data_dir}
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local/bin", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/etcd.sha256", strip: 1, members: ([etcd etcdctl etcdutl] | each {|m| $"($folder)/($m)" })}
        {do: "user", target: "etcd", home: $settings.data_dir}
        # etcd refuses to start with a data directory that others can read.
        {do: "directory", target: $settings.data_dir, mode: "0700", owner: "etcd:etcd"}
        {do: "file", target: "/etc/etcd/etcd.env", content: $environment, mode: "0640", owner: "root:etcd"}
        {do: "file", target: "/etc/systemd/system/etcd.service", content: $unit}
        {do: "unit", target: "etcd.service", state: "started"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let settings = read-settings $config $defaults
    let steps = apply (plan $settings) --root $root --dry-run=$dry_run
    report "etcd" (open $manifest | get version) $steps --dry-run=$dry_run
    | insert tolerates (tolerance ($settings.members | length))
    | to json
}
