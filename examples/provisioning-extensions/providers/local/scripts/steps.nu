# Settings, templates and the steps of a plan.
#
# A plan is a list of records, each with `do` (the kind of step) and `target` (what it acts on). Making a plan
# touches nothing; `apply` compares every step with the machine and performs only what differs. Since each package
# is installed alone, this file is part of every one of them, byte for byte the same.

# Settings from a JSON, TOML or YAML file over the defaults.
# A default of null makes a key required; a default of {} lets a record hold any keys; other unknown keys are refused.
export def read-settings [file: path, defaults: record]: nothing -> record {
    if not ($file | path exists) {
        error make --unspanned {msg: $"no settings file at ($file)", help: "pass --config with a JSON, TOML or YAML file"}
    }
    let given = try { open $file } catch {|e|
        error make --unspanned {msg: $"($file) cannot be parsed: ($e.msg)"}
    }
    if (type-of $given) != "record" {
        error make --unspanned {msg: $"($file) does not hold a record of settings", help: "its name must end in .json, .toml or .yaml"}
    }
    let unknown = unknown-keys $given $defaults
    if ($unknown | is-not-empty) {
        error make --unspanned {msg: $"($file) has unknown settings: ($unknown | str join ', ')", help: $"known: ($defaults | columns | str join ', ')"}
    }
    let mistyped = mistyped-keys $given $defaults
    if ($mistyped | is-not-empty) {
        error make --unspanned {msg: $"($file) has settings of another type: ($mistyped | str join ', ')"}
    }
    let settings = $defaults | merge deep --strategy=overwrite $given
    let missing = missing-keys $settings
    if ($missing | is-not-empty) {
        error make --unspanned {msg: $"($file) lacks settings: ($missing | str join ', ')"}
    }
    $settings
}

# Keys, as dotted paths, that stand in a record but not in its defaults.
export def unknown-keys [given: record, defaults: record, prefix: string = ""]: nothing -> list<string> {
    if ($defaults | is-empty) { return [] }
    $given | items {|key, value|
        let known = $key in ($defaults | columns)
        if not $known { return [$"($prefix)($key)"] }
        let default = $defaults | get $key
        if (type-of $value) != "record" or (type-of $default) != "record" { return [] }
        unknown-keys $value $default $"($prefix)($key)."
    } | flatten
}

# Keys whose value is of another type than their default, each with what it is and what it should be.
export def mistyped-keys [given: record, defaults: record, prefix: string = ""]: nothing -> list<string> {
    if ($defaults | is-empty) { return [] }
    $given | items {|key, value|
        let default = $defaults | get $key
        let is = type-of $value
        let wanted = type-of $default
        if $wanted == "nothing" { return [] }
        if $is != $wanted { return [$"($prefix)($key) is ($is), not ($wanted)"] }
        if $is == "record" { mistyped-keys $value $default $"($prefix)($key)." } else { [] }
    } | flatten
}

# Keys, as dotted paths, that are still null.
export def missing-keys [settings: record, prefix: string = ""]: nothing -> list<string> {
    $settings | items {|key, value|
        if $value == null { return [$"($prefix)($key)"] }
        if (type-of $value) == "record" { missing-keys $value $"($prefix)($key)." } else { [] }
    } | flatten
}

# A table is a list of records, whatever it is called.
def type-of [value: any]: nothing -> string {
    $value | describe --detailed | get type | str replace "table" "list"
}

# Fails with every complaint at once; each rule is {ok: bool, says: string}.
export def require [rules: list<record<ok: bool, says: string>>]: nothing -> nothing {
    let broken = $rules | where not ok | get says
    if ($broken | is-not-empty) {
        error make --unspanned {msg: ($broken | str join "; "), help: "correct the settings and run again; nothing was changed"}
    }
}

# A rule that holds when the text is 64 lower-case hexadecimal digits.
export def sha256-rule [name: string, value: string]: nothing -> record<ok: bool, says: string> {
    {ok: ($value =~ '\A[0-9a-f]{64}\z'), says: $"($name) must be 64 lower-case hexadecimal digits"}
}

# A rule that holds for https addresses, and for file addresses where a site brings its own archives.
export def url-rule [name: string, value: string]: nothing -> record<ok: bool, says: string> {
    {ok: ($value =~ '\A(https://[a-z0-9.-]+(:[0-9]+)?/|file:///)[^\s"]+\z'), says: $"($name) must be an https:// or file:/// address"}
}

