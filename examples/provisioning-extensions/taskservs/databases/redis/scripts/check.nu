#!/usr/bin/env nu
# Tells whether Redis runs in the version and with the files its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads `redis-server --version`: "Redis server v=7.4.1 sha=…".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex 'v=(?<version>\S+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

# Any answer to PING shows a server that serves; one that asks for a user is as healthy as one that says PONG.
export def judge-ping []: string -> record<ok: bool, detail: string> {
    let answer = $in | str trim
    {ok: ($answer == "PONG" or ($answer | str starts-with "NOAUTH")), detail: $answer}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let programs = $"/opt/redis-($version)/bin" | at $root
    let answer = health "redis" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" [$"($programs)/redis-server" "--version"] {|text| $text | judge-version $version })
        (probe "ping" [$"($programs)/redis-cli" "-h" $settings.bind.0 "-p" $"($settings.port)" "PING"] {|text| $text | judge-ping })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
