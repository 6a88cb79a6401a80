#!/usr/bin/env nu
# Compares the servers of the settings with those at UpCloud and makes what is missing.
# Only servers with the tag provisioning=managed are ever looked at.

use steps.nu *
use install.nu

const templates = path self ../templates

# What a new server is told at its first start: who may log in, and its name.
export def cloud-init [settings: record, server: record]: nothing -> string {
    open --raw ($templates | path join "cloud-init.yaml") | render {
        name: $server.name
        ssh_keys: ($settings.ssh_keys | each {|key| $"  - ($key | to json --raw)" } | str join "\n")
    }
}

# The managed servers in an answer of the command line, as {name, id, size}.
export def parse-servers []: string -> list<any> {
    $in | from json | get servers | where {|s| $s.labels? | default [] | any {|l| $l.key == "provisioning" and $l.value == "managed" } } | each {|s|
        {name: $s.hostname, id: $s.uuid, size: $s.plan}
    }
}

export def create-command [settings: record, server: record]: nothing -> list<string> {
    [
        upctl server create --zone $settings.zone --hostname $server.name --title $server.name
        --plan $server.size --os $server.image --os-storage-size $server.disk_gb --os-storage-encrypt
        --network $"type=private,network=($server.network)" --network "type=utility" --enable-metadata
        --label "provisioning=managed" --user-data (cloud-init $settings $server) --wait --output json
    ] | each {|part| $part | into string }
}

# What has to happen, as {do, name, command}: create, resize, delete or keep.
# A server that no setting names is only reported (`spare`) unless prune is given.
export def plan [settings: record, existing: list<any>, --prune]: nothing -> list<any> {
    install check-settings $settings
    let wanted = $settings.servers | each {|server|
        let found = $existing | where name == $server.name | get --optional 0
        if $found == null {
            {do: "create", name: $server.name, command: (create-command $settings $server)}
        } else if $found.size != $server.size {
            {do: "resize", name: $server.name, command: [upctl server modify $found.id --plan $server.size]}
        } else {
            {do: "keep", name: $server.name, command: []}
        }
    }
    let names = $settings.servers | each {|s| $s.name }
    let spare = $existing | where {|e| $e.name not-in $names } | each {|found|
        if $prune {
            {do: "delete", name: $found.name, command: [upctl server delete $found.id --delete-storages]}
        } else {
            {do: "spare", name: $found.name, command: []}
        }
    }
    $wanted | append $spare
}

# Prints the plan as JSON and, without --dry-run, carries it out in order; the first failure ends it.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --prune # delete managed servers that no setting names
    --dry-run # compare only
] {
    let settings = read-settings $config $install.defaults
    let listed = [upctl server list --output json]
    let answer = run-external ...$listed | complete
    if $answer.exit_code != 0 {
        error make --unspanned {msg: $"the servers at UpCloud cannot be listed: ($answer.stderr | str trim)", help: "credentials come from UPCLOUD_TOKEN or the configuration of upctl"}
    }
    let todo = plan $settings ($answer.stdout | parse-servers) --prune=$prune
    if not $dry_run {
        for step in ($todo | where command != []) {
            let result = run-external ...$step.command | complete
            if $result.exit_code != 0 {
                error make --unspanned {msg: $"($step.do) ($step.name) failed: ($result.stderr | str trim)", help: "what was done before stays; run again to go on"}
            }
        }
    }
    $todo | to json
}
