#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const manifest = path self ../manifest.yaml
const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep {source: {sha256: $sha}, maxmemory_mb: 256}
    | merge deep --strategy=overwrite $changes
}

# The lines of redis.conf as a record.
def config [changes: record = {}]: nothing -> record {
    install plan (settings $changes)
    | where target == "/etc/redis/redis.conf"
    | first
    | get content
    | lines
    | where $it != ""
    | parse --regex '\A(?<key>[a-z-]+) (?<value>.+)\z'
    | reduce --fold {} {|line, all| $all | insert $line.key $line.value }
}

def main [] {
    run-cases [
        {name: "the configuration says what the settings say", run: {||
            let written = config {bind: ["127.0.0.1" "192.0.2.5"], eviction: "allkeys-lru", append_only: false}
            equal $written.bind "127.0.0.1 192.0.2.5"
            equal $written.maxmemory "256mb"
            equal $written.maxmemory-policy "allkeys-lru"
            equal $written.appendonly "no"
        }}
        {name: "nobody gets in without a user", run: {||
            equal (config | get protected-mode) "yes"
            equal (config | get aclfile) "/etc/redis/users.acl"
        }}
        {name: "it is built from the manifest's version into a folder of its own", run: {||
            let version = open $manifest | get version
            let build = install plan (settings) | where target == "build" | first
            equal $build.creates $"/opt/redis-($version)/bin/redis-server"
            contains ($build.command | str join " ") $"PREFIX=/opt/redis-($version)"
        }}
        {name: "servers that cannot work are refused", run: {||
            refuses {|| install plan (settings {maxmemory_mb: 1}) } "at least 16"
            refuses {|| install plan (settings {eviction: "random"}) } "eviction must be one of"
            refuses {|| install plan (settings {bind: ["::1\nrequirepass x"]}) } "bind must list IP addresses"
            refuses {|| install plan (settings {bind: []}) } "bind must list IP addresses"
        }}
        {name: "the sources are unpacked once", run: {||
            in-scratch {|dir|
                mkdir ($dir | path join "redis-7.4.1/src")
                "all:" | save ($dir | path join "redis-7.4.1/Makefile")
                let archive = $dir | path join "redis.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir redis-7.4.1
                let sum = open --raw $archive | hash sha256
                let steps = install plan (settings {source: {url: $"file://($archive)", sha256: $sum}})
                let root = $dir | path join "root"
                equal (apply $steps --root $root | where do == "unpack" | get outcome) ["changed"]
                equal ($root | path join "usr/local/src/redis-7.4.1/Makefile" | path exists) true
                equal (apply $steps --root $root | get outcome | uniq | sort) ["skipped" "unchanged"]
            }
        }}
        {name: "the check judges version and answer", run: {||
            equal ("Redis server v=7.4.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64" | check judge-version "7.4.1" | get ok) true
            equal ("PONG" | check judge-ping | get ok) true
            equal ("NOAUTH Authentication required." | check judge-ping | get ok) true
            equal ("LOADING Redis is loading the dataset in memory" | check judge-ping | get ok) false
        }}
        {name: "data goes only with --purge", run: {||
            equal ("/var/lib/redis" in (uninstall plan (settings) | get target)) false
            equal ("/var/lib/redis" in (uninstall plan (settings) --purge | get target)) true
        }}
    ]
}
