#!/usr/bin/env bash
# Publishes the crates, what others need first. A version that is there already is left alone, so that
# a release that was interrupted goes on.
set -euo pipefail

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
for crate in vambe vambe-emulator vambe-import vambe-cli; do
    if cargo info --quiet "$crate@$version" >/dev/null 2>&1; then
        echo "$crate $version is there already"
    else
        # It has been built from its package before; cargo waits until it can be found.
        cargo publish --locked --no-verify --package "$crate"
    fi
done
