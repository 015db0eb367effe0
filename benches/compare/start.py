#!/usr/bin/env python3
"""From the start of the process to the first answers, at three sizes."""

import math
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

SIZES = [(20, 100), (100, 1_000), (1_000, 10_000)]
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
                _, script = server.request("GET", f"/api/v1/plugins/{slug}/dist/index.js", token)
                file.append(time.perf_counter() - begin)
                _, body = server.request("GET", "/api/v1/plugins/manifest", token)
                manifest.append(time.perf_counter() - begin)
                if script != b"export default 1;\n" or len(json.loads(body)) != 20:
                    sys.exit("a wrong answer")
                server.stop()
            firsts.append(median(file))
            step = math.log(firsts[-1] / firsts[-2]) / math.log(users / rows[-1][1]) if rows else None
            times = [f"{median(times) * 1000:.0f}" for times in (ready, file, manifest)]
            rows.append([f"{releases:,}", users, *times, f"{step:.2f}" if step is not None else ""])
    head = ["releases", "users with 20 plugins", "ready, ms", "first file, ms", "first manifest, ms", "exponent"]
    settings = f"medians of {ROUNDS} starts on SQLite, counted from the start of the process; the exponent is that of the first file over the users"
    write_section("start", f"{versions('rustc')}; {settings}. Goals: below 1 s, exponents at most 1.\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
