#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/servers.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep --strategy=overwrite {
        image: {url: "https://images.example.org/base.qcow2", sha256: $sha}
        ssh_keys: ["ssh-ed25519 AAAAexample operator@example.org"]
        servers: [{name: "cp-1", cpus: 2, memory_mb: 4096, disk_gb: 20}]
    }
    | merge deep --strategy=overwrite $changes
}

# The attributes of all elements of a name, wherever they stand.
def elements [xml: string, tag: string]: nothing -> list<any> {
    $xml | from xml | walk | where tag == $tag
}

def walk []: record -> list<any> {
    let element = $in
    let inner = if ($element.content | describe) == "string" or $element.tag == null { [] } else { $element.content | each {|child| $child | walk } | flatten }
    [$element ...$inner]
}

def main [] {
    run-cases [
        {name: "a machine's description is XML with its own disk, seed and address", run: {||
            let xml = servers domain (settings) (settings | get servers.0)
            equal (elements $xml "source" | get attributes.file --optional | compact) [
                "/var/lib/libvirt/images/provisioning/cp-1.qcow2"
                "/var/lib/libvirt/images/provisioning/cp-1-seed.iso"
            ]
            equal (elements $xml "vcpu" | first | get content.0.content) "2"
            equal (elements $xml "mac" | first | get attributes.address) ("cp-1" | servers mac)
        }}
        {name: "addresses are stable, different and in QEMU's range", run: {||
            equal ("cp-1" | servers mac) ("cp-1" | servers mac)
            equal (("cp-1" | servers mac) == ("cp-2" | servers mac)) false
            equal (("cp-1" | servers mac) =~ '\A52:54:00(:[0-9a-f]{2}){3}\z') true
        }}
        {name: "the network is XML of the settings' prefix", run: {||
            let xml = install plan (settings {network: {prefix: "10.1.2"}}) | where do == "file" | first | get content
            equal (elements $xml "range" | first | get attributes) {start: "10.1.2.10", end: "10.1.2.250"}
        }}
        {name: "the first start lets in keys and no passwords", run: {||
            let init = servers cloud-init (settings) (settings | get servers.0) | from yaml
            equal $init.hostname "cp-1"
            equal $init.ssh_pwauth false
        }}
        {name: "hosts that cannot work are refused", run: {||
            refuses {|| install plan (settings {network: {prefix: "8.8.8"}}) } "private network"
            refuses {|| install plan (settings {network: {prefix: "10.1"}}) } "private network"
            refuses {|| install plan (settings {network: {name: "a-name-beyond-fourteen"}}) } "at most 14"
            refuses {|| install plan (settings {servers: [{name: "a<b", cpus: 1, memory_mb: 512, disk_gb: 5}]}) } "not a host name"
            refuses {|| install plan (settings {servers: [{name: "a"}]}) } "needs cpus"
            refuses {|| install plan (settings {platform: "linux/arm64"}) } "not supported"
        }}
        {name: "the base image arrives under its sum, and a wrong one does not", run: {||
            in-scratch {|dir|
                "image" | save ($dir | path join "base.qcow2")
                let url = $"file://($dir)/base.qcow2"
                let sum = "image" | hash sha256
                let root = $dir | path join "root"
                let steps = install plan (settings {image: {url: $url, sha256: $sum}})
                equal (apply $steps --root $root | first 3 | get outcome) ["changed" "changed" "changed"]
                equal (open --raw ($root | path join $"var/lib/libvirt/images/provisioning/base-($sum).qcow2")) "image"
                equal (apply $steps --root $root | first 3 | get outcome) ["unchanged" "unchanged" "unchanged"]
                refuses {|| apply (install plan (settings {image: {url: $url}})) --root $root } "the settings say"
            }
        }}
        {name: "descriptions are written below another root and nothing starts", run: {||
            in-scratch {|dir|
                let steps = servers plan (settings) (settings | get servers.0)
                equal (apply $steps --root $dir | get outcome) ["changed" "changed" "changed" "skipped" "skipped" "skipped" "skipped"]
                equal (ls --long ($dir | path join "etc/provisioning/local/cp-1/user-data") | get 0.mode) "rw-------"
            }
        }}
        {name: "the check names machines that do not run", run: {||
            equal (" cp-1\n\n" | check judge-machines ["cp-1"] | get ok) true
            equal ("\n" | check judge-machines ["cp-1"] | get detail) "not running: cp-1"
        }}
        {name: "disks go only with --purge", run: {||
            equal ((settings | get pool) in (uninstall plan (settings) | get target)) false
            equal (uninstall plan (settings) --purge | last | get target) (settings | get pool)
        }}
    ]
}
