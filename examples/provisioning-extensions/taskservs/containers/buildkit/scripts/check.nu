#!/usr/bin/env nu
# Tells whether BuildKit answers and has a worker for every platform its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads `buildkitd --version`: "buildkitd github.com/moby/buildkit v0.16.0 <revision>".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex '\sv(?<version>\d+\.\d+\.\d+\S*)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

# Reads `buildctl debug workers`, whose last column lists platforms with commas between them.
export def judge-workers [expected: list<string>]: string -> record<ok: bool, detail: string> {
    let found = $in | lines | skip 1 | each {|line| $line | split row --regex '\s+' | where $it != "" | last | split row "," } | flatten
    let missing = $expected | where {|platform| $platform not-in $found }
    {ok: ($missing | is-empty), detail: (if ($missing | is-empty) { $found | str join ", " } else { $"no worker for ($missing | str join ', ')" })}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let answer = health "buildkit" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" ["buildkitd" "--version"] {|text| $text | judge-version $version })
        (probe "workers" ["buildctl" "debug" "workers"] {|text| $text | judge-workers [$settings.platform ...$settings.emulate] })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