# Splits linux/amd64 into {os, arch}; refuses what is not in the list.
export def parse-platform [supported: list<string>]: string -> record<os: string, arch: string> {
    let platform = $in
    if $platform not-in $supported {
        error make --unspanned {msg: $"platform ($platform) is not supported", help: $"supported: ($supported | str join ', ')"}
    }
    $platform | parse "{os}/{arch}" | first
}

# Fills {{ name }} in a template; a name without a value is an error, so no placeholder ever reaches a machine.
export def render [values: record]: string -> string {
    let template = $in
    let names = $template | parse --regex '\{\{\s*(?<name>[a-z0-9_]+)\s*\}\}' | get name | uniq
    let absent = $names | where {|name| $name not-in ($values | columns) }
    if ($absent | is-not-empty) {
        error make --unspanned {msg: $"the template has no value for ($absent | str join ', ')"}
    }
    # One pass over the pieces: text that a value brings along is never taken for a placeholder.
    let pieces = $template | split row --regex '\{\{\s*[a-z0-9_]+\s*\}\}'
    let fills = $template | parse --regex '\{\{\s*(?<name>[a-z0-9_]+)\s*\}\}' | get name | each {|name| $values | get $name | into string }
    $pieces | zip ($fills | append "") | flatten | str join
}

# A path below another root, for building images and for trials that must not touch this machine.
export def at [root: path]: string -> string {
    if $root == "/" { $in } else { ($root | str trim --right --char '/') + $in }
}

# Compares each step with the machine and performs what differs. With --dry-run nothing is written.
# Below another root, accounts, units and commands belong to the machine and are skipped.
export def apply [steps: list<any>, --root: path = "/", --dry-run]: nothing -> list<any> {
    $steps | reduce --fold [] {|step, done|
        let changed = $done | any {|d| $d.outcome in ["changed" "pending"] }
        let outcome = if $root != "/" and $step.do in ["user" "unit" "run"] {
            "skipped"
        } else if not (is-pending $step $root $changed) {
            "unchanged"
        } else if $dry_run {
            "pending"
        } else {
            perform $step $root $changed
            "changed"
        }
        $done | append ($step | insert outcome $outcome)
    }
}

# What a caller gets back: the steps without the text of files, which a digest stands for.
export def report [extension: string, version: string, steps: list<any>, --dry-run]: nothing -> record {
    {
        extension: $extension
        version: $version
        dry_run: $dry_run
        changed: ($steps | any {|s| $s.outcome == "changed" })
        steps: ($steps | each {|s|
            if "content" in $s { $s | insert sha256 ($s.content | hash sha256) | reject content } else { $s }
        })
    }
}

# Files and directories of a plan that no longer are as the plan wants them.
export def drift [steps: list<any>, --root: path = "/"]: nothing -> list<string> {
    $steps
    | where do in ["file" "directory" "unpack" "link"]
    | where {|s| is-pending $s $root false }
    | get target
}

# Whether the machine differs from what a step asks for. Only reads.
export def is-pending [step: record, root: path, changed: bool]: nothing -> bool {
    let target = $step.target | at $root
    match $step.do {
        "directory" => (not ($target | path exists))
        "file" => (not ($target | path exists) or (open --raw $target | decode utf-8) != $step.content)
        "download" => (not (has-digest $target $step.sha256))
        "unpack" => {
            let stamp = $step.stamp | at $root
            not ($stamp | path exists) or (open --raw $stamp | decode utf-8 | str trim) != $step.sha256
        }
        "link" => (($target | link-target) != $step.to)
        "remove" => ($target | path exists --no-symlink)
        "user" => ($step.target not-in (open --raw /etc/passwd | decode utf-8 | lines | split column ":" | get column0))
        "unit" => {
            let active = succeeds [systemctl is-active --quiet $step.target]
            if $step.state == "stopped" { $active } else { $changed or not $active }
        }
        "run" => {
            if "creates" in $step { return (not ($step.creates | at $root | path exists)) }
            if "unless" in $step { return (not (succeeds $step.unless)) }
            if ($step.on_change? | default false) { $changed } else { true }
        }
        _ => (error make --unspanned {msg: $"no such step: ($step.do)"})
    }
}

# What a symbolic link points to; nothing when there is none.
def link-target []: string -> any {
    let link = $in
    if ($link | path type) == "symlink" { ls --long $link | get --optional 0.target } else { null }
}

