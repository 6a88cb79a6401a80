#!/usr/bin/env nu
# Removes BuildKit. Its cache stays unless --purge is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: the socket before the service, or a client would start it again.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let gone = [
        "/etc/systemd/system/buildkit.socket"
        "/etc/systemd/system/buildkit.service"
        "/etc/buildkit/buildkitd.toml"
        "/usr/local/bin/buildkitd"
        "/usr/local/bin/buildctl"
        "/var/lib/provisioning/buildkit.sha256"
        ...(if $purge { ["/var/lib/buildkit"] } else { [] })
    ]
    [
        {do: "unit", target: "buildkit.socket", state: "stopped"}
        {do: "unit", target: "buildkit.service", state: "stopped"}
        ...($gone | each {|path| {do: "remove", target: $path} })
    ]
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --purge # also delete the build cache
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "buildkit" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
