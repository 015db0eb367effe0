#!/usr/bin/env python3
"""A load that clients have on bad days: slow readers (1 KiB/s), broken connections, updates and revocations, while others
read and compare every byte. Fails on a wrong byte, and on memory or file descriptors that keep growing."""

import argparse
import asyncio
import gzip
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

USERS, FAST, SLOW, BROKEN = 40, 16, 48, 8
# Files that may be open beside the idle ones: the pool's connections to the database, opened when they are needed.
ROOM = 8 + 2 * 16
FILES = {"dist/small.js": 2048, "dist/medium.js": 65536, "dist/large.js": 1 << 20, "dist/huge.bin": 5 << 20}
VERSIONS = ["1.0.0", "2.0.0"]


def content(version, path):
    return text_of(FILES[path], seed=len(version + path) + VERSIONS.index(version) * 1000)


class Soak:
    def __init__(self, server, options, ids):
        self.server, self.options, self.ids = server, options, ids
        self.tokens = {user: host_token(user) for user in ids}
        self.contents = {path: {version: content(version, path) for version in VERSIONS} for path in FILES}
        self.latencies, self.counts, self.wrong = [], {}, []
        self.end = 0.0

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def running(self):
        return time.monotonic() < self.end

    def head(self, user, path, extra=""):
        return (
            f"GET /api/v1/plugins/P0/{path} HTTP/1.1\r\nHost: soak\r\nAuthorization: Bearer {self.tokens[user]}\r\n{extra}\r\n"
        ).encode()

    async def answer(self, reader, pace=None):
        lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)).decode().split("\r\n")
        status = int(lines[0].split()[1])
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        length = 0 if status == 304 else int(headers.get("content-length", 0))
        body = bytearray()
        while len(body) < length:
            piece = await asyncio.wait_for(reader.read(min(length - len(body), pace or 65536)), 120)
            if not piece:
                raise ConnectionError("the answer ended early")
            body += piece
            if pace:
                await asyncio.sleep(1)
                if not self.running():
                    return status, headers, bytes(body)
        return status, headers, bytes(body)

    def judge(self, status, body, path, who, partial=False):
        # The user's version may change between two requests; a mixture of both never happens.
        right = any(whole == body or partial and whole.startswith(body) for whole in self.contents[path].values())
        if status != 200 or not right:
            self.wrong.append(f"{who}: {path}: {status}, {len(body or b'')} bytes")

    async def fast(self, number):
        while self.running():
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port, limit=1 << 20)
            for _ in range(500):
                if not self.running():
                    break
                user, path = random.choice(self.ids), random.choice(list(FILES))
                begin = time.perf_counter()
                writer.write(self.head(user, path, "Accept-Encoding: gzip\r\n" if number % 2 else ""))
                status, headers, body = await self.answer(reader)
                if headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                    self.count("compressed files")
                if path != "dist/huge.bin":
                    self.latencies.append(time.perf_counter() - begin)
                self.judge(status, body, path, "fast reader")
                self.count("whole files")
            writer.close()

    async def slow(self, number):
        while self.running():
            path = random.choice(["dist/medium.js", "dist/large.js", "dist/huge.bin"])
            # A small window, so that the server feels the slowness.
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.server.port))
            reader, writer = await asyncio.open_connection(sock=sock, limit=2048)
            writer.write(self.head(random.choice(self.ids), path))
            status, _, body = await self.answer(reader, pace=1024)
            self.judge(status, body, path, "slow reader", partial=not self.running())
            self.count("slow readers")
            writer.transport.abort()

    async def broken(self, number):
        while self.running():
            reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
            head = self.head(random.choice(self.ids), random.choice(list(FILES)))
            writer.write(head[: random.randrange(1, len(head) + 1)])
            try:
                await asyncio.wait_for(reader.read(random.randrange(1, 50_000)), 0.05)
            except asyncio.TimeoutError:
                pass
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            self.count("broken connections")
            await asyncio.sleep(0.01)

    async def changes(self):
        """Versions back and forth, and tokens that must not work after their end."""
        loop = asyncio.get_running_loop()
        at = {user: 0 for user in self.ids}
        while self.running():
            user = random.choice(self.ids)
            at[user] = 1 - at[user]
            wanted = VERSIONS[at[user]]
            await loop.run_in_executor(None, self.change, user, wanted)
            await asyncio.sleep(0.1)

    def change(self, user, version):
        token = self.tokens[user]
        self.server.request("POST", "/api/v1/plugins/P0/update", token, {"version": version})
        _, body = self.server.request("GET", "/api/v1/plugins/P0/dist/small.js", token)
        if body != self.contents["dist/small.js"][version]:
            self.wrong.append(f"after an update to {version} another one was served")
        self.count("updates")
        _, made = self.server.request("POST", "/api/v1/tokens", token, {"name": "soak", "scopes": ["read"]})
        made = json.loads(made)
        path = "/api/v1/plugins/P0/dist/small.js"
        self.server.request("GET", path, made["token"])
        self.server.request("DELETE", f"/api/v1/tokens/{made['id']}", token)
        answer, _ = self.server.request("GET", path, made["token"], expect=(200, 401))
        if answer.status != 401:
            self.wrong.append("a revoked token was accepted")
        self.count("revocations")

    async def watch(self, samples):
        while self.running():
            samples.append((self.server.status("VmRSS") / 1024, self.server.open_files()))
            await asyncio.sleep(1)

    async def run(self, seconds):
        self.end = time.monotonic() + seconds
        samples = []
        jobs = [self.fast(n) for n in range(FAST)] + [self.slow(n) for n in range(SLOW)] + [self.broken(n) for n in range(BROKEN)]
        await asyncio.gather(*jobs, self.changes(), self.watch(samples))
        return samples


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=300)
    options.add_argument("--times", type=int, default=2)
    options = options.parse_args()
    build()
    rows, failures, lasts = [], [], []
    with Work() as work:
        server = work.plugyard()
        for version in VERSIONS:
            server.publish("P0", version, {path: content(version, path) for path in FILES})
        ids, _ = server.fill(USERS, 1, 1)
        server.start()
        soak = Soak(server, options, ids)
        for user in ids:
            server.request("GET", "/api/v1/plugins/P0/dist/small.js", soak.tokens[user])
        idle = server.open_files()
        for number in range(options.times):
            soak.latencies, soak.counts, soak.wrong = [], {}, []
            samples = asyncio.run(soak.run(options.seconds))
            # Connections that were left open are closed by now or soon.
            for _ in range(100):
                if server.open_files() <= idle + ROOM:
                    break
                time.sleep(0.2)
            memory = [sample[0] for sample in samples]
            third = max(1, len(memory) // 3)
            early, late = median(memory[third : 2 * third] or memory), median(memory[-third:])
            latencies = sorted(soak.latencies)
            p99 = latencies[int(len(latencies) * 0.99)] * 1000 if latencies else 0
            counts = ", ".join(f"{count:,} {what}" for what, count in sorted(soak.counts.items()))
            rows.append([number + 1, options.seconds, counts, len(soak.wrong), f"{p99:.1f}", f"{early:.0f} / {late:.0f}", f"{max(s[1] for s in samples)} / {server.open_files()} (idle {idle})"])
            failures += soak.wrong[:10]
            if late > early * 1.1 + 16:
                failures.append(f"memory grew from {early:.0f} to {late:.0f} MiB")
            if server.open_files() > idle + ROOM:
                failures.append(f"{server.open_files()} files are open, {idle} were")
            expected = ("whole files", "compressed files", "slow readers", "broken connections", "updates", "revocations")
            failures += [f"there were no {what}" for what in expected if not soak.counts.get(what)]
            lasts.append(late)
    if lasts[-1] > lasts[0] * 1.05 + 4:
        failures.append(f"memory grew from run to run: {lasts}")
    if failures:
        sys.exit("\n".join(failures))
    head = ["run", "seconds", "what", "wrong answers", "p99 ms of up to 1 MiB", "resident MiB, second and last third", "open files, most / after"]
    settings = f"{FAST} readers that compare every byte, {SLOW} at 1 KiB/s, {BROKEN} that break off, {USERS} users; load and server share the cores"
    write_section("soak", f"{versions('rustc', 'python')}; {settings}.\n\n{table(head, rows)}")


if __name__ == "__main__":
    main()
