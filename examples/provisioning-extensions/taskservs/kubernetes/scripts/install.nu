#!/usr/bin/env nu
# Makes a machine a Kubernetes node: kernel settings, kubelet, kubeadm, then `kubeadm init` or `kubeadm join`.

use steps.nu *

const manifest = path self ../manifest.yaml
const templates = path self ../templates

export const defaults = {
    platform: "linux/amd64"
    archive: {url: "", sha256: null}
    role: null
    node: {name: null, address: null, labels: {}}
    cluster: {
        name: "provisioning"
        endpoint: null
        pod_cidr: "10.244.0.0/16"
        service_cidr: "10.96.0.0/12"
        dns_domain: "cluster.local"
        kube_proxy: true
    }
    etcd: {endpoints: [], ca: "/etc/etcd/tls/ca.crt", cert: "/etc/etcd/tls/client.crt", key: "/etc/etcd/tls/client.key"}
    discovery_file: "/etc/kubernetes/discovery.conf"
    max_pods: 110
}

# Where the node archive of a version stands, unless the settings name another place.
export def archive-url [version: string, arch: string]: nothing -> string {
    $"https://dl.k8s.io/v($version)/kubernetes-node-linux-($arch).tar.gz"
}

# The span of an IPv4 block, {first, last}, for telling whether two blocks meet; nothing when it is no block.
export def span []: string -> any {
    let found = $in | parse --regex '\A(?<a>\d{1,3})\.(?<b>\d{1,3})\.(?<c>\d{1,3})\.(?<d>\d{1,3})/(?<bits>\d{1,2})\z'
    if ($found | is-empty) { return null }
    let n = $found | first | update cells {|text| $text | into int }
    if ([$n.a $n.b $n.c $n.d] | any {|octet| $octet > 255 }) or $n.bits > 32 { return null }
    let size = 2 ** (32 - $n.bits)
    let address = (($n.a * 256 + $n.b) * 256 + $n.c) * 256 + $n.d
    let first = $address - ($address mod $size)
    {first: $first, last: ($first + $size - 1)}
}

# Whether two IPv4 blocks share an address.
export def overlap [left: string, right: string]: nothing -> bool {
    let a = $left | span
    let b = $right | span
    $a != null and $b != null and $a.first <= $b.last and $b.first <= $a.last
}

export def check-settings [settings: record]: nothing -> nothing {
    let cluster = $settings.cluster
    let labels = $settings.node.labels | items {|key, value|
        {ok: ($"($key)=($value)" =~ '\A([a-z0-9.-]+/)?[A-Za-z0-9_.-]{1,63}=[A-Za-z0-9_.-]{0,63}\z'), says: $"node.labels: ($key) is not a label"}
    }
    let etcd = $settings.etcd.endpoints | each {|endpoint|
        {ok: ($endpoint =~ '\Ahttps://[a-z0-9.:\[\]-]+:[0-9]+\z'), says: $"etcd.endpoints: ($endpoint) is not https://host:port"}
    }
    require [
        (sha256-rule "archive.sha256" $settings.archive.sha256)
        {ok: ($settings.role in [control-plane worker]), says: "role must be control-plane or worker"}
        {ok: ($settings.node.name =~ '\A[a-z0-9]([a-z0-9.-]*[a-z0-9])?\z'), says: "node.name must be a lower-case host name"}
        {ok: ($settings.node.address =~ '\A[0-9a-f.:]+\z'), says: "node.address must be an IP address"}
        {ok: ($cluster.name =~ '\A[a-z0-9-]+\z'), says: "cluster.name holds lower-case letters, digits and hyphens"}
        {ok: ($cluster.endpoint =~ '\A[a-z0-9.-]+:[0-9]+\z'), says: "cluster.endpoint must be host:port"}
        {ok: ($cluster.dns_domain =~ '\A[a-z0-9.-]+\z'), says: "cluster.dns_domain must be a domain"}
        {ok: (($cluster.pod_cidr | span) != null), says: "cluster.pod_cidr must be an IPv4 block"}
        {ok: (($cluster.service_cidr | span) != null), says: "cluster.service_cidr must be an IPv4 block"}
        {ok: (not (overlap $cluster.pod_cidr $cluster.service_cidr)), says: $"cluster: pods \(($cluster.pod_cidr)\) and services \(($cluster.service_cidr)\) share addresses"}
        {ok: ($settings.role == "worker" or ($settings.etcd.endpoints | is-not-empty)), says: "etcd.endpoints: a control plane needs at least one"}
        {ok: ($settings.max_pods in 10..500), says: "max_pods must be 10 to 500"}
        {ok: ([$settings.discovery_file $settings.etcd.ca $settings.etcd.cert $settings.etcd.key] | all {|p| $p =~ '\A/[\w./-]+\z' }), says: "discovery_file and the files in etcd must be absolute paths"}
        ...$labels
        ...$etcd
    ]
}

