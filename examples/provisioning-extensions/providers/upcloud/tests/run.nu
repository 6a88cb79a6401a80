#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/servers.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def server [name: string, size: string = "2xCPU-4GB"]: nothing -> record {
    {name: $name, size: $size, image: "Debian GNU/Linux 12 (Bookworm)", network: "03000000-0000-4000-8001-000000000000", disk_gb: 20}
}

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep --strategy=overwrite {archive: {sha256: $sha}, ssh_keys: ["ssh-ed25519 AAAAexample operator@example.org"], servers: [(server "db-1"), (server "db-2")]}
    | merge deep --strategy=overwrite $changes
}

# What the command line would answer: db-1 and one server that the settings do not name.
def existing []: nothing -> list<any> {
    {servers: [{uuid: "00a1", hostname: "db-1", plan: "2xCPU-4GB", labels: [{key: "provisioning", value: "managed"}]}, {uuid: "00a2", hostname: "old", plan: "2xCPU-4GB", labels: [{key: "provisioning", value: "managed"}]}, {uuid: "00a3", hostname: "hand-made", plan: "2xCPU-4GB", labels: []}]} | to json | servers parse-servers
}

def main [] {
    run-cases [
        {name: "only managed servers are read from an answer", run: {||
            equal (existing) [{name: "db-1", id: "00a1", size: "2xCPU-4GB"}, {name: "old", id: "00a2", size: "2xCPU-4GB"}]
        }}
        {name: "what is missing is created and what is there is kept", run: {||
            let todo = servers plan (settings) (existing)
            equal ($todo | select do name) [[do name]; [keep "db-1"] [create "db-2"] [spare "old"]]
            equal ($todo | where do in [keep spare] | get command) [[] []]
        }}
        {name: "a spare server is deleted only when pruning", run: {||
            let delete = servers plan (settings) (existing) --prune | where do == "delete"
            equal ($delete | get name) ["old"]
            equal ("00a2" in $delete.0.command) true
            equal ("00a1" in $delete.0.command) false
        }}
        {name: "another size resizes, and a second run has nothing to do", run: {||
            let bigger = settings {servers: [(server "db-1" "4xCPU-8GB")]}
            equal (servers plan $bigger (existing) | first | get do) "resize"
            equal (servers plan $bigger [{name: "db-1", id: "x", size: "4xCPU-8GB"}] | get do) ["keep"]
        }}
        {name: "a new server's disk is encrypted", run: {||
            let create = servers create-command (settings) (server "db-2")
            equal ("--os-storage-encrypt" in $create) true
            equal ($create | all {|part| ($part | describe) == "string" }) true
        }}
        {name: "the first start is YAML that lets in keys and no passwords", run: {||
            let init = servers cloud-init (settings) (server "db-2") | from yaml
            equal $init.hostname "db-2"
            equal $init.ssh_authorized_keys ["ssh-ed25519 AAAAexample operator@example.org"]
            equal $init.ssh_pwauth false
        }}
        {name: "servers that cannot work are refused", run: {||
            refuses {|| install check-settings (settings {ssh_keys: []}) } "ssh_keys must list"
            refuses {|| install check-settings (settings {servers: [(server "a"), (server "a")]}) } "must be unique"
            refuses {|| install check-settings (settings {servers: [(server "A_1")]}) } "not a host name"
            refuses {|| install check-settings (settings {servers: [{name: "a"}]}) } "needs an image"
            refuses {|| install check-settings (settings {zone: "moon"}) } "zone must be"
        }}
        {name: "the command line arrives only when its sum is right", run: {||
            in-scratch {|dir|
                "program" | save ($dir | path join "upctl")
                let archive = $dir | path join "upctl.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir upctl
                let sum = open --raw $archive | hash sha256
                let steps = install plan (settings {archive: {url: $"file://($archive)", sha256: $sum}})
                let root = $dir | path join "root"
                equal (apply $steps --root $root | get outcome | uniq) ["changed"]
                equal (open --raw ($root | path join "usr/local/bin/upctl")) "program"
                equal (apply (uninstall plan) --root $root | get outcome | uniq) ["changed"]
            }
        }}
        {name: "the check reads the command line's version", run: {||
            equal ("upctl version 3.10.0" | check judge-version $install.cli_version | get ok) true
            equal ("nothing" | check judge-version $install.cli_version | get detail) "version unknown, expected 3.10.0"
        }}
    ]
}
