#!/usr/bin/env python3
"""Files and manifests beside a bare handler and nginx: the same bytes, the same cores, rounds interleaved, medians."""

import argparse
import pathlib
import random
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

USERS, PLUGINS, RELEASES = 10_000, 20, 50
SIZES = {"2 KiB": 2048, "64 KiB": 65536, "1 MiB": 1048576}
SCRIPT = 300 * 1024
# `bare, like` gets the same request and answers with the same headers as Plugyard.
PEERS = ["bare", "bare, like", "nginx"]


def check(port, path, headers, expected, status=200, coding=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=dict(headers))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    wrong = answer.status != status or (expected is not None and body != expected) or answer.getheader("Content-Encoding") != coding
    if wrong or (status == 200 and int(answer.getheader("Content-Length")) != len(body)):
        sys.exit(f"wrong answer from {path}: {answer.status}, {len(body)} bytes, {answer.getheader('Content-Encoding')}")
    return answer, body


class Contest:
    """Contestants for the same job, measured in turns."""

    def __init__(self, options):
        self.options, self.rows = options, []

    def run(self, job, connections, contestants):
        """`contestants`: name -> (port, path, headers, script)."""
        if self.options.only and self.options.only not in job:
            return
        rates, tails = {name: [] for name in contestants}, {name: [] for name in contestants}
        for number in range(self.options.rounds):
            order = list(contestants)
            for name in order[number % len(order):] + order[: number % len(order)]:
                port, path, headers, script = contestants[name]
                rate, tail = wrk(port, path, connections, self.options.seconds, headers, script)
                rates[name].append(rate)
                tails[name].append(tail)
        against = {peer: median(rates[peer]) for peer in PEERS if peer in rates}
        for name in contestants:
            ratio = [f"{median(rates[name]) / against[peer]:.2f}" if peer in against else "" for peer in PEERS]
            late = median(tails[name])
            later = f"{late / median(tails['nginx']):.2f}" if "nginx" in tails else ""
            spread = f"{min(rates[name]):,.0f} to {max(rates[name]):,.0f}"
            self.rows.append([job, connections, name, f"{median(rates[name]):,.0f}", spread, *ratio, f"{late:.2f}", later])
            print(*self.rows[-1], sep=" | ", file=sys.stderr, flush=True)
        return {name: median(values) for name, values in rates.items()}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", help="only jobs whose name holds this")
    options.add_argument("--users", type=int, default=USERS)
    options = options.parse_args()
    build()
    with Work() as work:
        plain = work.folder / "files"
        plain.mkdir()
        contents = {f"{size}.js": text_of(size) for size in SIZES.values()} | {"script.js": text_of(SCRIPT, seed=5)}
        for name, content in contents.items():
            (plain / name).write_bytes(content)
        subprocess.run(["gzip", "-9", "-k", plain / "script.js"], check=True)

        server = work.plugyard()
        files = {f"dist/{name}": content for name, content in contents.items()}
        for number in range(RELEASES):
            server.publish(f"P{number}", files=files if number == 0 else {"dist/2048.js": contents["2048.js"]}, modules=5)
        ids, keys = server.fill(options.users, PLUGINS, RELEASES)
        server.start()
        # The first user has P0 among others.
        token = host_token(ids[0])
        bearer = [("Authorization", f"Bearer {token}")]
        key = hashlib.md5(b"key 0 P0").hexdigest()
        routes = {
            "/plugins": ("/api/v1/plugins/P0/dist/{}", bearer),
            "/public": (f"/api/v1/public/plugins/{key}.v1.0.0/dist/{{}}", []),
            "/files": ("/api/v1/files/P0/v1.0.0/dist/{}", []),
        }
        bare, nginx = work.bare(plain), work.nginx(plain)
        like = work.bare(plain, server.request("GET", routes["/plugins"][0].format("2048.js"), headers=bearer)[0])
        contest = Contest(options)

        for label, size in SIZES.items():
            name = f"{size}.js"
            contestants = {"bare": (bare, f"/{name}", [], None), "bare, like": (like, f"/{name}", bearer, None), "nginx": (nginx, f"/{name}", [], None)}
            contestants |= {route: (server.port, path.format(name), headers, None) for route, (path, headers) in routes.items()}
            tag = '"' + base64.b64encode(hashlib.sha384(contents[name]).digest()).decode() + '"'
            for who, (port, path, headers, _) in contestants.items():
                answer, _ = check(port, path, headers, contents[name])
                if who in routes and answer.getheader("ETag") != tag:
                    sys.exit(f"wrong tag from {path}: {answer.getheader('ETag')}")
            for connections in (32, 256):
                contest.run(label, connections, contestants)

        # 304.
        contestants = {"bare": (bare, "/unchanged/x", [], None), "bare, like": (like, "/unchanged/x", bearer, None)}
        tag = check(nginx, "/2048.js", [], contents["2048.js"])[0].getheader("ETag")
        contestants["nginx"] = (nginx, "/2048.js", [("If-None-Match", tag)], None)
        for route, (path, headers) in routes.items():
            tag = check(server.port, path.format("2048.js"), headers, contents["2048.js"])[0].getheader("ETag")
            contestants[route] = (server.port, path.format("2048.js"), [*headers, ("If-None-Match", tag)], None)
        for port, path, headers, _ in contestants.values():
            check(port, path, headers, b"", status=304)
        for connections in (32, 256):
            contest.run("304", connections, contestants)

        # br against gzip_static.
        path, headers = routes["/files"]
        wanted = [*headers, ("Accept-Encoding", "br")]
        for _ in range(600):
            answer = server.request("GET", path.format("script.js"), headers=wanted)[0]
            if answer.getheader("Content-Encoding") == "br":
                break
            time.sleep(0.1)
        _, small = check(server.port, path.format("script.js"), wanted, None, coding="br")
        _, larger = check(nginx, "/script.js", [("Accept-Encoding", "gzip")], None, coding="gzip")
        contestants = {"nginx": (nginx, "/script.js", [("Accept-Encoding", "gzip")], None)}
        contestants["/files"] = (server.port, path.format("script.js"), wanted, None)
        for connections in (32, 256):
            contest.run(f"300 KiB: br ({len(small):,} bytes) against gzip ({len(larger):,})", connections, contestants)

        # Everybody's keys at random, against one; both through the same script.
        one = routes["/public"][0].format("2048.js")
        slug_keys = [(f"/api/v1/public/plugins/{each}.v1.0.0/dist/2048.js", None, "") for each in keys]
        owned = []
        for number, user in enumerate(ids):
            each = host_token(user)
            owned += [(f"/api/v1/plugins/P{(number * 7 + n) % RELEASES}/dist/2048.js", each, "") for n in range(PLUGINS)]
        random.seed(1)
        some = random.sample(owned, min(len(owned), 40_000))
        warm(server, slug_keys + some)
        contest.run("2 KiB, one key or all at random", 32, {
            "one key": (server.port, "/", [], lua(work.folder, "one", [(one, None, "")])),
            f"{len(keys):,} keys": (server.port, "/", [], lua(work.folder, "keys", slug_keys)),
            "one token": (server.port, "/", [], lua(work.folder, "token", [(routes["/plugins"][0].format("2048.js"), token, "")])),
            f"{options.users:,} tokens": (server.port, "/", [], lua(work.folder, "tokens", some)),
        })

        # Manifests: 20 plugins with 100 modules.
        path = "/api/v1/plugins/manifest/designer"
        answer, body = server.request("GET", path, token)
        (plain / "manifest.js").write_bytes(body)
        peer = work.bare(plain, answer)
        tag = answer.getheader("ETag")
        unchanged = [*bearer, ("If-None-Match", tag)]
        check(server.port, path, unchanged, b"", status=304)
        contest.run("manifest/designer 304", 32, {"bare, like": (peer, "/unchanged/x", unchanged, None), "plugyard": (server.port, path, unchanged, None)})
        contest.run("manifest/designer 200", 32, {"bare, like": (peer, "/manifest.js", bearer, None), "plugyard": (server.port, path, bearer, None)})

        hits = server.request("GET", "/metrics")[1].decode()
        kept = ", ".join(sorted(line.split("{cache=")[1].replace('"', "").replace("}", ":") for line in hits.splitlines() if line.startswith("plugyard_cache_hits")))
        head = ["request", "connections", "who", "requests/s", "from to", *(f"x {peer}" for peer in PEERS), "p99 ms", "x nginx's"]
        settings = f"{options.rounds} rounds of {options.seconds} s in turns, medians; {options.users:,} users x {PLUGINS} plugins of {RELEASES} releases on SQLite"
        write_section("files", f"{versions('rustc', 'nginx', 'wrk')}. {settings}. Cache hits: {kept}.\n\n{table(head, contest.rows)}")


def warm(server, requests):
    """Asks for everything once."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for path, token, _ in requests:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        if answer.status != 200 or len(answer.read()) != 2048:
            sys.exit(f"{path}: {answer.status}")


if __name__ == "__main__":
    main()
