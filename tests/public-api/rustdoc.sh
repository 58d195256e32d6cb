#!/bin/sh
# rustdoc as JSON, which is unstable and so has to be allowed. Allowed here alone: set for
# cargo, the variable would have every build script run again.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@" -Zunstable-options --output-format json
