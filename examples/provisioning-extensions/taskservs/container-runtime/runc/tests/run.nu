#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const manifest = path self ../manifest.yaml

def settings [file: path]: nothing -> record {
    let binary = {url: $"file://($file)", sha256: (open --raw $file | hash sha256)}
    $install.defaults | merge deep {binary: $binary}
}

def main [] {
    run-cases [
        {name: "the program is linked, executable and installed once", run: {||
            in-scratch {|dir|
                let program = $dir | path join "runc.amd64"
                let version = open $manifest | get version
                $"#!/bin/sh\necho runc version ($version)\n" | save $program
                let root = $dir | path join "root"
                let steps = install plan (settings $program)
                equal (apply $steps --root $root --dry-run | get outcome) ["pending" "pending"]
                equal ($root | path exists) false
                equal (apply $steps --root $root | get outcome) ["changed" "changed"]
                equal (apply $steps --root $root | get outcome) ["unchanged" "unchanged"]
                let installed = $root | path join "usr/local/sbin/runc"
                equal (^$installed --version | check judge-version $version | get ok) true
                equal (apply (uninstall plan (settings $program)) --root $root | get outcome) ["changed" "changed"]
                equal (ls ($root | path join "usr/local/sbin") | length) 0
            }
        }}
        {name: "a newer version takes over the link", run: {||
            in-scratch {|dir|
                let link = {do: "link", target: "/runc", to: "runc-1"}
                apply [$link] --root $dir | ignore
                equal (apply [($link | update to "runc-2")] --root $dir | get outcome) ["changed"]
                equal (apply [($link | update to "runc-2")] --root $dir | get outcome) ["unchanged"]
            }
        }}
        {name: "the address follows version and architecture", run: {||
            contains (install binary-url "1.1.15" "arm64") "/v1.1.15/runc.arm64"
        }}
        {name: "settings that cannot be right are refused", run: {||
            let bare = $install.defaults | merge deep {binary: {sha256: "E3B0"}}
            refuses {|| install plan $bare } "binary.sha256 must be 64"
            refuses {|| install plan ($bare | merge {prefix: "../sbin"}) } "prefix must be an absolute path"
        }}
        {name: "another version is noticed", run: {||
            equal ("runc version 1.0.0\nspec: 1.0.2" | check judge-version "1.1.15" | get detail) "version 1.0.0, expected 1.1.15"
            equal ("" | check judge-version "1.1.15" | get ok) false
        }}
    ]
}
