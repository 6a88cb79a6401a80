#!/usr/bin/env nu
# Compares the servers of the settings with those at Amazon EC2 and makes what is missing.
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
    $in | from json | get Reservations | each {|r| $r.Instances } | flatten | each {|i|
        let name = $i.Tags | where Key == "Name" | get --optional 0.Value | default ""
        {name: $name, id: $i.InstanceId, size: $i.InstanceType}
    }
}

export def create-command [settings: record, server: record]: nothing -> list<string> {
    let tags = $"ResourceType=instance,Tags=[{Key=Name,Value=($server.name)},{Key=provisioning,Value=managed}]"
    let disk = $"DeviceName=/dev/xvda,Ebs={VolumeSize=($server.disk_gb),VolumeType=gp3,Encrypted=true,DeleteOnTermination=true}"
    [
        aws ec2 run-instances --region $settings.region --count 1
        --image-id $server.image --instance-type $server.size --subnet-id $server.network
        --block-device-mappings $disk --tag-specifications $tags
        --metadata-options "HttpTokens=required,HttpEndpoint=enabled"
        --user-data (cloud-init $settings $server) --output json
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
            {do: "resize", name: $server.name, command: [aws ec2 modify-instance-attribute --region $settings.region --instance-id $found.id --instance-type $server.size]}
        } else {
            {do: "keep", name: $server.name, command: []}
        }
    }
    let names = $settings.servers | each {|s| $s.name }
    let spare = $existing | where {|e| $e.name not-in $names } | each {|found|
        if $prune {
            {do: "delete", name: $found.name, command: [aws ec2 terminate-instances --region $settings.region --instance-ids $found.id]}
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
    let listed = [aws ec2 describe-instances --region $settings.region --filters "Name=tag:provisioning,Values=managed" "Name=instance-state-name,Values=pending,running,stopping,stopped" --output json]
    let answer = run-external ...$listed | complete
    if $answer.exit_code != 0 {
        error make --unspanned {msg: $"the servers at Amazon EC2 cannot be listed: ($answer.stderr | str trim)", help: "credentials come from the environment, a profile or an instance role"}
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
