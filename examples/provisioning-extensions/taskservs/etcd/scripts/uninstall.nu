#!/usr/bin/env nu
# Removes this member's service. Its data stays unless --purge is given: it may be the last copy.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back. A member that leaves for good must first be removed from the cluster (docs/README.md).
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let gone = [
        "/etc/systemd/system/etcd.service"
        "/etc/etcd/etcd.env"
        ...([etcd etcdctl etcdutl] | each {|p| $"/usr/local/bin/($p)" })
        "/var/lib/provisioning/etcd.sha256"
        ...(if $purge { [$settings.data_dir] } else { [] })
    ]
    [{do: "unit", target: "etcd.service", state: "stopped"}, ...($gone | each {|path| {do: "remove", target: $path} })]
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --purge # also delete this member's data
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "etcd" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
