#!/usr/bin/env nu
# Tells whether the command line is there and UpCloud accepts its credentials.

use steps.nu *
use install.nu

# Reads the command line's version.
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex '(?<version>\d+\.\d+\.\d+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let drifted = drift (install plan $settings) --root $root
    let answer = health "upcloud" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" ["upctl" "version"] {|text| $text | judge-version $install.cli_version })
        (probe "credentials" [upctl account show --output json] {|_| {ok: true, detail: "accepted"} })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
