#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/servers.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def server [name: string, size: string = "t3.medium"]: nothing -> record {
    {name: $name, size: $size, image: "ami-0123456789abcdef0", network: "subnet-0123456789abcdef0", disk_gb: 20}
}

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep --strategy=overwrite {archive: {sha256: $sha}, ssh_keys: ["ssh-ed25519 AAAAexample operator@example.org"], servers: [(server "db-1"), (server "db-2")]}
    | merge deep --strategy=overwrite $changes
}

# What the command line would answer: db-1 and one server that the settings do not name.
def existing []: nothing -> list<any> {
    {Reservations: [{Instances: [{InstanceId: "i-01", InstanceType: "t3.medium", Tags: [{Key: "Name", Value: "db-1"}]}]}, {Instances: [{InstanceId: "i-02", InstanceType: "t3.medium", Tags: [{Key: "Name", Value: "old"}]}]}]} | to json | servers parse-servers
}

def main [] {
    run-cases [
        {name: "only managed servers are read from an answer", run: {||
            equal (existing) [{name: "db-1", id: "i-01", size: "t3.medium"}, {name: "old", id: "i-02", size: "t3.medium"}]
        }}
        {name: "what is missing is created and what is there is kept", run: {||
            let todo = servers plan (settings) (existing)
            equal ($todo | select do name) [[do name]; [keep "db-1"] [create "db-2"] [spare "old"]]
            equal ($todo | where do in [keep spare] | get command) [[] []]
        }}
        {name: "a spare server is deleted only when pruning", run: {||
            let delete = servers plan (settings) (existing) --prune | where do == "delete"
            equal ($delete | get name) ["old"]
            equal ("i-02" in $delete.0.command) true
            equal ("i-01" in $delete.0.command) false
        }}
        {name: "another size resizes, and a second run has nothing to do", run: {||
            let bigger = settings {servers: [(server "db-1" "t3.large")]}
            equal (servers plan $bigger (existing) | first | get do) "resize"
            equal (servers plan $bigger [{name: "db-1", id: "x", size: "t3.large"}] | get do) ["keep"]
        }}
        {name: "a new server answers metadata requests with tokens alone", run: {||
            let create = servers create-command (settings) (server "db-2")
            equal ("HttpTokens=required,HttpEndpoint=enabled" in $create) true
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
            refuses {|| install check-settings (settings {region: "moon"}) } "region must be"
        }}
        {name: "the command line arrives only when its sum is right", run: {||
            in-scratch {|dir|
                let archive = $dir | path join "aws.zip"
                "not the archive" | save $archive
                let steps = install plan (settings {archive: {url: $"file://($archive)"}})
                refuses {|| apply $steps --root ($dir | path join "root") } "the settings say"
                equal (glob ($dir | path join "root/usr/**")) []
                equal (apply $steps --root ($dir | path join "root") --dry-run | get outcome | uniq) ["pending"]
            }
        }}
        {name: "the check reads the command line's version", run: {||
            equal ("aws-cli/2.17.65 Python/3.11.9 Linux/6.1" | check judge-version $install.cli_version | get ok) true
            equal ("nothing" | check judge-version $install.cli_version | get detail) "version unknown, expected 2.17.65"
        }}
    ]
}
