#!/usr/bin/env nu
# Removes the command line. Servers at UpCloud are left alone: `servers.nu --prune` with no servers deletes them.

use steps.nu *

const manifest = path self ../manifest.yaml

# The steps back.
export def plan []: nothing -> list<any> {
    ["/usr/local/bin/upctl" "/var/lib/provisioning/upcloud.sha256"] | each {|path| {do: "remove", target: $path} }
}

def main [
    --root: path = "/" # uninstall below another root
    --dry-run # compare only
] {
    let steps = apply (plan) --root $root --dry-run=$dry_run
    report "upcloud" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
