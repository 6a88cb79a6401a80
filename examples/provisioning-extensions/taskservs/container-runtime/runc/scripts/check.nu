#!/usr/bin/env nu
# Tells whether runc is there, is the program the settings name, and starts.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads the first line of `runc --version`: "runc version 1.1.15".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex 'runc version (?<version>\S+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let answer = health "runc" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" [($"($settings.prefix)/runc" | at $root) "--version"] {|text| $text | judge-version $version })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
