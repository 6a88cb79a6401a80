#!/usr/bin/env nu
# Installs runc: one static program, kept under its version so that a return to the former one is a link away.

use steps.nu *

const manifest = path self ../manifest.yaml

export const defaults = {
    platform: "linux/amd64"
    binary: {url: "", sha256: null}
    prefix: "/usr/local/sbin"
}

# Where the program of a version stands, unless the settings name another place.
export def binary-url [version: string, arch: string]: nothing -> string {
    $"https://github.com/opencontainers/runc/releases/download/v($version)/runc.($arch)"
}

# The steps that make a machine have runc. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.binary.url == "" { binary-url $version $platform.arch } else { $settings.binary.url }
    require [
        (sha256-rule "binary.sha256" $settings.binary.sha256)
        (url-rule "binary.url" $url)
        {ok: ($settings.prefix =~ '\A/[\w./-]+\z'), says: "prefix must be an absolute path"}
    ]
    let program = $"($settings.prefix)/runc-($version)"
    [
        {do: "download", target: $program, url: $url, sha256: $settings.binary.sha256, mode: "0755"}
        {do: "link", target: $"($settings.prefix)/runc", to: $"runc-($version)"}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let steps = apply (plan (read-settings $config $defaults)) --root $root --dry-run=$dry_run
    report "runc" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
