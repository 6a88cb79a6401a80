#!/usr/bin/env nu
# Takes Kubernetes off a node. Refused while pods may still run there, unless --force is given.

use steps.nu *
use install.nu

const manifest = path self ../manifest.yaml

# The steps back: kubeadm undoes what it did while its program is still there, then files go.
export def plan [settings: record]: nothing -> list<any> {
    install check-settings $settings
    let gone = [
        "/etc/systemd/system/kubelet.service"
        "/etc/systemd/system/kubelet.service.d"
        "/etc/kubernetes"
        "/etc/modules-load.d/kubernetes.conf"
        "/etc/sysctl.d/90-kubernetes.conf"
        "/var/lib/kubelet"
        ...([kubeadm kubectl kubelet] | each {|p| $"/usr/local/bin/($p)" })
        "/var/lib/provisioning/kubernetes.sha256"
    ]
    [
        {do: "run", target: "kubeadm reset", command: [kubeadm reset --force --cri-socket unix:///run/containerd/containerd.sock], unless: [test ! -e /etc/kubernetes/kubelet.conf]}
        {do: "unit", target: "kubelet.service", state: "stopped"}
        ...($gone | each {|path| {do: "remove", target: $path} })
    ]
}

# Pods, without those of daemon sets and static ones, that `kubectl get pods --output json` lists.
export def evictable []: string -> list<string> {
    $in
    | from json
    | get items
    | where {|pod| ($pod.metadata.ownerReferences? | default [] | get --optional 0.kind | default "") not-in ["DaemonSet" "Node"] }
    | each {|pod| $"($pod.metadata.namespace)/($pod.metadata.name)" }
}

def main [
    --config: path = "settings.toml" # the settings the machine was installed with
    --root: path = "/" # uninstall below another root
    --force # go on although pods run here
    --dry-run # compare only
] {
    let settings = read-settings $config $install.defaults
    if $root == "/" and not $force {
        let listed = try {
            ^kubectl --kubeconfig /etc/kubernetes/admin.conf get pods --all-namespaces --field-selector $"spec.nodeName=($settings.node.name)" --output json | complete
        } catch { {exit_code: 127, stdout: ""} }
        let pods = if $listed.exit_code == 0 { $listed.stdout | evictable } else { [] }
        require [
            {ok: ($listed.exit_code == 0), says: "the pods of this node cannot be listed; drain it from a control plane, then give --force"}
            {ok: ($pods | is-empty), says: $"pods run here: ($pods | str join ', '); drain the node first"}
        ]
    }
    let steps = apply (plan $settings) --root $root --dry-run=$dry_run
    report "kubernetes" (open $manifest | get version) $steps --dry-run=$dry_run | to json
}
