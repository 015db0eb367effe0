#!/usr/bin/env bash
# Publishes an archive of about 100 MiB that does not compress, and prints how much the server's peak memory (VmHWM) grew.
# Exit status 1 above the limit of 64 MiB. Linux alone keeps that figure.
#
#   benches/publish-memory.sh
#
# Builds the release program and runs it on loopback in a temporary folder.
set -euo pipefail

readonly LIMIT_MIB=64
# Below the setting max_archive, which the archive's own headers count against.
readonly FILES=99

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo build --release --quiet
plugyard=$(realpath "${CARGO_TARGET_DIR:-target}")/release/plugyard

work=$(mktemp -d)
server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$work"
}
trap stop EXIT
cd "$work"

# $1: version, $2: number of files of 1 MiB.
pack() {
    local number
    mkdir -p "v$1"
    for ((number = 0; number < $2; number++)); do
        head -c 1048576 /dev/urandom >"v$1/$number.bin"
    done
    printf '{"id": "Large", "version": "%s"}' "$1" >"v$1/plugin.json"
    tar -czf "$1.tar.gz" "v$1"
    rm -r "v$1"
}

publish() {
    curl -fsS -H "Authorization: Bearer $token" -H 'Expect:' -T "$1.tar.gz" -X POST "$address/api/v1/releases" >answer
    grep -q "\"version\":\"$1\"" answer
}

peak_kib() {
    awk '/^VmHWM:/ { print $2 }' "/proc/$server/status"
}

pack 1.0.0 1
pack 2.0.0 "$FILES"

"$plugyard" serve --listen 127.0.0.1:0 >out 2>err &
server=$!
until grep -q '^listening on ' out; do
    kill -0 "$server" || { cat err >&2; exit 1; }
    sleep 0.1
done
address=$(sed -n 's/^listening on //p' out)
token=$("$plugyard" token create bench --user admin --scope publish)

# The first publish warms up what stays: threads, connections, prepared statements.
publish 1.0.0
# Else the peak of the password hashing at the start would hide what publishing takes.
echo 5 >"/proc/$server/clear_refs"
before=$(peak_kib)
publish 2.0.0
after=$(peak_kib)

size=$(stat -c %s 2.0.0.tar.gz)
growth=$((after - before))
printf 'archive %d MiB: VmHWM %d KiB before, %d KiB after, growth %d.%d MiB (limit %d MiB)\n' \
    "$((size / 1048576))" "$before" "$after" "$((growth / 1024))" "$((growth % 1024 * 10 / 1024))" "$LIMIT_MIB"
[ "$growth" -lt "$((LIMIT_MIB * 1024))" ]
