#!/usr/bin/env nu
# Tells whether PostgreSQL takes connections, in the version and with the files its settings ask for.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads `postgres --version`: "postgres (PostgreSQL) 16.4".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex '\(PostgreSQL\) (?<version>\S+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version | install upstream-version
    let drifted = drift (install plan $settings) --root $root
    let programs = $"/opt/postgresql-($version)/bin" | at $root
    let answer = health "postgres" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" [$"($programs)/postgres" "--version"] {|text| $text | judge-version $version })
        (probe "ready" [$"($programs)/pg_isready" "--host" $settings.listen.0 "--port" $"($settings.port)"] {|text| {ok: true, detail: $text} })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
