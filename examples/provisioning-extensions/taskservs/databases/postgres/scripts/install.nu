#!/usr/bin/env nu
# Builds PostgreSQL from its source archive, makes a data directory with checksums and runs it under systemd.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    source: {url: "", sha256: null}
    listen: ["127.0.0.1"]
    port: 5432
    memory_mb: null
    max_connections: 100
    data_dir: "/var/lib/postgresql/16"
    access: []
}

# PostgreSQL names its releases by two numbers; the extension's version has a third for semver's sake.
export def upstream-version []: string -> string {
    $in | split row "." | first 2 | str join "."
}

# Memory settings in MiB from what the server may count on: a quarter for its own buffers, three quarters as what the
# system's cache will hold, and work memory such that all connections together take no more than a quarter.
export def memory [memory_mb: int, max_connections: int]: nothing -> record<shared_buffers: int, effective_cache_size: int, work_mem: int, maintenance_work_mem: int> {
    {
        shared_buffers: ($memory_mb // 4)
        effective_cache_size: ($memory_mb * 3 // 4)
        work_mem: ([1 ($memory_mb // 4 // $max_connections)] | math max)
        maintenance_work_mem: ([64 ([2048 ($memory_mb // 16)] | math min)] | math max)
    }
}

# pg_hba.conf: the system's own user over the socket, everyone else over TLS with a SCRAM password.
export def hba [access: list<any>]: nothing -> string {
    let remote = $access | each {|a| $"hostssl ($a.database) ($a.user) ($a.address) scram-sha-256" }
    ["local all postgres peer" "local all all scram-sha-256" ...$remote ""] | str join "\n"
}

export def check-settings [settings: record]: nothing -> nothing {
    let access = $settings.access | each {|a|
        let name = '\A[a-z_][a-z0-9_-]*\z'
        {
            ok: (($a.database? | default "") =~ $name and ($a.user? | default "") =~ $name and ($a.address? | default "") =~ '\A[0-9a-f.:]+/[0-9]{1,3}\z' and $a.address? not-in ["0.0.0.0/0" "::/0"])
            says: $"access: ($a | to nuon) must be {database, user, address}, its address a block that is not everywhere"
        }
    }
    require [
        (sha256-rule "source.sha256" $settings.source.sha256)
        {ok: (($settings.listen | is-not-empty) and ($settings.listen | all {|a| $a =~ '\A[0-9a-f.:]+\z' })), says: "listen must list IP addresses"}
        {ok: ($settings.port in 1024..65535), says: "port must be 1024 to 65535"}
        {ok: ($settings.memory_mb >= 256), says: "memory_mb must be at least 256"}
        {ok: ($settings.max_connections in 5..5000), says: "max_connections must be 5 to 5000"}
        {ok: ($settings.data_dir =~ '\A/[\w./-]+\z'), says: "data_dir must be an absolute path"}
        ...$access
    ]
}

# The steps that make a machine run PostgreSQL. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    $settings.platform | parse-platform ["linux/amd64" "linux/arm64"] | ignore
    let version = open $manifest | get version | upstream-version
    let url = if $settings.source.url == "" { $"https://ftp.postgresql.org/pub/source/v($version)/postgresql-($version).tar.gz" } else { $settings.source.url }
    require [(url-rule "source.url" $url)]
    let archive = $"/var/cache/provisioning/postgresql-($version).tar.gz"
    let sources = $"/usr/local/src/postgresql-($version)"
    let prefix = $"/opt/postgresql-($version)"
    let configure = $"./configure --prefix=($prefix) --with-openssl --with-systemd"
    let config = open --raw ($templates | path join "postgresql.conf") | render (
        memory $settings.memory_mb $settings.max_connections
        | merge {listen: ($settings.listen | str join ","), port: $settings.port, max_connections: $settings.max_connections}
    )
    let unit = open --raw ($templates | path join "postgresql.service") | render {prefix: $prefix, data_dir: $settings.data_dir}
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.source.sha256}
        {do: "unpack", target: $sources, archive: $archive, sha256: $settings.source.sha256, stamp: "/var/lib/provisioning/postgres.sha256", strip: 1}
        {do: "run", target: "build", command: [sh -ec $"cd ($sources) && ($configure) && make -j4 install"], creates: $"($prefix)/bin/postgres"}
        {do: "user", target: "postgres", home: $settings.data_dir}
        {do: "directory", target: $settings.data_dir, mode: "0700", owner: "postgres:postgres"}
        {do: "run", target: "initdb", command: [runuser -u postgres -- $"($prefix)/bin/initdb" --pgdata $settings.data_dir --data-checksums --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8], creates: $"($settings.data_dir)/PG_VERSION"}
        {do: "file", target: "/etc/postgresql/postgresql.conf", content: $config}
        {do: "file", target: "/etc/postgresql/pg_hba.conf", content: (hba $settings.access), mode: "0640", owner: "root:postgres"}
        {do: "file", target: "/etc/systemd/system/postgresql.service", content: $unit}
        {do: "unit", target: "postgresql.service", state: "started"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "postgres" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
