#!/usr/bin/env nu
# Tells whether the application's replicas are available and the documents still are what the settings ask for.

use steps.nu *
use install.nu

# Reads `kubectl get deployment --output json`: the image wanted, everywhere and available.
export def judge-deployment [image: string]: string -> record<ok: bool, detail: string> {
    let deployment = $in | from json
    let found = $deployment.spec.template.spec.containers.0.image
    let available = $deployment.status.availableReplicas? | default 0
    let updated = $deployment.status.updatedReplicas? | default 0
    let wanted = $deployment.spec.replicas
    let complaints = [
        (if $found != $image { $"runs ($found)" })
        (if $available < $wanted { $"($available) of ($wanted) available" })
        (if $updated < $wanted { $"($updated) of ($wanted) updated" })
    ] | compact
    {ok: ($complaints | is-empty), detail: (if ($complaints | is-empty) { $"($wanted) available" } else { $complaints | str join ", " })}
}

def main [
    --config: path = "settings.toml" # the settings the application was installed with
    --root: path = "/" # check documents below another root
] {
    let settings = read-settings $config $install.defaults
    let drifted = drift (install plan $settings) --root $root
    let kubectl = ["kubectl" "--kubeconfig" $settings.kubeconfig "--namespace" $settings.namespace]
    let secrets = [$settings.postgres.secret $settings.redis.secret] | uniq | each {|secret|
        probe $"secret ($secret)" [...$kubectl "get" "secret" $secret "--output" "name"] {|text| {ok: true, detail: $text} }
    }
    let answer = health "web" [
        {name: "documents", ok: ($drifted | is-empty), detail: ($drifted | str join ", ")}
        (probe "deployment" [...$kubectl "get" "deployment" $settings.name "--output" "json"] {|text| $text | judge-deployment $settings.image })
        ...$secrets
    ]
    print ($answer | to json)
    if not $answer.healthy { exit 1 }
}
