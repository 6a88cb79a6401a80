#!/usr/bin/env nu
# Removes runc. Containers that run keep running: the program is only needed to start and to stop them.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: the link first, so that nothing starts a program that is about to go.
export def plan [settings: record]: nothing -> list<any> {
    install plan $settings | reverse | each {|step| {do: "remove", target: $step.target} }
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults)) --root $root --dry-run=$dry_run
    report "runc" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
