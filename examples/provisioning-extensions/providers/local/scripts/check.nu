#!/usr/bin/env nu
# Tells whether this host can run the machines of its settings and which of them run.

use steps.nu *
use install.nu

# Reads `virsh list --name`: every machine of the settings must be among those that run.
export def judge-machines [wanted: list<string>]: string -> record<ok: bool, detail: string> {
    let running = $in | lines | str trim | where $it != ""
    let missing = $wanted | where {|name| $name not-in $running }
    {ok: ($missing | is-empty), detail: (if ($missing | is-empty) { $"($wanted | length) run" } else { $"not running: ($missing | str join ', ')" })}
}

def main [
    --config: path = "settings.toml" # the settings the host was prepared with
    --root: path = "/" # check files below another root
] {
    let settings = read-settings $config $install.defaults
    let drifted = drift (install plan $settings) --root $root
    let answer = health "local" [
        {name: "files", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        {name: "virtualisation", ok: ("/dev/kvm" | path exists), detail: "/dev/kvm"}
        (probe "network" ["virsh" "net-info" $settings.network.name] {|_| {ok: true, detail: $settings.network.name} })
        (probe "machines" ["virsh" "list" "--name"] {|text| $text | judge-machines ($settings.servers | each {|s| $s.name }) })
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
