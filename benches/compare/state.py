#!/usr/bin/env python3
"""Documents of 1 KiB, history on, every save on disk before its answer: 1,000 users with 20 entries each, beside PostgreSQL
(a bare upsert by pgbench), Redis and, where it is installed, Kinto. Rounds are interleaved; medians."""

import argparse
import itertools
import math
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from common import *  # noqa: F403

ENTRIES = 20
# Entries of users who have many.
COLLECTED = [100, 1_000, 10_000]
PREFIX = "/api/v1/plugin-state"
LARGE = 10 << 20


class Store:
    """A server whose users have the plugin `Bench`, with every entry written once."""

    def __init__(self, work, name, users, **settings):
        self.server = work.plugyard(name, jwt_auto_provision="true", **settings)
        self.address = f"127.0.0.1:{self.server.port}"
        self.tokens = [host_token(f"{user:032x}") for user in range(1, users + 1)]
        collectors = {count: host_token(f"{users + 1 + at:032x}") for at, count in enumerate(COLLECTED)}
        self.files = {}
        for kind, tokens in [("all", self.tokens), *((count, [token]) for count, token in collectors.items())]:
            self.files[kind] = self.server.home / f"{kind}.tokens"
            self.files[kind].write_text("\n".join(tokens) + "\n")
        for token in [*self.tokens, *collectors.values()]:
            # The first request makes the account.
            self.server.request("GET", "/api/v1/auth/me", token)
        self.server.publish("Bench")
        self.server.cli("plugins", "install", "Bench", "--all-users")
        self.load("fill", 32, 600)
        for count in COLLECTED:
            self.load("fill", 16, 600, whose=count, entries=count)

    def load(self, mode, clients, seconds, whose="all", entries=ENTRIES):
        return generate(mode, self.address, clients, seconds, self.files[whose], entries)


def generate(mode, address, clients, seconds, tokens, entries):
    """Requests per second, and 50th and 99th percentile in ms."""
    command = [TARGET / "examples/state-load", mode, address, clients, seconds, tokens, entries]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{mode}: {done.stderr}")
    rate, half, tail = map(float, done.stdout.split())
    return rate, half, tail


