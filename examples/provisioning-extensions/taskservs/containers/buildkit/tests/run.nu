#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults | merge deep {archive: {sha256: $sha}} | merge deep --strategy=overwrite $changes
}

def main [] {
    run-cases [
        {name: "the daemon's configuration is TOML that says what the settings say", run: {||
            let config = install daemon-config (settings {emulate: ["linux/arm64"], mirrors: {"docker.io": ["a.example.org" "b.example.org"]}, cache_gb: 5}) | from toml
            equal $config.worker.containerd.platforms ["linux/amd64" "linux/arm64"]
            equal $config.worker.containerd.gcpolicy.0.keepBytes 5000000000
            equal ($config.registry | get "docker.io" | get mirrors) ["a.example.org" "b.example.org"]
            equal $config.worker.oci.enabled false
        }}
        {name: "without mirrors there is no registry section", run: {||
            equal ("registry" in (install daemon-config (settings) | from toml | columns)) false
        }}
        {name: "only the group may use the socket", run: {||
            let socket = install plan (settings {group: "builders"}) | where target == "/etc/systemd/system/buildkit.socket" | first | get content
            contains $socket "SocketGroup=builders"
            contains $socket "SocketMode=0660"
        }}
        {name: "the archive's own runc stays inside it", run: {||
            in-scratch {|dir|
                mkdir ($dir | path join "bin")
                for program in [buildkitd buildctl buildkit-runc] { $program | save ($dir | path join "bin" $program) }
                let archive = $dir | path join "buildkit.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir bin
                let sum = open --raw $archive | hash sha256
                let root = $dir | path join "root"
                apply (install plan (settings {archive: {url: $"file://($archive)", sha256: $sum}})) --root $root | ignore
                equal (ls --short-names ($root | path join "usr/local/bin") | get name | sort) ["buildctl" "buildkitd"]
            }
        }}
        {name: "settings that cannot be right are refused", run: {||
            refuses {|| install plan (settings {emulate: ["linux/amd64"]}) } "own platform"
            refuses {|| install plan (settings {emulate: ["arm64"]}) } "emulate must list platforms"
            refuses {|| install plan (settings {mirrors: {"docker.io": ["https://a.example.org"]}}) } "without a scheme"
            refuses {|| install plan (settings {group: "a b"}) } "group must be"
        }}
        {name: "the check looks for a worker per platform", run: {||
            let table = "ID\t\tPLATFORMS\nabc\t\tlinux/amd64,linux/386\n"
            equal ($table | check judge-workers ["linux/amd64"] | get ok) true
            equal ($table | check judge-workers ["linux/amd64" "linux/arm64"]) {ok: false, detail: "no worker for linux/arm64"}
            equal ("buildkitd github.com/moby/buildkit v0.16.0 81c7ae7" | check judge-version "0.16.0" | get ok) true
        }}
        {name: "the socket stops before the service, and the cache goes only with --purge", run: {||
            equal (uninstall plan (settings) | where do == "unit" | get target) ["buildkit.socket" "buildkit.service"]
            equal ("/var/lib/buildkit" in (uninstall plan (settings) | get target)) false
            equal ("/var/lib/buildkit" in (uninstall plan (settings) --purge | get target)) true
        }}
    ]
}
