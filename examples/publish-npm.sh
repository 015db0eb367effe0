#!/usr/bin/env bash
# Publishes well-known npm packages, installs each for two users, and checks that both get every file of it unchanged.
# Prints one line per package; exit status 1 when anything differs or fails.
#
#   examples/publish-npm.sh [PACKAGE...]      default: chart.js preact monaco-editor
#
# Packages are named without a scope, with a version if wanted (chart.js@4.5.0). What the environment says:
#
#   PLUGYARD                       the command, default `plugyard`
#   PLUGYARD_SERVER                the server, on this machine; default http://127.0.0.1:8420
#   PLUGYARD_TOKEN                 an administrator's token; without it the commands work on the local database
#   USER_A, USER_B                 names of the two users, who exist; default ann and ben
#   USER_A_TOKEN, USER_B_TOKEN     their tokens with the scope `read`; made for a day when absent
#
# Needs bash, npm, tar, and Node 18 or newer.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
read -r -a plugyard <<<"${PLUGYARD:-plugyard}"
server=${PLUGYARD_SERVER:-http://127.0.0.1:8420}
user_a=${USER_A:-ann}
user_b=${USER_B:-ben}
if [ $# -eq 0 ]; then
    set -- chart.js preact monaco-editor
fi

if ! [[ $server =~ ^https?://(127\.[0-9]+\.[0-9]+\.[0-9]+|localhost|\[::1\])(:[0-9]+)?/?$ ]]; then
    echo "PLUGYARD_SERVER is $server: this check is meant for a server on this machine" >&2
    exit 2
fi

if [ -z "${PLUGYARD_TOKEN:-}" ]; then
    # With a server but no token the commands would ask that server, which knows nobody without one.
    unset PLUGYARD_SERVER
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

read_token() {
    "${plugyard[@]}" token create check --user "$1" --scope read --expires 1d
}

# Packs, publishes and installs one package, then compares. Every command's success counts, so `check` runs in a subshell
# with its own `errexit`, not as a condition, where bash would switch that off.
check() {
    local package=$1 folder tarball slug version user
    folder=$(mktemp -d "$work/XXXXXX")
    tarball=$folder/$(cd "$folder" && npm pack --loglevel error --ignore-scripts "$package")
    mkdir "$folder/files"
    tar -xzf "$tarball" -C "$folder/files" --strip-components=1
    slug=$(field "$folder/files/package.json" name)
    version=$(field "$folder/files/package.json" version)

    "${plugyard[@]}" publish "$tarball" >"$folder/log"
    for user in "$user_a" "$user_b"; do
        "${plugyard[@]}" plugins install "$slug@$version" --user "$user" >>"$folder/log"
    done
    node "$here/verify-files.mjs" "$server" "$slug" "$version" "$folder/files"
}

field() {
    node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))[process.argv[2]]' "$1" "$2"
}

USER_A_TOKEN=${USER_A_TOKEN:-$(read_token "$user_a")}
USER_B_TOKEN=${USER_B_TOKEN:-$(read_token "$user_b")}
export USER_A_TOKEN USER_B_TOKEN

failed=0
for package in "$@"; do
    set +e
    (
        set -e
        check "$package"
    )
    status=$?
    set -e
    if [ "$status" -ne 0 ]; then
        echo "$package: FAILED" >&2
        failed=1
    fi
done
exit "$failed"
