#!/usr/bin/env nu
# Removes PostgreSQL. Data stays unless --purge is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: the service first, the data last and only when asked for.
export def plan [settings: record, --purge]: nothing -> list<any> {
    install check-settings $settings
    let version = open $manifest | get version | install upstream-version
    let gone = [
        "/etc/systemd/system/postgresql.service"
        "/etc/postgresql/postgresql.conf"
        "/etc/postgresql/pg_hba.conf"
        $"/opt/postgresql-($version)"
        $"/usr/local/src/postgresql-($version)"
        "/var/lib/provisioning/postgres.sha256"
        ...(if $purge { [$settings.data_dir] } else { [] })
    ]
    [{do: "unit", target: "postgresql.service", state: "stopped"}, ...($gone | each {|path| {do: "remove", target: $path} })]
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --purge # also delete all databases
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $install.defaults) --purge=$purge) --root $root --dry-run=$dry_run
    report "postgres" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
