#!/usr/bin/env bash
# Publishes archives to the npm registry: `npm.sh [--dry-run] ARCHIVE…`. What is there already is left
# alone, so that a release that was interrupted goes on; at the end all of it can be found.
set -euo pipefail

dry_run=()
if [[ $1 == --dry-run ]]; then dry_run=(--dry-run); shift; fi

name_of() { tar -xOf "$1" package/package.json | jq -r '.name + "@" + .version'; }

for archive; do
    name=$(name_of "$archive")
    if npm view "$name" version >/dev/null 2>&1; then
        echo "$name is there already"
    else
        npm publish "${dry_run[@]}" --access public "$archive"
    fi
done

[[ ${#dry_run[@]} -eq 0 ]] || exit 0
# The registry takes a while to show what it has taken.
for archive; do
    name=$(name_of "$archive")
    for attempt in {1..60}; do
        npm view "$name" version >/dev/null 2>&1 && continue 2
        echo "waiting for $name ($attempt)"
        sleep 10
    done
    echo "$name was published, and is not to be found" >&2
    exit 1
done
