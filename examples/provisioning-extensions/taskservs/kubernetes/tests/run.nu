#!/usr/bin/env nu
use cases.nu *
use ../scripts/steps.nu *
use ../scripts/install.nu
use ../scripts/check.nu
use ../scripts/uninstall.nu

const manifest = path self ../manifest.yaml
const install_script = path self ../scripts/install.nu
const sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

def settings [changes: record = {}]: nothing -> record {
    $install.defaults
    | merge deep {
        archive: {sha256: $sha}
        role: "control-plane"
        node: {name: "cp-1", address: "192.0.2.11"}
        cluster: {endpoint: "api.example.org:6443"}
        etcd: {endpoints: ["https://192.0.2.1:2379" "https://192.0.2.2:2379"]}
    }
    | merge deep --strategy=overwrite $changes
}

# The documents of the kubeadm configuration by their kind.
def documents [changes: record = {}]: nothing -> record {
    install kubeadm-config (settings $changes)
    | split row --regex '(?m)^---\n'
    | each {|text| $text | from yaml }
    | reduce --fold {} {|document, all| $all | insert $document.kind $document }
}

def main [] {
    run-cases [
        {name: "kubeadm gets the manifest's version and the settings' networks", run: {||
            let cluster = documents | get ClusterConfiguration
            equal $cluster.kubernetesVersion $"v(open $manifest | get version)"
            equal $cluster.networking {podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12", dnsDomain: "cluster.local"}
            equal $cluster.controlPlaneEndpoint "api.example.org:6443"
        }}
        {name: "the external etcd keeps all its endpoints", run: {||
            equal (documents | get ClusterConfiguration.etcd.external.endpoints) ["https://192.0.2.1:2379" "https://192.0.2.2:2379"]
        }}
        {name: "the kubelet and containerd agree on the cgroup driver", run: {||
            equal (documents | get KubeletConfiguration.cgroupDriver) "systemd"
            contains (documents | get InitConfiguration.nodeRegistration.criSocket) "containerd.sock"
        }}
        {name: "without kube-proxy its phase is skipped", run: {||
            equal (documents | get InitConfiguration.skipPhases) []
            equal (documents {cluster: {kube_proxy: false}} | get InitConfiguration.skipPhases) ["addon/kube-proxy"]
        }}
        {name: "labels reach the kubelet, and their absence stays a text", run: {||
            let labels = {"topology.kubernetes.io/zone": "a", tier: "front"}
            equal (documents {node: {labels: $labels}} | get InitConfiguration.nodeRegistration.kubeletExtraArgs.node-labels) "topology.kubernetes.io/zone=a,tier=front"
            equal (documents | get InitConfiguration.nodeRegistration.kubeletExtraArgs.node-labels) ""
        }}
        {name: "a worker joins by its discovery file and needs no etcd", run: {||
            let worker = {role: "worker", node: {name: "w-1"}, etcd: {endpoints: []}}
            equal (documents $worker | columns) ["JoinConfiguration"]
            equal (documents $worker | get JoinConfiguration.discovery.file.kubeConfigPath) "/etc/kubernetes/discovery.conf"
            equal (install plan (settings $worker) | last | get target) "kubeadm join"
            equal (install plan (settings) | last | get target) "kubeadm init"
        }}
        {name: "blocks of addresses are compared as numbers", run: {||
            equal ("10.0.0.7/30" | install span) {first: 167772164, last: 167772167}
            equal ("10.0.0.0/33" | install span) null
            equal ("10.0.256.0/24" | install span) null
            equal (install overlap "10.0.0.0/8" "10.96.0.0/12") true
            equal (install overlap "10.244.0.0/16" "10.96.0.0/12") false
            equal (install overlap "10.96.0.0/12" "10.111.255.0/24") true
        }}
        {name: "nodes that cannot work are refused", run: {||
            refuses {|| install plan (settings {cluster: {pod_cidr: "10.100.0.0/16"}}) } "share addresses"
            refuses {|| install plan (settings {etcd: {endpoints: []}}) } "a control plane needs at least one"
            refuses {|| install plan (settings {etcd: {endpoints: ["http://192.0.2.1:2379"]}}) } "is not https://host:port"
            refuses {|| install plan (settings {role: "master"}) } "role must be"
            refuses {|| install plan (settings {node: {name: "cp-1\"\nx: y"}}) } "node.name"
            refuses {|| install plan (settings {node: {labels: {"a b": "c"}}}) } "a b is not a label"
        }}
        {name: "the three programs come out of the node archive with mode and place", run: {||
            in-scratch {|dir|
                let programs = $dir | path join "kubernetes/node/bin"
                mkdir $programs
                for program in [kubeadm kubectl kubelet kube-proxy] {
                    $program | save ($programs | path join $program)
                    ^chmod 755 ($programs | path join $program)
                }
                let archive = $dir | path join "node.tar.gz"
                ^tar --create --gzip --file $archive --directory $dir kubernetes
                let sum = open --raw $archive | hash sha256
                let steps = install plan (settings {archive: {url: $"file://($archive)", sha256: $sum}})
                let root = $dir | path join "root"
                let done = apply $steps --root $root
                equal ($done | where outcome == "skipped" | get do) ["run" "run" "unit" "run"]
                let installed = ls --long ($root | path join "usr/local/bin") | sort-by name
                equal ($installed.name | path basename) ["kubeadm" "kubectl" "kubelet"]
                equal ($installed.mode | uniq) ["rwxr-xr-x"]
                equal (ls --long ($root | path join "etc/kubernetes/kubeadm.yaml") | get 0.mode) "rw-------"
                equal (drift $steps --root $root) []
            }
        }}
        {name: "a dry run prints what it would do and writes nothing", run: {||
            in-scratch {|dir|
                let file = $dir | path join "settings.yaml"
                settings | to yaml | save $file
                let root = $dir | path join "root"
                let report = ^$nu.current-exe $install_script --config $file --root $root --dry-run | from json
                equal $report.role "control-plane"
                equal ($report.steps | get outcome | uniq | sort) ["pending" "skipped"]
                equal ($root | path exists) false
            }
        }}
        {name: "the check judges node, version and swap", run: {||
            equal ("Kubernetes v1.28.0" | check judge-version "1.28.0" | get ok) true
            let ready = {status: {conditions: [{type: "DiskPressure", status: "False"}, {type: "Ready", status: "True"}]}} | to json
            equal ($ready | check judge-node) {ok: true, detail: "Ready is True"}
            let full = {status: {conditions: [{type: "DiskPressure", status: "True"}, {type: "Ready", status: "True"}]}} | to json
            equal ($full | check judge-node) {ok: false, detail: "Ready is True, DiskPressure"}
            equal ("Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n" | check judge-swap) {ok: false, detail: "/dev/sda2"}
            equal ("Filename Type Size Used Priority\n" | check judge-swap | get ok) true
        }}
        {name: "pods of daemon sets and static pods do not hold a node back", run: {||
            let pods = {items: [
                {metadata: {namespace: "kube-system", name: "cilium-x", ownerReferences: [{kind: "DaemonSet"}]}}
                {metadata: {namespace: "kube-system", name: "kube-apiserver-cp-1", ownerReferences: [{kind: "Node"}]}}
                {metadata: {namespace: "web", name: "web-1", ownerReferences: [{kind: "ReplicaSet"}]}}
                {metadata: {namespace: "web", name: "bare"}}
            ]}
            equal ($pods | to json | uninstall evictable) ["web/web-1" "web/bare"]
        }}
        {name: "kubeadm resets before its program goes", run: {||
            let steps = uninstall plan (settings)
            equal ($steps | first | get target) "kubeadm reset"
            equal ("/usr/local/bin/kubeadm" in ($steps | get target)) true
        }}
    ]
}
