#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep {source: {sha256: $sha}, memory_mb: 4096}
    | merge deep --strategy=overwrite $changes
}

def content [target: string, changes: record = {}]: nothing -> string {
    install plan (settings $changes) | where target == $target | first | get content
}

def main [] {
    run-cases [
        {name: "memory follows from what the server may count on", run: {||
            equal (install memory 4096 100) {shared_buffers: 1024, effective_cache_size: 3072, work_mem: 10, maintenance_work_mem: 256}
            equal (install memory 256 1000) {shared_buffers: 64, effective_cache_size: 192, work_mem: 1, maintenance_work_mem: 64}
            equal (install memory 262144 100 | get maintenance_work_mem) 2048
            contains (content "/etc/postgresql/postgresql.conf") "shared_buffers = 1024MB"
        }}
        {name: "every remote connection needs TLS and a SCRAM password", run: {||
            let hba = content "/etc/postgresql/pg_hba.conf" {access: [{database: "web", user: "web", address: "10.244.0.0/16"}]} | lines
            equal ($hba | last) "hostssl web web 10.244.0.0/16 scram-sha-256"
            equal ($hba | where $it =~ '^host ' | length) 0
            equal ($hba | where $it =~ 'trust|md5|password$' | length) 0
        }}
        {name: "the extension's version names PostgreSQL's", run: {||
            equal ("16.4.0" | install upstream-version) "16.4"
            contains (install plan (settings) | first | get url) "/v16.4/postgresql-16.4.tar.gz"
        }}
        {name: "the data directory is made once, with checksums, before the service starts", run: {||
            let steps = install plan (settings)
            let initdb = $steps | where target == "initdb" | first
            equal ("--data-checksums" in $initdb.command) true
            equal $initdb.creates "/var/lib/postgresql/16/PG_VERSION"
            equal ($steps | last | get target) "postgresql.service"
        }}
        {name: "servers that cannot work or stand open are refused", run: {||
            refuses {|| install plan (settings {memory_mb: 64}) } "at least 256"
            refuses {|| install plan (settings {access: [{database: "web", user: "web", address: "0.0.0.0/0"}]}) } "not everywhere"
            refuses {|| install plan (settings {access: [{database: "web trust", user: "web", address: "10.0.0.0/8"}]}) } "access:"
            refuses {|| install plan (settings {access: [{user: "web"}]}) } "access:"
            refuses {|| install plan (settings {listen: ["*"]}) } "listen must list IP addresses"
        }}
        {name: "files below another root are written once, and drift is seen", run: {||
            in-scratch {|dir|
                let steps = install plan (settings) | where do in ["file" "directory"]
                apply $steps --root $dir | ignore
                equal (apply $steps --root $dir | get outcome | uniq) ["unchanged"]
                rm ($dir | path join "etc/postgresql/pg_hba.conf")
                equal (drift $steps --root $dir) ["/etc/postgresql/pg_hba.conf"]
            }
        }}
        {name: "the check reads PostgreSQL's version", run: {||
            equal ("postgres (PostgreSQL) 16.4" | check judge-version "16.4" | get ok) true
            equal ("postgres (PostgreSQL) 15.8" | check judge-version "16.4" | get detail) "version 15.8, expected 16.4"
        }}
        {name: "databases go only with --purge", run: {||
            equal ("/var/lib/postgresql/16" in (uninstall plan (settings) | get target)) false
            equal (uninstall plan (settings) --purge | last | get target) "/var/lib/postgresql/16"
            equal ("/opt/postgresql-16.4" in (uninstall plan (settings) | get target)) true
        }}
    ]
}
