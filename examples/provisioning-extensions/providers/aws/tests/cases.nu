# Runs named cases and tells which failed. Byte for byte the same in every extension.

# Runs all cases, prints one line each and ends the process with 1 when any failed.
export def run-cases [cases: list<record<name: string, run: closure>>]: nothing -> nothing {
    let results = $cases | each {|case|
        try {
            do $case.run
            {name: $case.name, ok: true, why: ""}
        } catch {|e|
            {name: $case.name, ok: false, why: $"($e.msg) ($e.rendered? | default '')"}
        }
    }
    for r in $results {
        print (if $r.ok { $"ok    ($r.name)" } else { $"FAIL  ($r.name)\n      ($r.why)" })
    }
    let failed = $results | where not ok | length
    print $"($results | length) cases, ($failed) failed"
    if $failed > 0 or ($results | is-empty) { exit 1 }
}

# Fails with both values shown.
export def equal [actual: any, expected: any]: nothing -> nothing {
    if $actual != $expected {
        error make --unspanned {msg: $"got ($actual | to nuon), expected ($expected | to nuon)"}
    }
}

# Fails unless the text holds the part.
export def contains [text: string, part: string]: nothing -> nothing {
    if not ($text | str contains $part) {
        error make --unspanned {msg: $"($text | to nuon) does not hold ($part | to nuon)"}
    }
}

# Fails unless the closure fails with a message that holds the part.
export def refuses [action: closure, part: string]: nothing -> nothing {
    let message = try { do $action | ignore; null } catch {|e| $e.msg }
    if $message == null { error make --unspanned {msg: $"was not refused; expected: ($part)"} }
    contains $message $part
}

# Calls the closure with a fresh directory and removes it afterwards.
export def in-scratch [action: closure]: nothing -> nothing {
    let scratch = mktemp --directory
    try { do $action $scratch } catch {|e|
        rm --recursive --force $scratch
        error make --unspanned {msg: $e.msg}
    }
    rm --recursive --force $scratch
}