# Whether a program is there and ends with 0; its output is of no interest.
export def succeeds [command: list<string>]: nothing -> bool {
    try { (run-external ...$command | complete).exit_code == 0 } catch { false }
}

# Whether a file exists and has the digest.
export def has-digest [file: path, sha256: string]: nothing -> bool {
    ($file | path exists) and (open --raw $file | hash sha256) == $sha256
}

def perform [step: record, root: path, changed: bool]: nothing -> nothing {
    let target = $step.target | at $root
    match $step.do {
        "directory" => {
            mkdir $target
            ^chmod ($step.mode? | default "0755") $target
            own $step $target $root
        }
        "file" => {
            mkdir ($target | path dirname)
            let fresh = $"($target).new"
            # Never readable by others for a moment, never half written under its own name.
            "" | save --raw --force $fresh
            ^chmod ($step.mode? | default "0644") $fresh
            own $step $fresh $root
            $step.content | save --raw --force $fresh
            mv --force $fresh $target
        }
        "download" => {
            mkdir ($target | path dirname)
            let part = $"($target).part"
            if ($step.url | str starts-with "file://") {
                cp ($step.url | str replace "file://" "") $part
            } else {
                http get --raw --max-time 10min $step.url | save --raw --force $part
            }
            let actual = open --raw $part | hash sha256
            if $actual != $step.sha256 {
                rm $part
                error make --unspanned {
                    msg: $"($step.url) has SHA-256 ($actual), the settings say ($step.sha256)"
                    help: "compare with the sum its publisher gives; the file was deleted and nothing was unpacked"
                }
            }
            ^chmod ($step.mode? | default "0644") $part
            mv --force $part $target
        }
        "unpack" => {
            let archive = $step.archive | at $root
            if not (has-digest $archive $step.sha256) {
                error make --unspanned {msg: $"($archive) changed between download and unpacking"}
            }
            mkdir $target
            if ($archive | str ends-with ".zip") {
                ^unzip -q -o $archive -d $target
            } else {
                ^tar --extract --file $archive --directory $target --no-same-owner --strip-components ($step.strip? | default 0) ...($step.members? | default [])
            }
            let stamp = $step.stamp | at $root
            mkdir ($stamp | path dirname)
            $"($step.sha256)\n" | save --raw --force $stamp
        }
        "link" => {
            mkdir ($target | path dirname)
            ^ln --symbolic --force --no-dereference $step.to $target
        }
        "remove" => { rm --recursive --force $target }
        "user" => { tell [useradd --system --no-create-home --home-dir $step.home --shell /usr/sbin/nologin $step.target] }
        "unit" => {
            if $step.state == "stopped" {
                tell [systemctl disable --now $step.target]
            } else {
                tell [systemctl daemon-reload]
                tell [systemctl enable $step.target]
                tell [systemctl (if $changed { "restart" } else { "start" }) $step.target]
            }
        }
        "run" => { tell $step.command }
    }
}

# Runs a program whose output belongs on standard error: standard output is for the report alone.
def tell [command: list<string>]: nothing -> nothing {
    let result = run-external ...$command | complete
    for text in [$result.stdout $result.stderr] {
        if ($text | is-not-empty) { print --stderr ($text | str trim --right) }
    }
    if $result.exit_code != 0 {
        error make --unspanned {msg: $"($command | str join ' ') ended with ($result.exit_code)"}
    }
}

def own [step: record, target: string, root: path]: nothing -> nothing {
    if "owner" in $step and $root == "/" { ^chown $step.owner $target }
}

# The answer of a check: healthy only when every probe passed.
export def health [extension: string, probes: list<record<name: string, ok: bool, detail: string>>]: nothing -> record {
    {extension: $extension, healthy: ($probes | all {|p| $p.ok }), probes: $probes}
}

# Runs a program for a probe; one that is not installed is an answer, not a crash.
export def probe [name: string, command: list<string>, judge: closure]: nothing -> record<name: string, ok: bool, detail: string> {
    if (which $command.0 | is-empty) { return {name: $name, ok: false, detail: $"($command.0) is not installed"} }
    let result = run-external ...$command | complete
    if $result.exit_code != 0 {
        return {name: $name, ok: false, detail: $"($command | str join ' ') ended with ($result.exit_code): ($result.stderr | str trim)"}
    }
    do $judge ($result.stdout | str trim)
    | {name: $name, ok: $in.ok, detail: $in.detail}
}
