#!/usr/bin/env python3
"""Disk and resident memory: users of one release, and many users of many."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

RELEASE = 8 << 20
COUNTS = [1, 50, 500]


def disk(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def ask_for_all(server, ids, plugins, releases, path="dist/index.js", expected=b"export default 1;\n"):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for number, user in enumerate(ids):
        token = host_token(user)
        for n in range(plugins):
            connection.request("GET", f"/api/v1/plugins/P{(number * 7 + n) % releases}/{path}", headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            if answer.read() != expected or answer.status != 200:
                sys.exit(f"{answer.status} for user {number}")
        connection.request("GET", "/api/v1/plugins/manifest", headers={"Authorization": f"Bearer {token}"})
        if len(json.loads(connection.getresponse().read())) != plugins:
            sys.exit(f"a wrong manifest for user {number}")
        for slug in range(plugins):
            key = hashlib.md5(f"key {number} P{(number * 7 + slug) % releases}".encode()).hexdigest()
            connection.request("GET", f"/api/v1/public/plugins/{key}/{path}")
            answer = connection.getresponse()
            if answer.read() != expected or answer.status != 200:
                sys.exit(f"{answer.status} for key {number}")


def main():
    build()
    rows = []
    for users in COUNTS:
        with Work() as work:
            server = work.plugyard()
            # In files that are kept in memory, and of which no copies are made.
            files = {f"dist/f{n}.png": os.urandom(1 << 19) for n in range(RELEASE >> 19)}
            server.publish("P0", files=files)
            ids, _ = server.fill(users, 1, 1)
            server.start()
            # What the first requests need by themselves.
            ask_for_all(server, ids[:1], 1, 1)
            empty = server.status("VmRSS")
            for name in files:
                server.request("GET", f"/api/v1/files/P0/v1.0.0/{name}")
            one = server.status("VmRSS")
            ask_for_all(server, ids, 1, 1, "dist/f0.png", files["dist/f0.png"])
            everybody = server.status("VmRSS")
            release = disk(server.home / "plugins/shared")
            used = disk(server.home / "plugins")
            saved = 1 - used / (release * users)
            growth = (everybody - one) * 1024 / (users * max(1, one - empty) * 1024)
            rows.append([users, f"{used / 2**20:.1f}", f"{saved:.2%}", f"{empty / 1024:.1f}", f"{(one - empty) / 1024:.1f}", f"{(everybody - one) / 1024:.1f}", f"{growth:.2%}"])
    head = ["users of one 8 MiB release", "disk MiB", "saved against a copy each (goal at 50: 98 %, records counted)", "resident MiB at start", "the release's files in memory", "all users asked", "of that many copies in memory (goal at 500: 0.2 %)"]
    text = table(head, rows)
    with Work() as work:
        server = work.plugyard()
        for number in range(50):
            server.publish(f"P{number}")
        ids, keys = server.fill(10_000, 20, 50)
        server.start()
        before = server.status("VmRSS")
        ask_for_all(server, ids, 20, 50)
        text += "\n\n" + table(
            ["10,000 users x 20 plugins of 50 releases", "resident MiB"],
            [["at start", f"{before / 1024:.1f}"], [f"all {len(keys):,} asked by token and by key (goal: below 150)", f"{server.status('VmRSS') / 1024:.1f}"], ["highest", f"{server.status('VmHWM') / 1024:.1f}"]],
        )
    write_section("memory", f"{versions('rustc')}.\n\n{text}")


if __name__ == "__main__":
    main()
