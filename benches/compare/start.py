#!/usr/bin/env python3
"""From the start of the process to the first answers, at three sizes."""

import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

SIZES = [(10, 100), (100, 1_000), (1_000, 10_000)]
ROUNDS = 5


def main():
    build()
    rows, firsts = [], []
    for releases, users in SIZES:
        with Work() as work:
            server = work.plugyard()
            for number in range(releases):
                server.publish(f"P{number}")
            ids, _ = server.fill(users, 20, releases)
            token = host_token(ids[-1])
            slug = f"P{((users - 1) * 7) % releases}"
            ready, file, manifest = [], [], []
            for _ in range(ROUNDS):
                begin = time.perf_counter()
                server.start()
                server.request("GET", "/readyz")
                ready.append(time.perf_counter() - begin)
                server.request("GET", f"/api/v1/plugins/{slug}/dist/index.js", token)
                file.append(time.perf_counter() - begin)
                server.request("GET", "/api/v1/plugins/manifest", token)
                manifest.append(time.perf_counter() - begin)
                server.stop()
            rows.append([f"{releases:,}", f"{users:,} x 20", *(f"{median(times) * 1000:.0f}" for times in (ready, file, manifest))])
            firsts.append(median(file))
    exponent = math.log(firsts[-1] / firsts[0]) / math.log(SIZES[-1][1] / SIZES[0][1])
    head = ["releases", "installations", "ready, ms", "first file, ms", "first manifest, ms"]
    settings = f"medians of {ROUNDS} starts on SQLite, counted from the start of the process"
    write_section("start", f"{versions('rustc')}; {settings}. Growth of the first file with the size: exponent {exponent:.2f} (goal: below 1 s, exponent at most 1).\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