# The document that kubeadm reads: for a control plane how to begin, for a worker how to join.
export def kubeadm-config [settings: record]: nothing -> string {
    let version = open $manifest | get version
    let labels = $settings.node.labels | items {|key, value| $"($key)=($value)" } | str join ","
    let shared = {
        node_name: $settings.node.name
        address: $settings.node.address
        # Quoted by the template: an empty value stays a text.
        node_labels: $labels
    }
    if $settings.role == "worker" {
        return (open --raw ($templates | path join "kubeadm-join.yaml") | render ($shared | insert discovery_file $settings.discovery_file))
    }
    let proxy = if $settings.cluster.kube_proxy { "skipPhases: []" } else { "skipPhases:\n  - addon/kube-proxy" }
    open --raw ($templates | path join "kubeadm-init.yaml") | render ($shared | merge {
        skip_phases: $proxy
        version: $version
        cluster_name: $settings.cluster.name
        endpoint: $settings.cluster.endpoint
        pod_cidr: $settings.cluster.pod_cidr
        service_cidr: $settings.cluster.service_cidr
        dns_domain: $settings.cluster.dns_domain
        etcd_endpoints: ($settings.etcd.endpoints | each {|endpoint| $"      - \"($endpoint)\"" } | str join "\n")
        etcd_ca: $settings.etcd.ca
        etcd_cert: $settings.etcd.cert
        etcd_key: $settings.etcd.key
        max_pods: $settings.max_pods
    })
}

# The steps that make a machine a node. Touches nothing.
export def plan [settings: record]: nothing -> list<any> {
    check-settings $settings
    let version = open $manifest | get version
    let platform = $settings.platform | parse-platform ["linux/amd64" "linux/arm64"]
    let url = if $settings.archive.url == "" { archive-url $version $platform.arch } else { $settings.archive.url }
    require [(url-rule "archive.url" $url)]
    let archive = $"/var/cache/provisioning/kubernetes-node-($version)-($platform.arch).tar.gz"
    let members = [kubeadm kubectl kubelet] | each {|program| $"kubernetes/node/bin/($program)" }
    let join = if $settings.role == "control-plane" {
        {do: "run", target: "kubeadm init", command: [kubeadm init --config /etc/kubernetes/kubeadm.yaml --upload-certs --skip-token-print], creates: "/etc/kubernetes/admin.conf"}
    } else {
        {do: "run", target: "kubeadm join", command: [kubeadm join --config /etc/kubernetes/kubeadm.yaml], creates: "/etc/kubernetes/kubelet.conf"}
    }
    [
        {do: "file", target: "/etc/modules-load.d/kubernetes.conf", content: "overlay\nbr_netfilter\n"}
        {do: "run", target: "kernel modules", command: [modprobe --all overlay br_netfilter], creates: "/proc/sys/net/bridge"}
        {do: "file", target: "/etc/sysctl.d/90-kubernetes.conf", content: (open --raw ($templates | path join "sysctl.conf") | decode utf-8)}
        {do: "run", target: "sysctl", command: [sysctl --quiet --load /etc/sysctl.d/90-kubernetes.conf], on_change: true}
        {do: "download", target: $archive, url: $url, sha256: $settings.archive.sha256}
        {do: "unpack", target: "/usr/local/bin", archive: $archive, sha256: $settings.archive.sha256, stamp: "/var/lib/provisioning/kubernetes.sha256", strip: 3, members: $members}
        {do: "file", target: "/etc/systemd/system/kubelet.service", content: (open --raw ($templates | path join "kubelet.service") | decode utf-8)}
        {do: "file", target: "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf", content: (open --raw ($templates | path join "10-kubeadm.conf") | decode utf-8)}
        {do: "file", target: "/etc/kubernetes/kubeadm.yaml", content: (kubeadm-config $settings), mode: "0600"}
        # The kubelet restarts until kubeadm has written its configuration; that is how kubeadm wants it.
        {do: "unit", target: "kubelet.service", state: "started"}
        $join
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
    report "kubernetes" (open $manifest | get version) $steps --dry-run=$dry_run
    | insert role $settings.role
    | to json
}
