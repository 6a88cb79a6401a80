#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
const manifest = path self ../manifest.yaml
const install_script = path self ../scripts/install.nu

def settings [changes: record = {}]: nothing -> record {
    $install.defaults | merge deep {archive: {sha256: $sha}} | merge deep $changes
}

# An archive laid out like the release, with one program in it.
def make-archive [scratch: path]: nothing -> record<path: path, sha256: string> {
    mkdir ($scratch | path join "bin")
    "program" | save ($scratch | path join "bin" "containerd")
    let archive = $scratch | path join "containerd.tar.gz"
    ^tar --create --gzip --file $archive --directory $scratch bin
    {path: $archive, sha256: (open --raw $archive | hash sha256)}
}

def main [] {
    run-cases [
        {name: "the plan takes the archive of the manifest's version", run: {||
            let version = open $manifest | get version
            let download = install plan (settings {platform: "linux/arm64"}) | where do == "download" | first
            contains $download.url $"v($version)/containerd-($version)-linux-arm64.tar.gz"
            equal $download.sha256 $sha
        }}
        {name: "the configuration is TOML that says what the settings say", run: {||
            let file = install plan (settings {systemd_cgroup: false, log_level: "debug"}) | where target == "/etc/containerd/config.toml" | first
            let config = $file.content | from toml
            let cri = $config.plugins | get "io.containerd.grpc.v1.cri"
            equal $config.debug.level "debug"
            equal $cri.containerd.runtimes.runc.options.SystemdCgroup false
            equal $cri.max_concurrent_downloads 3
        }}
        {name: "mirrors stand in order before the registry", run: {||
            let hosts = install hosts-toml "docker.io" ["https://a.example.org" "https://b.example.org"]
            equal ($hosts | from toml | get server) "https://registry-1.docker.io"
            equal ($hosts | from toml | get host | columns) ["https://a.example.org" "https://b.example.org"]
        }}
        {name: "the service starts after its files are written", run: {||
            equal (install plan (settings) | last | get do) "unit"
        }}
        {name: "settings that cannot be right are refused together", run: {||
            refuses {|| install plan (settings {archive: {sha256: "abc"}, log_level: "loud"}) } "archive.sha256 must be 64"
            refuses {|| install plan (settings {archive: {sha256: "abc"}, log_level: "loud"}) } "log_level must be"
            refuses {|| install plan (settings {mirrors: {"docker.io": ["mirror\"\nx"]}}) } "is not an address"
            refuses {|| install plan (settings {platform: "linux/s390x"}) } "not supported"
            refuses {|| install plan (settings {archive: {url: "http://plain.example.org/a"}}) } "archive.url must be"
        }}
        {name: "a missing sum, an unknown key and a wrong type are named", run: {||
            in-scratch {|dir|
                let file = $dir | path join "settings.toml"
                "log_level = 'info'" | save $file
                refuses {|| read-settings $file $install.defaults } "lacks settings: archive.sha256"
                "loglevel = 'info'" | save --force $file
                refuses {|| read-settings $file $install.defaults } "unknown settings: loglevel"
                "systemd_cgroup = 'true'" | save --force $file
                refuses {|| read-settings $file $install.defaults } "systemd_cgroup is string, not bool"
            }
        }}
        {name: "a template with an unknown name is refused, and a value is never read as a template", run: {||
            refuses {|| "{{ a }} {{ b }}" | render {a: 1} } "no value for b"
            equal ("[{{ a }}]" | render {a: "{{ a }}"}) "[{{ a }}]"
        }}
        {name: "installing below another root works, and again changes nothing", run: {||
            in-scratch {|dir|
                let archive = make-archive $dir
                let root = $dir | path join "root"
                let steps = install plan (settings {archive: {url: $"file://($archive.path)", sha256: $archive.sha256}})
                let first = apply $steps --root $root
                equal ($first | where do in ["download" "unpack" "file"] | get outcome | uniq) ["changed"]
                equal ($first | where do == "unit" | get outcome) ["skipped"]
                equal (open --raw ($root | path join "usr/local/bin/containerd")) "program"
                let again = apply $steps --root $root
                equal ($again | get outcome | uniq | sort) ["skipped" "unchanged"]
                equal (drift $steps --root $root) []
                "changed by hand" | save --force ($root | path join "etc/containerd/config.toml")
                equal (drift $steps --root $root) ["/etc/containerd/config.toml"]
            }
        }}
        {name: "an archive with another sum is deleted and not unpacked", run: {||
            in-scratch {|dir|
                let archive = make-archive $dir
                let root = $dir | path join "root"
                let steps = install plan (settings {archive: {url: $"file://($archive.path)"}})
                refuses {|| apply $steps --root $root } "the settings say"
                equal ($root | path join "usr" | path exists) false
                equal (glob ($root | path join "var/cache/provisioning/*")) []
            }
        }}
        {name: "a dry run writes nothing and prints JSON", run: {||
            in-scratch {|dir|
                let file = $dir | path join "settings.json"
                settings | to json | save $file
                let root = $dir | path join "root"
                let report = ^$nu.current-exe $install_script --config $file --root $root --dry-run | from json
                equal $report.changed false
                equal ($report.steps | where do == "file" | get outcome | uniq) ["pending"]
                equal ($root | path exists) false
            }
        }}
        {name: "the check reads versions and plugins", run: {||
            equal ("containerd github.com/containerd/containerd v1.7.23 57f17b0a" | check judge-version "1.7.23" | get ok) true
            equal ("containerd github.com/containerd/containerd v1.6.9 1c90a442" | check judge-version "1.7.23" | get detail) "version 1.6.9, expected 1.7.23"
            equal ("io.containerd.grpc.v1   cri   linux/amd64   ok" | check judge-plugins | get ok) true
            equal ("io.containerd.grpc.v1   cri   linux/amd64   error" | check judge-plugins | get ok) false
            equal ("" | check judge-plugins | get detail) "the cri plugin is not loaded"
        }}
        {name: "uninstalling keeps images unless purging", run: {||
            equal ("/var/lib/containerd" in (uninstall plan (settings) | get target)) false
            equal ("/var/lib/containerd" in (uninstall plan (settings) --purge | get target)) true
            equal (uninstall plan (settings) | first | get state) "stopped"
        }}
    ]
}
