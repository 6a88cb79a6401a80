#!/usr/bin/env nu
# Gives a Kubernetes cluster its pod network: cilium's command line, the values, then install or upgrade.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

# The command line has versions of its own; this one knows the chart of the extension's version.
const cli_version = "0.16.19"

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    cluster: {name: null, id: 1, endpoint: null}
    pod_cidr: "10.244.0.0/16"
    node_mask: 24
    replace_kube_proxy: false
    encryption: "none"
    hubble: true
    kubeconfig: "/etc/kubernetes/admin.conf"
}

# How many nodes find room when each gets a part of the block.
export def capacity [pod_cidr: string, node_mask: int]: nothing -> int {
    let bits = $pod_cidr | split row "/" | last | into int
    2 ** ($node_mask - $bits)
}

export def check-settings [settings: record]: nothing -> nothing {
    require [{ok: ($settings.pod_cidr =~ '\A[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}\z'), says: "pod_cidr must be an IPv4 block"}]
    let bits = $settings.pod_cidr | split row "/" | last | into int
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.cluster.name =~ '\A[a-z0-9-]{1,32}\z'), says: "cluster.name holds lower-case letters, digits and hyphens"}
        {ok: ($settings.cluster.id in 1..255), says: "cluster.id must be 1 to 255"}
        {ok: ($settings.cluster.endpoint =~ '\A[a-z0-9.-]+:[0-9]+\z'), says: "cluster.endpoint must be host:port"}
        {ok: ($settings.node_mask > $bits and $settings.node_mask <= 30), says: $"node_mask must be ($bits + 1) to 30"}
        {ok: ($settings.encryption in [none wireguard]), says: "encryption must be none or wireguard"}
        {ok: ($settings.kubeconfig =~ '\A/[\w./-]+\z'), says: "kubeconfig must be an absolute path"}
    ]
}

# The chart's values. Without kube-proxy Cilium must know the API servers itself: no service leads to them yet.
export def values [settings: record]: nothing -> string {
    let endpoint = $settings.cluster.endpoint | split row ":"
    open --raw ($templates | path join "values.yaml") | render {
        cluster_name: $settings.cluster.name
        cluster_id: $settings.cluster.id
        replace_kube_proxy: $settings.replace_kube_proxy
        api_host: $endpoint.0
        api_port: $endpoint.1
        pod_cidr: $settings.pod_cidr
        node_mask: $settings.node_mask
        wireguard: ($settings.encryption == "wireguard")
        hubble: $settings.hubble
    }
}

# The steps that give a cluster its network. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let upstream = $"https://github.com/cilium/cilium-cli/releases/download/v($cli_version)/cilium-linux-($platform.arch).tar.gz"
    let url = if $settings.archive.url == "" { $upstream } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/cilium-cli-($cli_version)-($platform.arch).tar.gz"
    let chart = [--version $version --values /etc/provisioning/cilium/values.yaml --kubeconfig $settings.kubeconfig --wait]
    let installed = [kubectl --kubeconfig $settings.kubeconfig --namespace kube-system get daemonset cilium]
    [
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local/bin", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/cilium.sha256", members: ["cilium"]}
        {do: "file", target: "/etc/provisioning/cilium/values.yaml", content: (values $settings)}
        # Upgrade first: what it finds is older than this plan, what the install below makes is not.
        {do: "run", target: "cilium upgrade", command: [sh -c 'kubeconfig=$1; shift; kubectl --kubeconfig "$kubeconfig" --namespace kube-system get daemonset cilium >/dev/null 2>&1 || exit 0; exec cilium upgrade "$@"' upgrade $settings.kubeconfig ...$chart], on_change: true}
        {do: "run", target: "cilium install", command: [cilium install ...$chart], unless: $installed}
    ]
}

# Prints a JSON report of what was changed, or with --dry-run of what would be.
def main [
    --config: path = "settings.toml" # the settings: JSON, TOML or YAML
    --root: path = "/" # install below another root
    --dry-run # compare only
] {
    let settings = read-settings $config $defaults
    let steps = apply (plan $settings) --root $root --dry-run=$dry_run
    report "cilium" (open $manifest | get version) $steps --dry-run=$dry_run
    | insert nodes (capacity $settings.pod_cidr $settings.node_mask)
    | to json
}