class Postgres:
    """A cluster of its own, reached through a socket in its folder; it does not run as root."""

    def __init__(self, work):
        self.folder = work.folder / "postgres"
        self.folder.mkdir()
        self.folder.chmod(0o777)
        self.run("initdb", "-D", self.folder / "data", "-A", "trust", "-E", "UTF8", "--locale=C")
        options = ["-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses=", "-c", "max_connections=300"]
        work.start(self.command("postgres", *options), cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            if not subprocess.run(self.command("psql", "-h", self.folder, "postgres", "-c", "SELECT 1"), cwd="/", capture_output=True).returncode:
                break
            time.sleep(0.1)
        self.psql("CREATE ROLE bench SUPERUSER LOGIN", "CREATE DATABASE plugyard OWNER bench", "CREATE DATABASE kinto OWNER bench")
        self.psql(
            "CREATE TABLE state (id BIGINT PRIMARY KEY, user_id TEXT NOT NULL, state_key TEXT NOT NULL, data TEXT NOT NULL, seq BIGINT NOT NULL, updated_at BIGINT NOT NULL)",
            "INSERT INTO state SELECT id, md5((id / 20)::text), 'k' || id % 20, repeat('x', 1024), 1, 1 FROM generate_series(1, 20000) AS id",
        )
        self.script = self.folder / "upsert.sql"
        self.script.write_text(
            f"\\set id random(1, 20000)\nINSERT INTO state VALUES (:id, 'u', 'k', '{'y' * 1024}', 1, 1)"
            " ON CONFLICT (id) DO UPDATE SET data = excluded.data, seq = state.seq + 1, updated_at = excluded.updated_at;\n"
        )

    def command(self, program, *arguments):
        other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
        return [*other, str(postgres_program(program)), *map(str, arguments)]

    def run(self, program, *arguments):
        return subprocess.run(self.command(program, *arguments), cwd="/", capture_output=True, text=True, check=True).stdout

    def psql(self, *statements):
        self.run("psql", "-q", "-h", self.folder, "postgres", *(part for one in statements for part in ("-c", one)))

    def url(self, database):
        return f"postgres://bench@localhost/{database}?host={self.folder}"

    def upsert(self, clients, seconds):
        out = self.run("pgbench", "-n", "-h", self.folder, "-M", "prepared", "-c", clients, "-j", 2, "-T", seconds, "-f", self.script, "postgres")
        return float(re.search(r"^tps = ([\d.]+)", out, re.M)[1]), float(re.search(r"latency average = ([\d.]+)", out)[1]), 0


class Redis:
    def __init__(self, work):
        self.port = free_port()
        program = shutil.which("redis-server") or sys.exit("redis-server is not installed")
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(work.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        wait_for(work.start([program, *options], stdout=subprocess.DEVNULL), self.port)
        self.bench("set", 32, 200_000)

    def bench(self, what, clients, requests=400_000):
        command = ["redis-benchmark", "-p", self.port, "-t", what, "-c", clients, "-d", 1024, "-r", 20_000, "-n", requests, "--csv"]
        out = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True).stdout
        values = [float(value.strip('"')) for value in out.splitlines()[-1].split(",")[1:]]
        return values[0], values[3], values[5]


class Kinto:
    def __init__(self, work, postgres):
        self.port = free_port()
        settings = work.folder / "kinto.ini"
        database = f"postgresql://bench@/kinto?host={postgres.folder}"
        settings.write_text(
            f"""[server:main]
use = egg:waitress
host = 127.0.0.1
port = {self.port}
[app:main]
use = egg:kinto
kinto.includes = kinto.plugins.history
kinto.storage_backend = kinto.core.storage.postgresql
kinto.storage_url = {database}
kinto.permission_backend = kinto.core.permission.postgresql
kinto.permission_url = {database}
kinto.cache_backend = kinto.core.cache.memory
kinto.userid_hmac_secret = bench
multiauth.policies = basicauth
kinto.bucket_create_principals = system.Authenticated
"""
        )
        subprocess.run(["kinto", "migrate", "--ini", settings], check=True, capture_output=True)
        wait_for(work.start(["kinto", "start", "--ini", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), self.port)
        for part in ("buckets/bench", "buckets/bench/collections/state"):
            basic = "Basic " + base64.b64encode(b"bench:bench").decode()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request("PUT", f"/v1/{part}", "{}", {"Authorization": basic, "Content-Type": "application/json"})
            if connection.getresponse().status not in (200, 201):
                sys.exit(f"Kinto does not make {part}")
        self.load("kinto-fill", 16, 600)

    def load(self, mode, clients, seconds):
        return generate(mode, f"127.0.0.1:{self.port}", clients, seconds, "bench:bench", 1000)


def event_latency(store, count=300):
    """From sending a save to its event on another connection, in ms: 50th and 99th percentile. The save's own time is in it."""
    token = store.tokens[0]
    stream = http.client.HTTPConnection("127.0.0.1", store.server.port, timeout=60)
    stream.request("GET", f"{PREFIX}/events", headers={"Authorization": f"Bearer {token}"})
    events = stream.getresponse()
    seen = threading.Semaphore(0)
    arrived = []

    def listen():
        while len(arrived) < count:
            if events.readline().startswith(b"event: state.changed"):
                arrived.append(time.perf_counter())
                seen.release()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    time.sleep(0.5)
    connection = http.client.HTTPConnection("127.0.0.1", store.server.port, timeout=60)
    sent = []
    for number in range(count):
        sent.append(time.perf_counter())
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        connection.request("PUT", f"{PREFIX}/entry?plugin_id=Bench&state_key=event", json.dumps({"n": number}), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status not in (200, 201) or not seen.acquire(timeout=10):
            sys.exit(f"event {number} did not arrive")
    thread.join()
    return percentiles([(end - begin) * 1000 for begin, end in zip(sent, arrived)])


def large_documents(store, rounds):
    """A document of 10 MiB saved and loaded, alone and beside others' loads, in ms; and what those take (99th percentile)."""
    connection = http.client.HTTPConnection("127.0.0.1", store.server.port, timeout=60)
    headers = {"Authorization": f"Bearer {store.tokens[1]}", "Content-Type": "application/json"}
    alone, beside, others = {"PUT": [], "GET": []}, {"PUT": [], "GET": []}, []
    numbers = itertools.count()

    def once(times):
        number = next(numbers)
        body = json.dumps({"n": number, "text": text_of(LARGE - 400_000, number).decode()}, separators=(",", ":")).encode()
        body = body[:-2] + b"x" * (LARGE - len(body)) + body[-2:]
        for method in times:
            begin = time.perf_counter()
            connection.request(method, f"{PREFIX}/entry?plugin_id=Bench&state_key=large", body if method == "PUT" else None, headers)
            answer = connection.getresponse()
            content = answer.read()
            times[method].append((time.perf_counter() - begin) * 1000)
            if answer.status not in (200, 201) or (method == "GET" and content != body):
                sys.exit(f"{method} of {len(body)} bytes: {answer.status} {content[:200]}")
        time.sleep(0.3)

    for _ in range(rounds):
        once(alone)
    thread = threading.Thread(target=lambda: others.append(store.load("load", 4, rounds)))
    thread.start()
    while thread.is_alive():
        once(beside)
    store.server.request("DELETE", f"{PREFIX}/entry?plugin_id=Bench&state_key=large", store.tokens[1])
    told = [f"saved in {median(times['PUT']):.0f} ms, loaded in {median(times['GET']):.0f} ms" for times in (alone, beside)]
    return f"10 MiB: {told[0]} (goals: below 120 and 60); beside four others who load without a pause {told[1]}, and those have a p99 of {others[0][2]:.2f} ms (below 15)."


def percentiles(values):
    values = sorted(values)
    return values[len(values) // 2], values[int(len(values) * 0.99)]


def flush(folder):
    """What one fsync takes here, in ms."""
    times = []
    with open(folder / "flushed", "wb") as file:
        for _ in range(200):
            file.write(os.urandom(4096))
            begin = time.perf_counter()
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - begin) * 1000)
    return median(times)


def all_loads(store, with_tags):
    """Every document, and the tag it has."""
    requests = []
    for token in store.tokens:
        listed = json.loads(store.server.request("GET", f"{PREFIX}/?plugin_id=Bench&limit=1000", token)[1])
        tags = {record["state_key"]: record["etag"] for record in listed}
        if len(tags) < ENTRIES:
            sys.exit("an entry is missing")
        for entry in range(ENTRIES):
            tag = tags[f"k{entry}"]
            more = f"If-None-Match: {tag}" if with_tags else ""
            requests.append((f"{PREFIX}/entry?plugin_id=Bench&state_key=k{entry}", token, more))
    return requests


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=4)
    options.add_argument("--users", type=int, default=1000)
    options.add_argument("--only", help="only jobs whose name holds this")
    options = options.parse_args()
    build()
    rounds, seconds = options.rounds, options.seconds
    with Work() as work:
        postgres, redis = Postgres(work), Redis(work)
        kinto = Kinto(work, postgres) if shutil.which("kinto") else None
        here = Store(work, "sqlite", options.users)
        there = Store(work, "postgres", options.users, database_url=postgres.url("plugyard"))
        plain = work.folder / "plain"
        plain.mkdir()
        answer, body = here.server.request("GET", f"{PREFIX}/entry?plugin_id=Bench&state_key=k1", here.tokens[0])
        (plain / "document").write_bytes(body)
        like = work.bare(plain, answer)
        asked = [("Authorization", f"Bearer {here.tokens[0]}")]

        port = here.server.port
        by_wrk = lambda script: lambda: (lambda rate, tail: (rate, 0, tail))(*wrk(port, "/", 32, seconds, script=script))
        bare = lambda path: lambda: (lambda rate, tail: (rate, 0, tail))(*wrk(like, path, 32, seconds, asked))
        loads = lua(work.folder, "loads", all_loads(here, False))
        jobs = {
            "PostgreSQL upsert, 1": lambda: postgres.upsert(1, seconds),
            "PostgreSQL upsert, 32": lambda: postgres.upsert(32, seconds),
            "Redis GET, 32": lambda: redis.bench("get", 32),
            "save, 1": lambda: here.load("save", 1, seconds),
            "save, 16": lambda: here.load("save", 16, seconds),
            "save, 32": lambda: here.load("save", 32, seconds),
            "save, 256": lambda: here.load("save", 256, seconds),
            "save on PostgreSQL, 32": lambda: there.load("save", 32, seconds),
            "load, 16": lambda: here.load("load", 16, seconds),
            "load, 32": by_wrk(loads),
            "bare load, 32": bare("/document"),
            "bare 304, 32": bare("/unchanged/x"),
            "list, 16": lambda: here.load("list", 16, seconds, whose=COLLECTED[-1], entries=COLLECTED[-1]),
        }
        jobs |= {f"list among {count}, 1": lambda count=count: here.load("list", 1, seconds, whose=count, entries=count) for count in COLLECTED}
        if kinto:
            jobs |= {"Kinto save, 16": lambda: kinto.load("kinto-save", 16, seconds), "Kinto load, 16": lambda: kinto.load("kinto-load", 16, seconds)}
        if options.only:
            jobs = {name: job for name, job in jobs.items() if options.only in name}
        results = {name: [] for name in jobs}
        for _ in range(rounds):
            for name, job in jobs.items():
                results[name].append(job())
                print(name, *results[name][-1], sep=" | ", file=sys.stderr, flush=True)
        # The tags stand still from now on.
        results["304, 32"] = []
        unchanged = by_wrk(lua(work.folder, "unchanged", all_loads(here, True)))
        for _ in range(rounds):
            for name, job in (("304, 32", unchanged), ("bare 304, 32", bare("/unchanged/x"))):
                results.setdefault(name, []).append(job())
        large = large_documents(here, rounds * 2)
        events = event_latency(here)
        results["delete, 16"] = [here.load("delete", 16, 60)]
        middle = {name: [median(values) for values in zip(*measured)] for name, measured in results.items()}

        rows = []

        def row(job, peer=None, goal=""):
            if job not in middle:
                return
            rate, _, tail = middle[job]
            other = middle[peer][0] if peer in middle else None
            rows.append([job, f"{rate:,.0f}", f"{tail:.2f}", peer or "", f"{other:,.0f}" if other else "", f"{rate / other:.2f}" if other else "", goal])

        row("save, 1", "PostgreSQL upsert, 1", "<= one flush + 0.5 ms")
        row("save, 16", "Kinto save, 16", "p99 < 10 ms; 50 x Kinto")
        row("save, 32", "PostgreSQL upsert, 32", "1.0")
        row("save, 256", "save, 32", "1.0")
        row("save on PostgreSQL, 32", "PostgreSQL upsert, 32", "0.5")
        row("load, 16", "Kinto load, 16", "p99 < 10 ms; 100 x Kinto")
        row("load, 32", "Redis GET, 32", "0.5")
        row("load, 32", "bare load, 32")
        row("304, 32", "bare 304, 32", "0.8")
        for count in COLLECTED:
            row(f"list among {count}, 1", goal="p99 < 5 ms")
        row("list, 16", goal="p99 < 20 ms")
        row("delete, 16", goal="p99 < 5 ms")
        head = ["operation, clients", "requests/s", "p99 ms", "peer", "peer's requests/s", "ratio", "goal"]
        single = f"A save alone takes {middle['save, 1'][1]:.2f} ms, a flush {flush(work.folder):.2f} ms." if "save, 1" in middle else ""
        event = f"From sending a save to its event on another connection: {events[0]:.2f} ms, p99 {events[1]:.2f} ms (below 20)."
        times = [middle[f"list among {count}, 1"][1] for count in COLLECTED if f"list among {count}, 1" in middle]
        growth = [f"{math.log10(later / earlier):.2f}" for earlier, later in zip(times, times[1:])]
        listed = f"From ten times to ten times as many entries of the user, a list of 100 takes longer by the exponents {', '.join(growth)} (0: not at all)." if growth else ""
        settings = f"{rounds} rounds of {seconds} s in turns, medians; {options.users:,} users x {ENTRIES} entries of 1 KiB; lists: 100 entries; delete: one run of all"
        programs = versions("postgres", "redis", "wrk", *(["kinto"] if kinto else []))
        write_section("state", f"{programs}. {settings}.\n\n{table(head, rows)}\n\n{single} {large} {event} {listed}")


if __name__ == "__main__":
    main()
