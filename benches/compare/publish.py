#!/usr/bin/env python3
"""Publishing a large package beside unpacking and hashing it by hand, the memory that takes, and installing it for everybody."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

FILES = 2_000
FILE = 25 << 10
USERS = 1_000
ROUNDS = 5
BY_HAND = "unzip -q package.zip -d out && sync -f out && find out -type f -print0 | xargs -0 sha384sum >sums"


def package(version):
    """About 50 MiB that do not shrink."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("plugin.json", json.dumps({"id": "Large", "name": "Large", "version": version, "bundlelocation": "dist/0.js"}))
        for number in range(FILES):
            archive.writestr(f"dist/{number}.js", os.urandom(FILE))
    return packed.getvalue()


def seconds(work):
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def by_hand(folder, content):
    folder.mkdir()
    (folder / "package.zip").write_bytes(content)
    took = seconds(lambda: subprocess.run(BY_HAND, shell=True, cwd=folder, check=True))
    if len((folder / "sums").read_text().splitlines()) != FILES + 1:
        sys.exit("not every file was hashed")
    shutil.rmtree(folder)
    return took


def publish(server, version, content):
    # What the peak was before, above all by hashing a password, is nothing of publishing.
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    before = server.status("VmHWM")
    took = seconds(lambda: server.request("POST", "/api/v1/releases", server.admin(), content))
    growth = (server.status("VmHWM") - before) / 1024
    files = json.loads(server.request("GET", f"/api/v1/releases/Large/{version}/files", server.admin())[1])["items"]
    if len(files) != FILES + 1:
        sys.exit(f"{len(files)} files were published")
    return took, growth


def main():
    build()
    with Work() as work:
        server = work.plugyard()
        # Threads, connections and statements stay.
        publish(server, "0.0.1", package("0.0.1"))
        hand, own, growth = [], [], []
        for number in range(ROUNDS):
            content = package(f"1.0.{number}")
            hand.append(by_hand(work.folder / "hand", content))
            took, grown = publish(server, f"1.0.{number}", content)
            own.append(took)
            growth.append(grown)
        server.fill(USERS, 0, 1)
        server.start()
        bulk = []
        for number in range(ROUNDS):
            server.publish(f"Bulk{number}")
            begin = time.perf_counter()
            _, answer = server.request("POST", f"/api/v1/releases/Bulk{number}/install-all", server.admin(), {})
            bulk.append(time.perf_counter() - begin)
            # With the administrator.
            if json.loads(answer)["done"] != USERS + 1:
                sys.exit(f"a wrong answer: {answer[:300]}")
    rows = [
        [f"publish {FILES:,} files, {len(content) / 2**20:.0f} MiB", f"{median(own):.2f} s", f"{median(own) / median(hand):.2f}", "1.5"],
        ["`unzip`, `sync -f`, `sha384sum` of the same", f"{median(hand):.2f} s", "1.00", ""],
        ["growth of the highest resident memory by that", f"{max(growth):.1f} MiB", "", "64 MiB"],
        [f"install for {USERS:,} users", f"{median(bulk):.2f} s", "", "2 s"],
    ]
    head = ["what", "median, or most", "x by hand", "goal, at most"]
    write_section("publish", f"{versions('rustc')}; {ROUNDS} rounds in turns on SQLite.\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
