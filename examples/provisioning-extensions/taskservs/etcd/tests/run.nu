#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const manifest = path self ../manifest.yaml
const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    let members = 1..3 | each {|n| {name: $"etcd-($n)", address: $"192.0.2.($n)"} }
    $install.defaults
    | merge deep {archive: {sha256: $sha}, name: "etcd-2", members: $members}
    | merge deep --strategy=overwrite $changes
}

# The environment file as a record.
def environment [changes: record = {}]: nothing -> record {
    install plan (settings $changes)
    | where target == "/etc/etcd/etcd.env"
    | first
    | get content
    | lines
    | parse --regex '\A(?<key>[A-Z_]+)=(?<value>.*)\z'
    | reduce --fold {} {|line, all| $all | insert $line.key $line.value }
}

def main [] {
    run-cases [
        {name: "a member advertises its own address and knows all members", run: {||
            let env_file = environment
            equal $env_file.ETCD_NAME "etcd-2"
            equal $env_file.ETCD_ADVERTISE_CLIENT_URLS "https://192.0.2.2:2379"
            equal $env_file.ETCD_INITIAL_CLUSTER "etcd-1=https://192.0.2.1:2380,etcd-2=https://192.0.2.2:2380,etcd-3=https://192.0.2.3:2380"
            equal $env_file.ETCD_INITIAL_CLUSTER_STATE "new"
        }}
        {name: "peers and clients must show certificates, and only metrics are plain", run: {||
            let env_file = environment
            equal $env_file.ETCD_CLIENT_CERT_AUTH "true"
            equal $env_file.ETCD_PEER_CLIENT_CERT_AUTH "true"
            equal ($env_file | items {|k, v| {key: $k, value: $v} } | where value =~ 'http://' | get value) ["http://127.0.0.1:2381"]
        }}
        {name: "IPv6 addresses keep their brackets", run: {||
            let members = [{name: "etcd-2", address: "[2001:db8::2]"}]
            equal (environment {members: $members} | get ETCD_INITIAL_ADVERTISE_PEER_URLS) "https://[2001:db8::2]:2380"
        }}
        {name: "losses that a cluster survives", run: {||
            equal (1..7 | each {|n| install tolerance $n }) [0 0 1 1 2 2 3]
        }}
        {name: "clusters that cannot work are refused", run: {||
            refuses {|| install plan (settings {name: "etcd-9"}) } "etcd-9 is not one of the members"
            refuses {|| install plan (settings {members: [{name: "etcd-2", address: "a"}, {name: "b", address: "b"}]}) } "an even number (2)"
            refuses {|| install plan (settings {members: [{name: "etcd-2", address: "a"}, {name: "b", address: "a"}, {name: "c", address: "c"}]}) } "must be unique"
            refuses {|| install plan (settings {members: [{name: "etcd-2", address: "a\nETCD_DATA_DIR=/"}]}) } "an address is"
            refuses {|| install plan (settings {members: []}) } "members must be a list"
            refuses {|| install plan (settings {members: ["etcd-2"]}) } "members must be a list"
            refuses {|| install plan (settings {metrics_port: 2379}) } "metrics_port"
            refuses {|| install plan (settings {quota_backend_bytes: 1}) } "quota_backend_bytes"
        }}
        {name: "the data directory is private and its unit may write only there", run: {||
            let steps = install plan (settings {data_dir: "/srv/etcd"})
            equal ($steps | where do == "directory" | first | get mode) "0700"
            contains ($steps | where target == "/etc/systemd/system/etcd.service" | first | get content) "ReadWritePaths=/srv/etcd"
        }}
        {name: "only the three programs are taken from the archive", run: {||
            in-scratch {|dir|
                let folder = $"etcd-v(open $manifest | get version)-linux-amd64"
                mkdir ($dir | path join $folder "Documentation")
                for program in [etcd etcdctl etcdutl] { $program | save ($dir | path join $folder $program) }
                "text" | save ($dir | path join $folder "Documentation" "README.md")
                let archive = $dir | path join "etcd.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir $folder
                let sum = open --raw $archive | hash sha256
                let steps = install plan (settings {archive: {url: $"file://($archive)", sha256: $sum}})
                let root = $dir | path join "root"
                apply $steps --root $root | ignore
                equal (ls --short-names ($root | path join "usr/local/bin") | get name | sort) ["etcd" "etcdctl" "etcdutl"]
                equal (drift $steps --root $root) []
                equal (apply (uninstall plan (settings)) --root $root | where outcome == "changed" | length) 6
            }
        }}
        {name: "the check judges what etcdctl says", run: {||
            equal ("etcd Version: 3.5.16\nGit SHA: f20bbad" | check judge-version "3.5.16" | get ok) true
            let ill = '[{"endpoint":"https://192.0.2.1:2379","health":true},{"endpoint":"https://192.0.2.2:2379","health":false,"error":"context deadline exceeded"}]'
            equal ($ill | check judge-health) {ok: false, detail: "https://192.0.2.2:2379: context deadline exceeded"}
            let members = '{"members":[{"name":"b"},{"name":"a","isLearner":true}]}'
            equal ($members | check judge-members [a b] | get ok) false
            equal ('{"members":[{"name":"b"},{"name":"a"}]}' | check judge-members [a b] | get ok) true
        }}
        {name: "data goes only with --purge", run: {||
            equal ("/var/lib/etcd" in (uninstall plan (settings) | get target)) false
            equal (uninstall plan (settings) --purge | last | get target) "/var/lib/etcd"
        }}
    ]
}
