#!/usr/bin/env nu
# Tells whether containerd runs, in the version and with the files its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads the answer of `containerd --version`: program, package, version, revision.
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex '\s[vV]?(?<version>\d+\.\d+\.\d+\S*)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

# The CRI plugin is what Kubernetes speaks to; containerd can run without it and then no pod starts.
export def judge-plugins []: string -> record<ok: bool, detail: string> {
    let cri = $in | lines | where $it =~ 'io\.containerd\.grpc\.v1\s+cri\s' | get --optional 0 | default ""
    {ok: ($cri | str ends-with "ok"), detail: (if $cri == "" { "the cri plugin is not loaded" } else { $cri | str replace --all --regex '\s+' " " })}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let answer = health "containerd" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" ["containerd" "--version"] {|text| $text | judge-version $version })
        (probe "service" ["systemctl" "is-active" "containerd.service"] {|text| {ok: ($text == "active"), detail: $text} })
        (probe "cri" ["ctr" "plugins" "ls"] {|text| $text | judge-plugins })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
