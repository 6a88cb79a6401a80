#!/usr/bin/env nu
# Tells whether this member runs, is healthy and sees all others.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# Reads the first line of `etcd --version`: "etcd Version: 3.5.16".
export def judge-version [expected: string]: string -> record<ok: bool, detail: string> {
    let found = $in | parse --regex 'etcd Version: (?<version>\S+)' | get --optional 0.version | default "unknown"
    {ok: ($found == $expected), detail: $"version ($found), expected ($expected)"}
}

# Reads `etcdctl endpoint health --write-out=json`.
export def judge-health []: string -> record<ok: bool, detail: string> {
    let endpoints = $in | from json
    let ill = $endpoints | where not health
    {ok: ($ill | is-empty), detail: ($ill | each {|e| $"($e.endpoint): ($e.error? | default 'unhealthy')" } | str join "; ")}
}

# Reads `etcdctl member list --write-out=json`: the members must be those of the settings, and none a learner.
export def judge-members [expected: list<string>]: string -> record<ok: bool, detail: string> {
    let members = $in | from json | get members
    let found = $members | get name | sort
    let learners = $members | where {|m| $m.isLearner? | default false } | get name
    let ok = $found == ($expected | sort) and ($learners | is-empty)
    {ok: $ok, detail: $"members ($found | str join ', '); learners: ($learners | length)"}
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let version = open $manifest | get version
    let drifted = drift (install plan $settings) --root $root
    let own = $settings.members | where name == $settings.name | first
    let client = [
        "etcdctl" "--endpoints" $"https://($own.address):2379" "--command-timeout" "5s" "--write-out=json"
        "--cacert" $settings.tls.ca "--cert" $settings.tls.cert "--key" $settings.tls.key
    ]
    let answer = health "etcd" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "version" ["etcd" "--version"] {|text| $text | judge-version $version })
        (probe "health" [...$client "endpoint" "health"] {|text| $text | judge-health })
        (probe "members" [...$client "member" "list"] {|text| $text | judge-members ($settings.members | get name) })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
