#!/usr/bin/env nu
# Removes Redis. Data and access list stay unless --purge is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: the service first, the data last and only when asked for.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let version = open $manifest | get version
    let gone = [
        "/etc/systemd/system/redis.service"
        "/etc/redis/redis.conf"
        "/etc/sysctl.d/90-redis.conf"
        $"/opt/redis-($version)"
        $"/usr/local/src/redis-($version)"
        "/var/lib/provisioning/redis.sha256"
        ...(if $purge { [$settings.data_dir $settings.acl_file] } else { [] })
    ]
    [{do: "unit", target: "redis.service", state: "stopped"}, ...($gone | each {|path| {do: "remove", target: $path} })]
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --purge # also delete data and access list
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "redis" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
